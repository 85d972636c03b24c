package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc"
)

func versionCommand(io *stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			fmt.Fprintln(io.out, versionText())
		},
	}
}

func versionText() string {
	return fmt.Sprintf("aileronc %s %s %s/%s", aileronc.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
