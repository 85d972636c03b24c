package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// engineFlag is the flag of all commands that emit source.
type engineFlag struct{ engine kinds.Engine }

func (f *engineFlag) add(cmd *cobra.Command) {
	f.engine = kinds.Engines[0]
	cmd.Flags().Var(f, "engine", "`ENGINE` that speaks HTTP/1.1 in the gateway: wire, the runtime's own, or nethttp, that of the Go standard library")
	_ = cmd.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(engines(), cobra.ShellCompDirectiveNoFileComp))
}

func engines() []string {
	var all []string
	for _, e := range kinds.Engines {
		all = append(all, string(e))
	}
	return all
}

// Set takes what stands behind --engine.
func (f *engineFlag) Set(name string) error {
	for _, e := range kinds.Engines {
		if name == string(e) {
			f.engine = e
			return nil
		}
	}
	return fmt.Errorf("there's no such engine: it is %s or %s", kinds.Wire, kinds.NetHTTP)
}

// String is the name of the engine.
func (f *engineFlag) String() string { return string(f.engine) }

// Type says what the value is.
func (f *engineFlag) Type() string { return "engine" }
