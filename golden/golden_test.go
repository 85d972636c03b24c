// Package golden compares what the compiler makes of configs with what it is known to
// make: a folder holds a config.yaml, and the Go files or the diagnostics.txt that come of
// it. An engine.txt beside them is the engine if it isn't the default one, and an os.txt the system to build for. Folders with Go files are main packages of this module, so the go command vets
// and compiles them.
package golden

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler"
	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// version stands in meta.go of the cases, so that a release doesn't change them.
const version = "0.0.0"

func cases(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("*/config.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs
}

// output compiles a case and returns what it should hold besides its inputs.
func output(t *testing.T, dir string) map[string]string {
	t.Helper()
	t.Chdir(dir)
	engine, err := os.ReadFile("engine.txt") // few cases have one
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	system, err := os.ReadFile("os.txt") // nor this
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	r, err := compiler.Compile(compiler.Input{
		Files: []string{"config.yaml"}, Freeze: &decode.Freezer{}, Engine: kinds.Engine(strings.TrimSpace(string(engine))), Version: version,
		OS: strings.TrimSpace(string(system)),
	})
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	if len(r.Findings.Findings()) > 0 {
		var b bytes.Buffer
		diag.Text(&b, r.Findings, r.Sources, false)
		out["diagnostics.txt"] = b.String()
	}
	for _, f := range r.Files {
		out[f.Name] = string(f.Content)
	}
	return out
}

// generated reports whether a file of a case is the compiler's. Those below _embed are what the binary carries.
func generated(name string) bool {
	return name == "diagnostics.txt" || strings.HasPrefix(name, "_embed/") || filepath.Ext(name) == ".go" && !strings.Contains(name, "/")
}

// expected are the files of a case, which is the working directory, that are the compiler's.
func expected(t *testing.T) map[string]string {
	t.Helper()
	want := make(map[string]string)
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !generated(name) {
			return err
		}
		content, err := os.ReadFile(filepath.FromSlash(name))
		want[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func TestCases(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(dir, func(t *testing.T) {
			got := output(t, dir) // and the working directory is the case's now
			want := expected(t)
			if *update {
				rewrite(t, want, got)
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("not as expected; if it should be so: make golden (-want +got)\n%s", d)
			}
		})
	}
}

func rewrite(t *testing.T, old, now map[string]string) {
	t.Helper()
	for name := range old {
		if _, ok := now[name]; !ok {
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		}
	}
	for name, content := range now {
		if content != old[name] {
			err := os.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o755)
			if err := errors.Join(err, os.WriteFile(name, []byte(content), 0o644)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestBuilds vets and compiles all cases with one call each. To link them as well would take
// most of the time of all tests; the examples are linked.
func TestBuilds(t *testing.T) {
	for _, args := range [][]string{{"vet", "./..."}, {"list", "-export", "./..."}} {
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEveryKindHasACase holds the cases against the catalogue.
func TestEveryKindHasACase(t *testing.T) {
	var all strings.Builder
	for _, dir := range cases(t) {
		files, _ := filepath.Glob(dir + "/*.go")
		if len(files) == 0 {
			continue
		}
		config, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(config)
	}
	for i := range kinds.All {
		if !strings.Contains(all.String(), "kind: "+kinds.All[i].Name) {
			t.Errorf("no case emits a %s", kinds.All[i].Name)
		}
	}
}

// TestEveryCodeHasACase holds the diagnostics of the cases against the codes.
func TestEveryCodeHasACase(t *testing.T) {
	var seen []string
	for _, dir := range cases(t) {
		text, err := os.ReadFile(filepath.Join(dir, "diagnostics.txt"))
		if err != nil {
			continue
		}
		seen = append(seen, string(text))
	}
	for _, c := range diag.Codes {
		if c.Example == "" { // no config raises it: the files themselves do
			continue
		}
		if !slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, "["+string(c.Code)+"]") }) {
			t.Errorf("no case shows the code %s", c.Code)
		}
	}
}

// TestReadme holds the code in the README against the case that it shows.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{
		"config.yaml":      "",
		"wire.go":          "// assemble makes",
		"routes_public.go": "// Route picks",
	} {
		text, err := os.ReadFile(filepath.Join("readme", name))
		if err != nil {
			t.Fatal(err)
		}
		part := strings.TrimSpace(string(text[max(0, bytes.Index(text, []byte(from))):]))
		if !strings.Contains(string(readme), part) {
			t.Errorf("README.md doesn't show golden/readme/%s as it is", name)
		}
	}
	for i := range kinds.All {
		if !strings.Contains(string(readme), "`"+kinds.All[i].Type()+"`") {
			t.Errorf("README.md doesn't name %s", kinds.All[i].Type())
		}
	}
}
