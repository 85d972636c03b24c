package compiler

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// compile compiles a config that is written down in a test.
func compile(t *testing.T, config string) *Result {
	t.Helper()
	return compileFor(t, "", config)
}

func compileFor(t *testing.T, system, config string) *Result {
	t.Helper()
	r, err := Compile(Input{Files: []string{"-"}, Stdin: strings.NewReader(config), Freeze: &decode.Freezer{}, Version: "test", OS: system})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCodeExamples holds the documentation of the codes: the example of each raises it.
func TestCodeExamples(t *testing.T) {
	for _, c := range diag.Codes {
		if c.Example == "" {
			continue
		}
		t.Run(string(c.Code), func(t *testing.T) {
			r := compileFor(t, c.OS, c.Example)
			if !slices.ContainsFunc(r.Findings.Findings(), func(f diag.Finding) bool {
				return f.Code == c.Code && f.Severity == c.Severity
			}) {
				var b bytes.Buffer
				diag.Text(&b, r.Findings, r.Sources, false)
				t.Errorf("the example doesn't raise %s (%s):\n%s", c.Code, c.Severity, b.String())
			}
		})
	}
}

// TestSameSource holds that neither comments nor the order of keys nor the format change
// what is emitted, but for the lines that say where something comes from.
func TestSameSource(t *testing.T) {
	yaml := compile(t, `# a comment
apiVersion: core/v1
kind: Entrypoint
spec:
  runners:
    - {apiVersion: core/v1, kind: HTTPServer}
---
apiVersion: core/v1
kind: HTTPServer
spec:
  shutdownTimeout: 5
  addr: 127.0.0.1:8080
`)
	json := compile(t, `{"kind": "HTTPServer", "apiVersion": "core/v1", "spec": {"addr": "127.0.0.1:8080", "shutdownTimeout": "5"}}
---
{"kind": "Entrypoint", "apiVersion": "core/v1", "spec": {"runners": [{"kind": "HTTPServer", "apiVersion": "core/v1"}]}}
`)
	a, b := withoutComments(yaml), withoutComments(json)
	a = strings.ReplaceAll(a, `shutdownTimeout: 5`, `shutdownTimeout: "5"`)
	if a != b {
		t.Errorf("YAML and JSON differ:\n%s\n%s", a, b)
	}
}

func withoutComments(r *Result) string {
	var b strings.Builder
	for _, f := range r.Files {
		for line := range strings.Lines(string(f.Content)) {
			if !strings.HasPrefix(strings.TrimSpace(line), "//") && !strings.Contains(line, "Digest:") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// TestHouse holds the borders between the folders: the compiler names the packages of the
// runtime as strings, and the runtime knows nothing of the compiler.
func TestHouse(t *testing.T) {
	forbidden := map[string][]string{
		".":          {`/aileronc/runtime/`},
		"../runtime": {`/aileronc/compiler`, `"github.com/dave/jennifer`, `yaml`, `"github.com/spf13`},
	}
	for root, words := range forbidden {
		err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			imports, _, _ := strings.Cut(string(text), "\n)\n")
			for _, w := range words {
				for line := range strings.Lines(imports) {
					if strings.Contains(line, w) && strings.HasSuffix(strings.TrimSpace(line), `"`) && !strings.Contains(line, "=") {
						t.Errorf("%s imports %s", path, strings.TrimSpace(line))
					}
				}
			}
			if n := strings.Count(string(text), "\n"); n > 400 {
				t.Errorf("%s has %d lines, more than 400", path, n)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
