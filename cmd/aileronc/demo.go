package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aileron-gateway/aileronc/examples"
)

const demoText = `The demo gateway runs on 127.0.0.1:8080. Try in another terminal:

  curl http://127.0.0.1:8080/api/hello    # proxied to a second server of the same config
  curl http://127.0.0.1:8080/             # a static site
  curl http://127.0.0.1:8080/healthz      # a health check

Its config is %s
Stop it with Ctrl-C.

`

func demoCommand(io *stdio) *cobra.Command {
	in := inputFlags{files: []string{"config.yaml"}}
	var bf buildFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Compile and start a gateway on an embedded config",
		Long: `demo builds the gateway of an example that is part of the compiler, starts it, and
prints requests to try. Its files are written to the user's cache folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := unpackDemo()
			if err != nil {
				return err
			}
			if err := os.Chdir(dir); err != nil { // its config names files relative to it
				return err
			}
			r, err := in.compile(io)
			if err != nil {
				return err
			}
			binary, err := bf.build(cmd.Context(), io, r)
			if err != nil {
				return err
			}
			fmt.Fprintf(io.err, demoText, filepath.Join(dir, "config.yaml"))
			return replace(cmd.Context(), io, binary, []string{"gateway"})
		},
	}
	in.engine.add(cmd)
	bf.add(cmd)
	bf.here()
	in.os = bf.options.OS
	return cmd
}

// unpackDemo writes the demo's files into the cache folder.
func unpackDemo() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "aileronc-demo")
	demo, err := fs.Sub(examples.Demo, "demo")
	if err != nil {
		return "", err
	}
	return dir, fs.WalkDir(demo, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if e.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := fs.ReadFile(demo, path)
		return errors.Join(err, os.WriteFile(to, content, 0o644))
	})
}
