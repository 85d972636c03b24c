package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// child runs the gateway and returns when it has ended. If ctx ends, the gateway is
// asked to stop and drains.
func child(ctx context.Context, io *stdio, binary string, args []string) error {
	cmd := exec.CommandContext(ctx, binary, args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = io.in, io.out, io.err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitError(exit.ExitCode())
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("starting %s: %w", binary, err)
	}
	return nil
}
