// Command aileronc compiles API gateways: it turns a config into a Go program that is
// exactly that gateway, and builds it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // configs name time zones, on machines without a database of them, too

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK       = 0
	exitFindings = 1 // the config has errors, or the build failed
	exitUsage    = 2 // the call can't be carried out

	exitInterrupted = 130 // by a signal, as a shell counts
)

// An exitError ends the command with a code. What there was to say has been said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// errInterrupted ends a command that the user has ended.
var errInterrupted = errors.New("interrupted")

// started is when the command was called.
var started = time.Now()

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand(&stdio{stdin, stdout, stderr})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	fmt.Fprintln(stderr, "aileronc:", err)
	return exitUsage
}

// stdio are the streams of the command.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func rootCommand(io *stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "aileronc",
		Short: "A compiler for API gateways",
		Long: `aileronc compiles a gateway config (the resources of AILERON Gateway) into one
static binary that is exactly this gateway: no config file, no control plane.`,
		Example: `  aileronc run -f config.yaml                 # compile and start
  aileronc build -f config.yaml -o gateway    # compile to a binary
  aileronc check -f conf/                     # all that is wrong with a config`,
		Version:           versionText(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		DisableAutoGenTag: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		buildCommand(io), runCommand(io), generateCommand(io), checkCommand(io),
		demoCommand(io), explainCommand(io), templateCommand(io), versionCommand(io),
	)
	return root
}
