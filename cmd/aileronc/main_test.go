package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"aileronc": func() {
			os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the commands of testdata/*.txtar, with one build cache for all.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"HOME", "PATH", "GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY", "CGO_ENABLED"} {
				if v, ok := os.LookupEnv(name); ok {
					e.Setenv(name, v)
				}
			}
			if self, err := exec.LookPath("aileronc"); err == nil { // for scripts that change the PATH
				e.Setenv("SELF", filepath.Dir(self))
			}
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			if cache, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
				e.Setenv("GOCACHE", cache+"/go-build")
			}
			return nil
		},
	})
}

// TestCompletion holds that each shell gets a script.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"completion", shell}, strings.NewReader(""), &out, &errs); code != 0 || out.Len() == 0 {
			t.Errorf("completion %s: exit code %d, %d bytes, %s", shell, code, out.Len(), errs.String())
		}
	}
}

// TestEveryCommandHasAnExample holds the help texts to what users look for in them.
func TestEveryCommandHasAnExample(t *testing.T) {
	for _, c := range rootCommand(&stdio{}).Commands() {
		if c.Example == "" && c.Name() != "version" && c.Name() != "demo" {
			t.Errorf("%s has no example", c.Name())
		}
		if c.Short == "" {
			t.Errorf("%s has no description", c.Name())
		}
	}
}
