package main

import (
	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc/compiler/explain"
)

func explainCommand(io *stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [APIVERSION/KIND[.FIELD...] | CODE]",
		Short: "Explain a kind, a field, or the code of a finding",
		Example: `  aileronc explain                                     # all kinds
  aileronc explain core/v1/HTTPServer
  aileronc explain core/v1/HTTPServer.spec.addr
  aileronc explain unknown-field`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return explain.Topics(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return explain.Kinds(io.out)
			}
			return explain.Topic(io.out, args[0])
		},
	}
}
