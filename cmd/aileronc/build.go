package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/toolchain"
)

// buildFlags are the flags of the commands that call the go command.
type buildFlags struct {
	options toolchain.Options
	verbose bool
}

func (f *buildFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.options.PGO, "pgo", "", "optimise for the profile in `FILE`, see go help pgo")
	fl.StringVar(&f.options.Tags, "tags", "", "build tags, separated by commas")
	fl.StringVar(&f.options.LDFlags, "ldflags", "", "flags for the linker, added to -s -w")
	fl.StringVar(&f.options.Keep, "keep", "", "write the source to `DIR`, too")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what is done, also if the output isn't a terminal")
}

func buildCommand(io *stdio) *cobra.Command {
	var in inputFlags
	var bf buildFlags
	var out string
	cmd := &cobra.Command{
		Use:   "build -f PATH [-o FILE]",
		Short: "Compile a config to a binary",
		Example: `  aileronc build -f config.yaml -o gateway
  aileronc build -f conf/ --os linux --arch arm64 -o gateway-arm64
  kustomize build . | aileronc build -f - -o gateway`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := in.compile(io)
			if err != nil {
				return err
			}
			binary, err := bf.build(cmd.Context(), io, r)
			if err != nil {
				return err
			}
			return toolchain.Install(binary, outName(out, bf.options.OS))
		},
	}
	in.add(cmd)
	bf.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "gateway", "`FILE` to write the binary to")
	cmd.Flags().StringVar(&bf.options.OS, "os", "", "operating system to build for: linux, darwin, windows, …")
	cmd.Flags().StringVar(&bf.options.Arch, "arch", "", "architecture to build for: amd64, arm64, …")
	return cmd
}

func outName(out, goos string) string {
	if goos == "windows" && filepath.Ext(out) == "" {
		return out + ".exe"
	}
	return out
}

// build builds what was compiled and returns the path of the binary.
func (f *buildFlags) build(ctx context.Context, io *stdio, r *compiler.Result) (string, error) {
	layout, err := toolchain.Module(aileronc.Source, r.Files, r.Program.Plugins)
	if err != nil {
		return "", err
	}
	o := f.options
	var p *progress
	if f.verbose || isTerminal(io.err) {
		p = &progress{io: io, start: time.Now(), terminal: isTerminal(io.err)}
		o.Progress = p.event
	}
	binary, err := toolchain.Build(ctx, layout, o)
	p.end(err)
	if be, ok := errors.AsType[*toolchain.BuildError](err); ok {
		return "", buildFailed(io, be, r)
	}
	return binary, err
}

// buildFailed tells of source that doesn't build. With plugins of the user it may be theirs; else it's ours.
func buildFailed(io *stdio, e *toolchain.BuildError, r *compiler.Result) error {
	whose := "This is a bug of aileronc; please report it with the config."
	if len(r.Program.Plugins) > 0 {
		whose = "If the error isn't in a plugin's package, it is a bug of aileronc."
	}
	fmt.Fprintf(io.err, "aileronc: the generated source doesn't build: %s\n%s The source is in %s\n", e.First, whose, e.Workspace)
	return exitError(exitFindings)
}

// progress prints what a build is doing: a line for each stage, rewritten on a terminal.
type progress struct {
	io       *stdio
	start    time.Time
	terminal bool
	stage    string
	packages int
}

func (p *progress) event(e toolchain.Event) {
	p.packages = e.Packages
	stage := e.Stage
	if !p.terminal {
		if strings.HasPrefix(stage, "compiling the Go") && stage != p.stage {
			fmt.Fprintln(p.io.err, stage)
			p.stage = stage
		}
		return
	}
	fmt.Fprintf(p.io.err, "\r\x1b[K%s (%d packages, %.1f s)", stage, e.Packages, e.Took.Seconds())
}

func (p *progress) end(err error) {
	if p == nil {
		return
	}
	if p.terminal {
		fmt.Fprint(p.io.err, "\r\x1b[K")
	}
	if err == nil && p.packages > 0 {
		fmt.Fprintf(p.io.err, "built: %d packages compiled, %.1f s\n", p.packages, time.Since(p.start).Seconds())
	}
}
