package gotext_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/content/gotext"
)

// values are what a template can name.
type values map[string]any

func (v values) Text(string) (string, bool) { return "", false }
func (v values) Map() map[string]any        { return v }

func Example() {
	hello := gotext.MustParse("hello {{ .who }}")
	body, err := hello.Render(values{"who": "world"})
	fmt.Println(string(body), err)
	// Output: hello world <nil>
}

func TestRender(t *testing.T) {
	v := values{"n": 1, "s": "<b>", "l": []string{"x", "y"}}
	for _, test := range []struct{ text, want, wantError string }{
		{"plain", "plain", ""},
		{"{{.n}} {{.s}}", "1 <b>", ""},
		{"{{.missing}}", "<no value>", ""},
		{"{{index .l 1}}{{range .l}}{{.}}{{end}}", "yxy", ""},
		{"half{{index .l 9}}", "", "out of range"},
		{"{{.n", "", "unclosed action"},
		{"{{unknown}}", "", "not defined"},
	} {
		var got []byte
		template, err := gotext.Parse(test.text)
		if err == nil {
			got, err = template.Render(v)
		}
		if string(got) != test.want || (err == nil) != (test.wantError == "") || err != nil && !strings.Contains(err.Error(), test.wantError) {
			t.Errorf("%q: got %q, %v", test.text, got, err)
		}
	}
}

func TestParseFile(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.txt"), filepath.Join(dir, "bad.txt")
	for name, text := range map[string]string{good: "n={{.n}}", bad: "{{"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	template, err := gotext.ParseFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := template.Render(values{"n": 1}); string(got) != "n=1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, name := range []string{bad, filepath.Join(dir, "missing.txt")} {
		if _, err := gotext.ParseFile(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMustParsePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	gotext.MustParse("{{")
}

func BenchmarkRender(b *testing.B) {
	t := gotext.MustParse("hello {{ .who }}")
	v := values{"who": "world"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Render(v); err != nil {
			b.Fatal(err)
		}
	}
}
