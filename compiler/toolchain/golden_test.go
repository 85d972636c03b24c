package toolchain

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc"
	"github.com/aileron-gateway/aileronc/compiler/emit"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// goldenModule is one module with the generated source of all golden cases, but for those with
// packages of users. So it reaches whatever a config can reach.
func goldenModule(t *testing.T, only string) *Layout {
	t.Helper()
	var sources []emit.File
	golden := os.DirFS(filepath.Join(root, "golden"))
	err := fs.WalkDir(golden, ".", func(name string, e fs.DirEntry, err error) error {
		dir, file, ok := strings.Cut(name, "/")
		generated := strings.HasPrefix(file, emit.CarriedDir+"/") || !strings.Contains(file, "/") && strings.HasSuffix(file, ".go")
		if err != nil || e.IsDir() || !ok || !generated || hasPackages(golden, dir) || only != "" && only != dir {
			return err
		}
		if only != "" {
			name = file
		}
		text, err := fs.ReadFile(golden, dir+"/"+file)
		sources = append(sources, emit.File{Name: name, Content: text})
		return err
	})
	if err != nil || len(sources) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	l, err := Module(aileronc.Source, sources, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hasPackages reports whether a case has packages of a user.
func hasPackages(golden fs.FS, dir string) bool {
	text, err := fs.ReadFile(golden, dir+"/wire.go")
	return err == nil && bytes.Contains(text, []byte(ir.Module+"/golden/"+dir+"/"))
}

// golang runs the go command in a module without the flags of this one, and without a network: only to
// know that a module is tidy, the go command wants to see the tests of others' packages.
func golang(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-trimpath -buildvcs=false", "GOWORK=off", "CGO_ENABLED=0")
	if !slices.Contains(args, "tidy") {
		cmd.Env = append(cmd.Env, "GOPROXY=off")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestModuleOfAllKinds holds that an unpacked module is complete and tidy, offline, and vendored.
func TestModuleOfAllKinds(t *testing.T) {
	dir := t.TempDir()
	l := goldenModule(t, "")
	if _, err := Write(l, dir); err != nil {
		t.Fatal(err)
	}
	golang(t, dir, "mod", "tidy", "-diff")
	if err := os.WriteFile(filepath.Join(dir, third, "go.sum"), l.Files["go.sum"], 0o644); err != nil { // only a main module needs one
		t.Fatal(err)
	}
	golang(t, filepath.Join(dir, third), "mod", "tidy", "-diff")
	golang(t, dir, "list", "-export", "-mod=readonly", "./...") // compiles all, and links nothing
	golang(t, dir, "mod", "vendor")
	golang(t, dir, "list", "-export", "-mod=vendor", "./...")
	golang(t, dir, "build", "-mod=vendor", "-o", t.TempDir(), "./http-logger")
}

// TestSameBytes holds that neither the folder nor the machine is in a binary.
func TestSameBytes(t *testing.T) {
	l := goldenModule(t, "reverse-proxy-handler")
	var binaries [2][]byte
	for i := range binaries {
		cache := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i), "cache")
		binary, err := Build(context.Background(), l, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if binaries[i], err = os.ReadFile(binary); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{filepath.Dir(filepath.Dir(cache)), os.Getenv("HOME") + "/", env(t, "GOROOT") + "/", env(t, "GOMODCACHE")} {
			if bytes.Contains(binaries[i], []byte(path)) {
				t.Errorf("the binary has the path %s in it", path)
			}
		}
	}
	if !bytes.Equal(binaries[0], binaries[1]) {
		t.Error("two folders give different binaries")
	}
}

func env(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
