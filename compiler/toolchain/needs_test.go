package toolchain

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var update = flag.Bool("update", false, "rewrite needs.txt")

// TestNeeds holds the table of modules against what the go command says.
func TestNeeds(t *testing.T) {
	packages := importers(t)
	texts := make([]string, len(packages))
	t.Run("packages", func(t *testing.T) {
		for i, p := range packages {
			t.Run(p, func(t *testing.T) {
				t.Parallel()
				texts[i] = tidied(t, p)
			})
		}
	})
	got := strings.Join(texts, "\n")
	if *update {
		if err := os.WriteFile("needs.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(needsText, got); d != "" {
		t.Errorf("needs.txt isn't what the go command says; -update rewrites it (-want +got)\n%s", d)
	}
}

// importers are the packages of the runtime with a file, for whatever system, that imports another module.
func importers(t *testing.T) []string {
	t.Helper()
	var packages []string
	err := fs.WalkDir(aileronc.Source, "runtime", func(file string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		content, err := aileronc.Source.ReadFile(file)
		if err != nil {
			return err
		}
		r := &reach{seen: make(map[string]bool), modules: make(map[string]bool)}
		if err := r.imports(file, content); err != nil {
			return err
		}
		if len(r.modules) > 0 {
			packages = append(packages, path.Dir(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

// withoutTools is go.mod without what only the compiler imports: x/tools, for instance, which tests of a library import, too, of
// another version. A gateway's go.mod doesn't have it.
func withoutTools(t *testing.T) []byte {
	t.Helper()
	text, err := aileronc.Source.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	own, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"golang.org/x/mod", "golang.org/x/tools"} {
		if err := own.DropRequire(m); err != nil {
			t.Fatal(err)
		}
	}
	own.Cleanup()
	if text, err = own.Format(); err != nil {
		t.Fatal(err)
	}
	return text
}

// tidied has the go command tidy a module that reaches one package of the runtime, and returns
// the paragraph of the table for it.
func tidied(t *testing.T, pkg string) string {
	t.Helper()
	main := emit.File{Name: "main.go", Content: fmt.Appendf(nil, "package main\n\nimport _ %q\n\nfunc main() {}\n", ir.Module+"/"+pkg)}
	l, err := Module(aileronc.Source, []emit.File{main}, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := withoutTools(t)
	l.Files[third+"/go.mod"] = own
	l.Files["go.mod"] = append(bytes.Replace(own, []byte("module "+ir.Module), []byte("module gateway"), 1),
		"\nrequire "+ir.Module+" v0.0.0\n\nreplace "+ir.Module+" => ./"+third+"\n"...)
	if l.Files["go.sum"], err = aileronc.Source.ReadFile("go.sum"); err != nil {
		t.Fatal(err)
	}
	l.Files[third+"/go.sum"] = l.Files["go.sum"]
	dir := t.TempDir()
	for name, content := range l.Files {
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{third, "."} {
		cmd := exec.Command("go", "mod", "tidy")
		cmd.Dir = filepath.Join(dir, d)
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go mod tidy: %v\n%s", err, out)
		}
	}
	var b strings.Builder
	b.WriteString(pkg + "\n")
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	tidy, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range tidy.Require {
		if r.Mod.Path != ir.Module {
			b.WriteString(r.Mod.Path + "\n")
		}
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	b.Write(sums)
	return b.String()
}
