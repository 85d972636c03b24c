package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/toolchain"
	"github.com/aileron-gateway/aileronc/templates"
)

// buildFlags are the flags of the commands that call the go command.
type buildFlags struct {
	options   toolchain.Options
	pgo, keep string
	verbose   bool
}

func (f *buildFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.pgo, "pgo", "", "optimise for the profile in `FILE`, see go doc cmd/compile")
	fl.StringVar(&f.options.Tags, "tags", "", "build `TAGS`, separated by commas")
	fl.StringVar(&f.options.LDFlags, "ldflags", "", "`FLAGS` for the linker, added to -s -w")
	fl.StringVar(&f.keep, "keep", "", "write the source to `DIR`, too, as generate does")
	_ = cmd.MarkFlagDirname("keep")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say what is done, also if the output isn't a terminal")
}

// here builds for this machine, whatever GOOS and GOARCH say: the gateway is to run at once.
func (f *buildFlags) here() {
	f.options.OS, f.options.Arch = runtime.GOOS, runtime.GOARCH
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
  aileronc build -f config.yaml --embed --freeze-all --env production.env
  kustomize build . | aileronc build -f - -o gateway`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := hasFolder(out); err != nil {
				return err
			}
			r, err := in.compile(io)
			if err != nil {
				return err
			}
			bf.options.OS = in.os
			binary, err := bf.build(cmd.Context(), io, r)
			if err != nil {
				return err
			}
			path, err := toolchain.Install(binary, out)
			if err == nil {
				bf.built(io, path)
			}
			return err
		},
	}
	in.add(cmd)
	in.engine.add(cmd)
	bf.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "gateway", "`FILE` or folder to write the binary to")
	in.addOS(cmd)
	cmd.Flags().StringVar(&bf.options.Arch, "arch", "", "`ARCHITECTURE` to build for: amd64, arm64, …")
	_ = cmd.RegisterFlagCompletionFunc("arch", cobra.FixedCompletions([]string{"amd64", "arm64", "arm", "386", "riscv64", "ppc64le", "s390x"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// hasFolder reports a place that can't be written to before the time it takes to build.
func hasFolder(out string) error {
	dir := filepath.Dir(out)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("can't write %s: there's no folder %s", out, dir)
	}
	return nil
}

// build builds what was compiled and returns the path of the binary.
func (f *buildFlags) build(ctx context.Context, io *stdio, r *compiler.Result) (string, error) {
	layout, err := layOut(r, f.pgo)
	if err != nil {
		return "", err
	}
	if f.keep != "" {
		if err := write(io, layout, f.keep); err != nil {
			return "", err
		}
	}
	o := f.options
	var p *progress
	if f.verbose || isTerminal(io.err) {
		p = &progress{io: io, terminal: isTerminal(io.err)}
		o.Progress = p.event
	}
	binary, err := toolchain.Build(ctx, layout, o)
	p.end()
	if ctx.Err() != nil {
		return "", errInterrupted
	}
	if be, ok := errors.AsType[*toolchain.BuildError](err); ok {
		return "", buildFailed(io, be, r)
	}
	return binary, err
}

// layOut makes the module of what was compiled.
func layOut(r *compiler.Result, pgo string) (*toolchain.Layout, error) {
	l, err := toolchain.Module(aileronc.Source, r.Files, r.Program.Plugins)
	if err != nil {
		return nil, err
	}
	if pgo != "" {
		if err := l.AddProfile(pgo); err != nil {
			return nil, err
		}
	}
	l.Docs, err = templates.Files(templates.Of(r.Program, toolchain.Command(), toolchain.MinGo))
	return l, err
}

// write writes a module for a person to read, and tells what it has left alone.
func write(io *stdio, l *toolchain.Layout, dir string) error {
	left, err := toolchain.Write(l, dir)
	if len(left) > 0 {
		fmt.Fprintf(io.err, "left as it is, since aileronc hasn't generated it: %s\n", strings.Join(left, ", "))
	}
	return err
}

// built says what has come out, to a person.
func (f *buildFlags) built(io *stdio, path string) {
	if info, err := os.Stat(path); err == nil && (f.verbose || isTerminal(io.err)) {
		fmt.Fprintf(io.err, "%s: %.1f MB, in %.1f s\n", path, float64(info.Size())/1e6, time.Since(started).Seconds())
	}
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
	terminal bool
	stage    string
}

func (p *progress) event(e toolchain.Event) {
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

func (p *progress) end() {
	if p != nil && p.terminal {
		fmt.Fprint(p.io.err, "\r\x1b[K")
	}
}
