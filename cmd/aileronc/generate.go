package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc/compiler/toolchain"
)

func generateCommand(io *stdio) *cobra.Command {
	var in inputFlags
	var dir, pgo string
	cmd := &cobra.Command{
		Use:   "generate -f PATH -o DIR",
		Short: "Write the source of a gateway, as a module that go build builds",
		Long: `generate writes the module that build would build: the same files, from the same config
byte for byte the same, and the files that --embed makes a part of it. "go build" in DIR needs nothing else, and with the flags
that it prints the binary is the one that build makes. A README.md, which tells what the
gateway is, and a Dockerfile stand beside it.

What aileronc hasn't generated is never overwritten: of a Go file or the go.mod of another
module in DIR that is an error; a README.md or Dockerfile of your own stays as it is.`,
		Example: `  aileronc generate -f config.yaml -o src/ && cd src && go build -o gateway .`,
		RunE: func(*cobra.Command, []string) error {
			r, err := in.compile(io)
			if err != nil {
				return err
			}
			layout, err := layOut(r, pgo)
			if err != nil {
				return err
			}
			if err := write(io, layout, dir); err != nil {
				return err
			}
			fmt.Fprintf(io.err, "build it with: cd %s && %s\n", dir, toolchain.Command())
			return nil
		},
	}
	in.add(cmd)
	in.addOS(cmd)
	in.engine.add(cmd)
	cmd.Flags().StringVarP(&dir, "output", "o", "", "`DIR` to write to")
	cmd.Flags().StringVar(&pgo, "pgo", "", "add the profile in `FILE`, which go build uses by itself")
	_ = cmd.MarkFlagRequired("output")
	_ = cmd.MarkFlagDirname("output")
	return cmd
}
