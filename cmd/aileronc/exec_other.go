//go:build !unix

package main

import "context"

// replace runs the gateway as a child: there's no exec here.
func replace(ctx context.Context, io *stdio, binary string, args []string) error {
	return child(ctx, io, binary, args)
}
