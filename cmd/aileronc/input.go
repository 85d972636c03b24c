package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/runtime/env"
)

// inputFlags are the flags of all commands that read a config.
type inputFlags struct {
	files     []string
	freeze    []string
	freezeAll bool
	ignore    []string
	env       []string
	embed     bool
	os        string     // to build for; "" is that of the environment, or this one
	engine    engineFlag // of those that emit source
}

func (f *inputFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.files, "file", "f", nil, "config `PATH`: a file, a folder, or - for standard input (repeats)")
	fl.StringArrayVar(&f.freeze, "freeze", nil, "read environment variable `NAME` now instead of when the gateway starts (repeats)")
	fl.BoolVar(&f.freezeAll, "freeze-all", false, "read all environment variables now")
	fl.StringArrayVar(&f.env, "env", nil, "read environment variables that are needed now from `FILE`, lines of NAME=VALUE, and then from the environment (repeats)")
	fl.BoolVar(&f.embed, "embed", false, "make static files, templates and error pages a part of the binary, unless the config says otherwise")
	fl.StringArrayVar(&f.ignore, "ignore", nil, "don't show warnings with this `CODE` (repeats)")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml", "json")
	_ = cmd.RegisterFlagCompletionFunc("ignore", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return codes(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.Args = f.args
}

// args holds the call of a command against what can be meant.
func (f *inputFlags) args(cmd *cobra.Command, args []string) error {
	switch own := cmd.ArgsLenAtDash(); {
	case cmd.Name() == "run" && own >= 0:
		args = args[:own] // the rest is the gateway's
	case own >= 0:
		return fmt.Errorf("%s takes no arguments behind --", cmd.Name())
	}
	if len(f.files) == 0 {
		path := "config.yaml"
		if len(args) > 0 {
			path = args[0]
		}
		return fmt.Errorf("which config? name it with -f: %s -f %s", cmd.CommandPath(), path)
	}
	if len(args) > 0 && cmd.Name() == "run" {
		return fmt.Errorf("unexpected argument %q; flags of the gateway stand behind --, a further config behind -f", args[0])
	}
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q; a further config stands behind -f", args[0])
	}
	for _, code := range f.ignore {
		if !slices.Contains(codes(), code) {
			err := fmt.Errorf("there's no code %q to ignore", code)
			if s := diag.Suggest(code, codes()); s != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, s)
			}
			return err
		}
	}
	return nil
}

// codes are the codes of findings.
func codes() []string {
	var all []string
	for _, c := range diag.Codes {
		all = append(all, string(c.Code))
	}
	return all
}

// addOS adds the flag of those commands that may be about another system.
func (f *inputFlags) addOS(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.os, "os", "", "operating `SYSTEM` to build for: linux, darwin, windows, …")
	_ = cmd.RegisterFlagCompletionFunc("os", cobra.FixedCompletions([]string{"linux", "darwin", "windows", "freebsd", "netbsd", "openbsd"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *inputFlags) input(io *stdio) (compiler.Input, error) {
	in := compiler.Input{
		Files:   f.files,
		Stdin:   io.in,
		OS:      cmp.Or(f.os, os.Getenv("GOOS"), runtime.GOOS),
		Embed:   f.embed,
		Engine:  f.engine.engine,
		Version: aileronc.Version,
	}
	for _, code := range f.ignore {
		in.Ignore = append(in.Ignore, diag.Code(code))
	}
	vars := env.New(os.Environ())
	for _, file := range f.env {
		if err := vars.Load(file); err != nil {
			return in, fmt.Errorf("reading environment variables: %w", err)
		}
	}
	in.Freeze = &decode.Freezer{All: f.freezeAll, Names: f.freeze, Lookup: vars.Lookup, Environ: vars.Names}
	return in, nil
}

// compile compiles and prints the findings. The error is an exitError if the config has some.
func (f *inputFlags) compile(io *stdio) (*compiler.Result, error) {
	in, err := f.input(io)
	if err != nil {
		return nil, err
	}
	return report(io, in)
}

func report(io *stdio, in compiler.Input) (*compiler.Result, error) {
	r, err := compiler.Compile(in)
	if err != nil {
		return nil, fmt.Errorf("printing the source failed, which is a bug of the compiler: %w", err)
	}
	diag.Text(io.err, r.Findings, r.Sources, isTerminal(io.err))
	unused(io, in.Freeze, r)
	if r.Program == nil {
		return nil, exitError(exitCode(r.Findings))
	}
	return r, nil
}

// unused tells which variables were to be frozen for nothing: their names may be misspelt.
func unused(io *stdio, f *decode.Freezer, r *compiler.Result) {
	for _, name := range f.Names {
		if !slices.Contains(r.Frozen, name) {
			fmt.Fprintf(io.err, "aileronc: --freeze %s has no effect: the config doesn't read %s, or only together with a variable that isn't frozen\n", name, name)
		}
	}
}

// exitCode tells findings in a config from a config that can't even be read.
func exitCode(list *diag.List) int {
	for _, f := range list.Findings() {
		if f.Severity == diag.Error && f.Code != diag.UnreadableFile {
			return exitFindings
		}
	}
	if list.HasErrors() {
		return exitUsage
	}
	return exitOK
}

// freezeStructure adds the variables that would change the structure to those that
// are read now. It is for running at once, where now and start are the same.
func (f *inputFlags) freezeStructure(std *stdio) (compiler.Input, error) {
	in, err := f.input(std)
	if err != nil {
		return in, err
	}
	var stdin []byte // it can be read once only
	if slices.Contains(f.files, "-") {
		if stdin, err = io.ReadAll(std.in); err != nil {
			return in, err
		}
	}
	for range 8 { // a frozen value may bring up others
		in.Stdin = bytes.NewReader(stdin)
		r := compiler.Check(in)
		if len(r.Structural) == 0 {
			break
		}
		in.Freeze.Names = append(in.Freeze.Names, r.Structural...)
	}
	in.Stdin = bytes.NewReader(stdin)
	return in, nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
