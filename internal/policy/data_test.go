package policy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/internal/policy"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          any
		fails         bool
	}{
		{"a.json", `{"a": [1, 1.50, "x", null, true]}`, map[string]any{"a": []any{json.Number("1"), json.Number("1.50"), "x", nil, true}}, false},
		{"a.JSON", "12345678901234567890", json.Number("12345678901234567890"), false},
		{"a.json", `{"a": 1} x`, nil, true},
		{"a.json", "", nil, true},
		{"a.yaml", "a: 1\nb: [x, y]\n", map[string]any{"a": json.Number("1"), "b": []any{"x", "y"}}, false},
		{"a.yml", "- 1\n- no\n", []any{json.Number("1"), "no"}, false},
		{"a.yaml", "a: b: c", nil, true},
		{"a.csv", "a,b\n\"c,d\",e\n", []any{[]any{"a", "b"}, []any{"c,d", "e"}}, false},
		{"a.csv", "", []any{}, false},
		{"a.csv", "a,b\nc\n", nil, true},
		{"a.txt", "x", nil, true},
		{"json", "1", nil, true},
		{"a.json", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), nil, true},
		{"a.yaml", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), nil, true},
		{"a.json", strings.Repeat("[", 500) + strings.Repeat("]", 500), nest(500), false},
	} {
		format, err := policy.FormatOfName(c.name)
		var got any
		if err == nil {
			got, err = policy.Decode(format, []byte(c.content))
		}
		if (err != nil) != c.fails {
			t.Errorf("%s %.40q: error %v", c.name, c.content, err)
		}
		if !reflect.DeepEqual(got, c.want) && !c.fails {
			t.Errorf("%s %.40q is %v, not %v", c.name, c.content, got, c.want)
		}
	}
}

func nest(n int) any {
	list := []any{}
	for range n - 1 {
		list = []any{list}
	}
	return list
}

func TestFormatOfType(t *testing.T) {
	for contentType, want := range map[string]string{
		"application/json": "json", "text/json; charset=utf-8": "json", "Application/YAML": "yaml", "text/yml": "yaml", "text/csv": "csv", "application/x-yaml": "yaml",
		"": "", "text/html": "", "image/json": "", "json": "",
	} {
		if got, err := policy.FormatOfType(contentType); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", contentType, got, err)
		}
	}
}

func TestInsert(t *testing.T) {
	data := make(map[string]any)
	for _, c := range []struct {
		at    string
		value any
		fails bool
	}{
		{"/a/b", 1, false}, {"a/c", 2, false}, {"/a/b", 3, true}, {"/a", map[string]any{"d": 4}, false}, {"/a", map[string]any{"d": 5}, true}, {"/a", 6, true},
		{"/a/b/c", 7, true}, {"/", map[string]any{"e": 8}, false}, {"", 9, true}, {"//f//", 10, false},
	} {
		if err := policy.Insert(data, c.at, c.value); (err != nil) != c.fails {
			t.Errorf("%s: error %v", c.at, err)
		}
	}
	want := map[string]any{"a": map[string]any{"b": 1, "c": 2, "d": 4}, "e": 8, "f": 10}
	if d := cmp.Diff(want, data); d != "" {
		t.Error(d)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	mounted := filepath.Join(dir, "..2026")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.rego", "sub/b.json", ".manifest", "..2026/c.rego"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"/.manifest": ".manifest", "/a.rego": "a.rego", "/sub/b.json": "sub/b.json"}
	if err := os.Symlink(filepath.Join("..2026", "c.rego"), filepath.Join(dir, "c.rego")); err == nil { // not everybody may, on Windows
		want["/c.rego"] = "..2026/c.rego"
	}
	entries, err := policy.ReadPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := policy.Pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	again, err := policy.Pack(entries)
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("packing twice gives something else, or error %v", err)
	}
	if entries, err = policy.Unpack(packed); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, e := range entries {
		got[e.Path] = string(e.Data)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a": [1, "x"]}`, "a: &x [1]\nb: *x\n", "a,b\nc,d\n", "[[[[", "- - - x", "\"a\nb\",c"} {
		for _, format := range []string{"json", "yaml", "csv"} {
			f.Add(format, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, format string, content []byte) {
		value, err := policy.Decode(format, content)
		if err != nil {
			return
		}
		if _, err := json.Marshal(value); err != nil {
			t.Errorf("what was read is no data: %v", err)
		}
	})
}

func FuzzBundle(f *testing.F) {
	packed, err := policy.Pack([]policy.Entry{
		{Path: "/a/p.rego", Data: []byte("package a\nallow { data.a.x }")}, {Path: "/a/data.json", Data: []byte(`{"x": true}`)}, {Path: "/.manifest", Data: []byte(`{"roots": ["a"]}`)},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := policy.Unpack(content)
		if err != nil {
			return
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Path, "/") || strings.Contains(e.Path, "/../") {
				t.Errorf("the path %q leaves the bundle", e.Path)
			}
		}
		_, _ = policy.ReadBundle("b", entries, nil) // which may fail, but not otherwise
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"package p\nallow { input.x }", "package p\nallow if input.x", "package p\nimport rego.v1\ns contains 1", "package p\nallow {{{", "# x\npackage p\nx := `"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := policy.Parse("p.rego", text)
		if err == nil && m == nil {
			t.Error("neither a module nor an error")
		}
		if err != nil && len(policy.Errors(err)) == 0 {
			t.Errorf("an error without a place: %v", err)
		}
	})
}
