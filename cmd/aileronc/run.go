package main

import (
	"github.com/spf13/cobra"
)

func runCommand(io *stdio) *cobra.Command {
	var in inputFlags
	var bf buildFlags
	cmd := &cobra.Command{
		Use:   "run -f PATH [-- FLAGS OF THE GATEWAY]",
		Short: "Compile a config and start the gateway",
		Long: `run builds the gateway into the cache and becomes it: signals go to the gateway,
and its exit code is that of the command. An unchanged config isn't built again.

Environment variables that would change the structure of the gateway are read now,
as if they were given with --freeze. Files of variables, --env, are for those and for
the gateway.`,
		Example: `  aileronc run -f config.yaml
  aileronc run -f config.yaml -- --env production.env`,
		RunE: func(cmd *cobra.Command, args []string) error {
			input, err := in.freezeStructure(io)
			if err != nil {
				return err
			}
			r, err := report(io, input)
			if err != nil {
				return err
			}
			binary, err := bf.build(cmd.Context(), io, r)
			if err != nil {
				return err
			}
			gateway := []string{"gateway"}
			for _, file := range in.env {
				gateway = append(gateway, "--env", file)
			}
			return replace(cmd.Context(), io, binary, append(gateway, args...))
		},
	}
	in.add(cmd)
	in.engine.add(cmd)
	bf.add(cmd)
	bf.here()
	in.os = bf.options.OS
	return cmd
}
