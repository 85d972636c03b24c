package compiler

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
)

// FuzzCompile mutates the configs of the golden cases and examples. Whatever the config
// is, the compiler doesn't panic, its findings stand in the config, and what it emits is
// a Go program.
func FuzzCompile(f *testing.F) {
	dirs, texts := seeds(f)
	for i := range texts {
		f.Add(uint(i), uint64(i), i%2 == 0)
	}
	m := sync.OnceValue(func() *mutator { return newMutator(texts) })
	f.Fuzz(func(t *testing.T, which uint, seed uint64, frozen bool) {
		i := which % uint(len(texts))
		text := texts[i]
		if seed != 0 {
			text = m().mutate(text, seed)
		}
		holds(t, text, dirs[i], frozen)
	})
}

// FuzzText is FuzzCompile for changes of the text.
func FuzzText(f *testing.F) {
	_, texts := seeds(f)
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/dev/") || strings.Contains(text, "/proc/") {
			t.Skip("reading a device may never end")
		}
		if strings.Contains(text, "GoPlugin") {
			t.Skip("each look at a plugin is a call of the go command")
		}
		holds(t, text, t.TempDir(), false)
	})
}

// TestMutations is a piece of FuzzCompile that always runs: more of it on configs that
// compile, since few changes leave a config whole.
func TestMutations(t *testing.T) {
	dirs, texts := seeds(t)
	m := newMutator(texts)
	compiled := 0
	for i, text := range texts {
		n := uint64(1)
		if !strings.Contains(dirs[i], "/diag-") {
			n = 12
		}
		for seed := range n {
			mutated := m.mutate(text, seed+1)
			emitted, ok := holds(t, mutated, dirs[i], seed%4 == 0)
			if !ok {
				t.Logf("%s, seed %d:\n%s", dirs[i], seed+1, mutated)
			}
			if emitted {
				compiled++
			}
		}
	}
	if compiled < 50 {
		t.Errorf("only %d changed configs compile: too few to say much of what is emitted", compiled)
	}
}

// holds reports whether source is emitted for a config, and whether all is well with what comes of it.
func holds(t *testing.T, text, dir string, frozen bool) (emitted, ok bool) {
	t.Helper()
	ok = true
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format, args...)
		ok = false
	}
	run := func() *Result {
		r, err := Compile(Input{
			Files: []string{"-"}, Stdin: strings.NewReader(text), Dir: dir, Version: "test",
			Engine: kinds.Engines[len(text)%len(kinds.Engines)],
			Freeze: &decode.Freezer{All: frozen, Lookup: func(name string) (string, bool) { return "x`\"\n" + name, name != "B" }},
		})
		if err != nil {
			fail("printing failed: %v", err)
		}
		return r
	}
	r := run()
	for _, err := range misplaced(r) {
		fail("%s", err)
	}
	if diag.JSON(io.Discard, r.Findings) != nil || diag.SARIF(io.Discard, r.Findings, "test") != nil {
		fail("the findings can't be printed")
	}
	diag.Text(io.Discard, r.Findings, r.Sources, true)
	if r.Findings.HasErrors() != (len(r.Files) == 0) {
		fail("%d files in spite of errors: %t", len(r.Files), r.Findings.HasErrors())
	}
	if len(r.Files) == 0 {
		return false, ok
	}
	for _, err := range unsound(t, r) {
		fail("%s", err)
	}
	if d := cmp.Diff(r.Files, run().Files); d != "" {
		fail("a second run emits something else:\n%s", d)
	}
	return true, ok
}

// misplaced are complaints about positions that aren't in the config.
func misplaced(r *Result) []string {
	var bad []string
	inside := func(p diag.Pos) bool {
		text, ok := r.Sources[p.File]
		lines := strings.Split(string(text), "\n")
		if !ok || p.Line < 1 || p.Line > len(lines) || p.Col < 1 {
			return false
		}
		width := utf8.RuneCountInString(lines[p.Line-1])
		return p.Col <= width+1 && (p.End == 0 || p.Col <= p.End && p.End <= width+1)
	}
	for _, f := range r.Findings.Findings() {
		if f.Code == diag.NoEntrypoint && f.Pos.IsZero() {
			continue
		}
		if !inside(f.Pos) {
			bad = append(bad, fmt.Sprintf("%+v: %s[%s]: %s: not a place in the config", f.Pos, f.Severity, f.Code, f.Message))
		}
		for _, n := range f.Notes {
			if !inside(n.Pos) {
				bad = append(bad, fmt.Sprintf("%+v: note: %s: not a place in the config", n.Pos, n.Message))
			}
		}
	}
	return bad
}

// unsound are complaints about emitted files that are no Go program, or not formatted.
func unsound(t *testing.T, r *Result) []string {
	t.Helper()
	var bad []string
	fset := token.NewFileSet()
	var files []*ast.File
	for _, f := range r.Files {
		if f.IsCarried() {
			continue
		}
		parsed, err := parser.ParseFile(fset, f.Name, f.Content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		files = append(files, parsed)
		if formatted, err := format.Source(f.Content); err != nil || !bytes.Equal(formatted, f.Content) {
			bad = append(bad, f.Name+" isn't formatted")
		}
	}
	if len(bad) > 0 {
		return bad
	}
	known, err := runtimeTypes()
	if err != nil {
		t.Fatalf("the types of the runtime: %v", err)
	}
	conf := types.Config{Importer: known, Error: func(err error) { bad = append(bad, err.Error()) }}
	_, _ = conf.Check("main", fset, files, nil)
	return bad
}

// runtimeTypes has the types of all packages that generated code may import, from what
// the go command has compiled.
var runtimeTypes = sync.OnceValues(func() (types.Importer, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "../runtime/...", "embed")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	files := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	return importer.ForCompiler(token.NewFileSet(), "gc", open), err
})
