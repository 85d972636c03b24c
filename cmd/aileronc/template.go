package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc/compiler/explain"
)

func templateCommand(io *stdio) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "template APIVERSION/KIND",
		Short: "Print a resource of a kind with its defaults, to start from",
		Example: `  aileronc template core/v1/HTTPServer
  aileronc template app/v1/CORSMiddleware -o json`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return explain.KindNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if output != "yaml" && output != "json" {
				return fmt.Errorf("there's no output format %q: it is yaml or json", output)
			}
			return explain.Template(io.out, args[0], output == "json")
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "yaml", "`FORMAT`: yaml or json")
	return cmd
}
