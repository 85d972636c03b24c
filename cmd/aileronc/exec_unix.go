//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
)

// replace turns this process into the gateway, if its streams are the process's own;
// a test's gateway runs as a child.
func replace(ctx context.Context, io *stdio, binary string, args []string) error {
	if io.out != os.Stdout || io.err != os.Stderr {
		return child(ctx, io, binary, args)
	}
	return fmt.Errorf("starting %s: %w", binary, syscall.Exec(binary, args, os.Environ()))
}
