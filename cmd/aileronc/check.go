package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/diag"
)

func checkCommand(io *stdio) *cobra.Command {
	var in inputFlags
	var format string
	cmd := &cobra.Command{
		Use:   "check -f PATH [--format text|json|sarif]",
		Short: "Tell all that is wrong with a config, without building it",
		Long: `check reads a config and tells all that it finds, errors and warnings, with file, line
and column. The exit code is 0 if there's nothing, 1 if there are findings, and 2 if
the call can't be carried out. Warnings can be left out by code with --ignore, errors can't;
what a code means is told by: aileronc explain CODE`,
		Example: `  aileronc check -f config.yaml
  aileronc check -f conf/ --format sarif > findings.sarif
  aileronc check -f config.yaml --ignore unused-resource`,
		RunE: func(*cobra.Command, []string) error {
			print, ok := map[string]func(*compiler.Result) error{
				"text": func(r *compiler.Result) error {
					diag.Text(io.out, r.Findings, r.Sources, isTerminal(io.out))
					return nil
				},
				"json":  func(r *compiler.Result) error { return diag.JSON(io.out, r.Findings) },
				"sarif": func(r *compiler.Result) error { return diag.SARIF(io.out, r.Findings, aileronc.Version) },
			}[format]
			if !ok {
				return fmt.Errorf("there's no format %q: it is text, json or sarif", format)
			}
			input, err := in.input(io)
			if err != nil {
				return err
			}
			r := compiler.Check(input)
			if err := print(r); err != nil {
				return err
			}
			unused(io, input.Freeze, r)
			if code := exitCode(r.Findings); code != exitOK {
				return exitError(code)
			}
			if len(r.Findings.Findings()) > 0 {
				return exitError(exitFindings)
			}
			return nil
		},
	}
	in.add(cmd)
	in.addOS(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of the findings: text, json or sarif")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "sarif"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
