package toolchain

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// root is the folder of our own module.
const root = "../.."

// A listed is what go list says of a package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles         []string
	Imports, Deps   []string
	Module          *struct{ Path string }
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps,Module"}, args...)...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(out); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// TestSource holds that the compiler carries the runtime that is on the disk: a folder with a
// go.mod of its own would be missing without an error.
func TestSource(t *testing.T) {
	want := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join(root, "runtime"), func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.Name() == "go.mod" || e.Name() == "vendor" {
			t.Errorf("%s: what is below it isn't embedded", file)
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			rel, err := filepath.Rel(root, file)
			want[filepath.ToSlash(rel)] = true
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range goList(t, "-deps", "./runtime/...") {
		if rel, ok := strings.CutPrefix(p.ImportPath, ir.Module+"/"); ok {
			for _, f := range p.GoFiles {
				want[path.Join(rel, f)] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, err := fs.Stat(aileronc.Source, name); err != nil {
			t.Errorf("the compiler doesn't carry it: %v", err)
		}
	}
}
