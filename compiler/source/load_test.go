package source

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/google/go-cmp/cmp"
)

const echo = "apiVersion: app/v1\nkind: EchoHandler\n"

// in makes a folder with files, "name" or "name -> target" for a link, and goes there.
func in(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		link, target, isLink := strings.Cut(name, " -> ")
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if isLink {
			err = os.Symlink(target, link)
		} else {
			err = os.WriteFile(name, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func rendered(l *diag.List, files Files) string {
	var b bytes.Buffer
	_ = diag.Text(&b, l, files, false)
	return b.String()
}

func TestLoadPaths(t *testing.T) {
	named := func(kind string) string { return "apiVersion: v\nkind: " + kind + "\n" }
	files := map[string]string{
		"odd/a\nb.yaml": named("O"), "conf/b.yaml": named("B"), "conf/a.yml": named("A"), "conf/c.json": `{"apiVersion": "v", "kind": "C"}`, "conf/d.txt": named("D"), "conf/e.YAML": named("E"),
		"conf/sub/f.yaml": named("F"), "conf/dir.yaml/g.yaml": named("G"), "conf/h.yaml -> ../other/h": "", "other/h": named("H"),
		"link -> conf": "", "single.yaml": named("S") + "---\n" + named("T"), "broken/x.yaml -> nowhere": "", "nothing/readme.md": "",
	}
	for _, tt := range []struct {
		name  string
		paths []string
		docs  []string
		list  string
	}{
		{"file", []string{"single.yaml"}, []string{"single.yaml single.yaml S", "single.yaml single.yaml T"}, ""},
		{"folder, sorted, links followed, one level", []string{"conf"},
			[]string{"conf/a.yml a.yml A", "conf/b.yaml b.yaml B", "conf/c.json c.json C", "conf/h.yaml h.yaml H"}, ""},
		{"linked folder", []string{"link/"}, []string{"link/a.yml a.yml A", "link/b.yaml b.yaml B", "link/c.json c.json C", "link/h.yaml h.yaml H"}, ""},
		{"order of the arguments, each file once", []string{"", "./conf/c.json", "conf/../conf/b.yaml", "conf/c.json", "-", "-"},
			[]string{"conf/c.json c.json C", "conf/b.yaml b.yaml B", "<stdin> stdin.yaml I"}, ""},
		{"other suffix", []string{"conf/d.txt", "conf/e.YAML"}, nil,
			"conf/d.txt: warning[ignored-file]: the file is not read: its name doesn't end in .json, .yaml or .yml\n" +
				"conf/e.YAML: warning[ignored-file]: the file is not read: its name doesn't end in .json, .yaml or .yml\n"},
		{"missing and sound", []string{"gone.yaml", "conf/b.yaml"}, []string{"conf/b.yaml b.yaml B"},
			"gone.yaml: error[unreadable-file]: can't read it: no such file or directory\n"},
		{"link to nowhere", []string{"broken"}, nil, "broken/x.yaml: error[unreadable-file]: can't read it: no such file or directory\n"},
		{"folder without configs", []string{"nothing"}, nil, "nothing: warning[ignored-file]: the folder holds no .json, .yaml or .yml file\n"},
		{"a name that isn't one line", []string{"odd"}, []string{"odd/a\nb.yaml a_b.yaml O"}, ""},
		{"no paths", nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, files)
			var list diag.List
			docs, contents := Load(tt.paths, strings.NewReader(named("I")), &list)
			var got []string
			for _, d := range docs {
				got = append(got, d.File+" "+d.Name+" "+d.Kind)
				if contents[d.File] == nil {
					t.Errorf("the content of %s is missing", d.File)
				}
			}
			if d := cmp.Diff(tt.docs, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.list, rendered(&list, contents)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoadReadsPipes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/fd")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.WriteString(w, echo); err != nil {
		t.Fatal(err)
	}
	w.Close()
	name := "/dev/fd/" + string(rune('0'+r.Fd()))
	if r.Fd() > 9 {
		t.Skip("more than nine files are open")
	}
	var list diag.List
	docs, _ := Load([]string{name}, nil, &list)
	if len(docs) != 1 || list.HasErrors() {
		t.Error(len(docs), list.Findings())
	}
}

func TestLoadUnreadableStdin(t *testing.T) {
	var list diag.List
	Load([]string{"-"}, iotest.ErrReader(errors.New("no terminal")), &list)
	if got, want := rendered(&list, nil), "<stdin>: error[unreadable-file]: can't read it: no terminal\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// load reads one file from memory.
func load(name, content string) ([]*Document, string) {
	l := &loader{list: new(diag.List), files: make(Files)}
	l.parse(name, filepath.Base(name), []byte(content))
	return l.docs, rendered(l.list, l.files)
}

func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		kinds         string
		list          string
	}{
		{"empty", "", "", ""},
		{"comments only", "# nothing\n---\n# here\n---\n", "", ""},
		{"empty mapping", "{}\n", "", ""},
		{"separators with blanks and comments", echo + "--- # second\napiVersion: v\nkind: B\n---   \napiVersion: v\nkind: C\n---", "EchoHandler B C", ""},
		{"rulers", echo + "-------\napiVersion: v\nkind: B\n---------  \napiVersion: v\nkind: C\n", "EchoHandler B C", ""},
		{"hyphens in text", "apiVersion: v\nkind: A # ---\nspec: |\n  -----BEGIN X-----\n  ---\n  a\n  -----END X-----\n", "A", ""},
		{"directive and end marker", "%YAML 1.2\n---\n" + echo + "...\n# more\n---\n" + echo, "EchoHandler EchoHandler", ""},
		{"CRLF", strings.ReplaceAll(echo+"---\n"+echo, "\n", "\r\n"), "EchoHandler EchoHandler", ""},
		{"byte order mark", "\ufeff" + echo, "EchoHandler", ""},
		{"UTF-16", utf16LE(echo), "EchoHandler", ""},
		{"second spelling", "APIVersion: v\nKind: A\n", "A", ""},
		{"no kind", "apiVersion: v\nkynd: A\n", "", `a.yaml:1:1: error[missing-field]: the document has no kind
    1 | apiVersion: v
      | ^ "kynd" should be "kind"
`},
		{"no apiVersion", echo + "---\nkind: A\n", "EchoHandler", `a.yaml:4:1: error[missing-field]: the document has no apiVersion
    4 | kind: A
      | ^
`},
		{"empty kind", "apiVersion: v\nkind:\n", "", `a.yaml:1:1: error[missing-field]: the document has no kind
    1 | apiVersion: v
      | ^
`},
		{"no resource", "apiversion: v\nx: 1\n", "", `a.yaml:1:1: warning[ignored-document]: the document has neither apiVersion nor kind: it is ignored
    1 | apiversion: v
      | ^ "apiversion" should be "apiVersion"
`},
		{"number and list in the header", "apiVersion: 1\nkind: [A]\n", "", `a.yaml:1:13: error[wrong-type]: apiVersion must be text, not a number
    1 | apiVersion: 1
      |             ^ write "1"
a.yaml:2:7: error[wrong-type]: kind must be text, not a list
    2 | kind: [A]
      |       ^
`},
		{"list", "- " + strings.ReplaceAll(echo, "\n", "\n  "), "", `a.yaml:1:1: error[wrong-type]: a document must be a mapping with apiVersion, kind, metadata and spec, not a list
    1 | - apiVersion: app/v1
      | ^
`},
		{"text", "hello\n", "", `a.yaml:1:1: error[wrong-type]: a document must be a mapping with apiVersion, kind, metadata and spec, not text
    1 | hello
      | ^^^^^
`},
		{"not text at all", "a: \x00\n", "", "a.yaml:1:4: error[syntax]: the file isn't UTF-8 text\n    1 | a: \ufffd\n      |    ^ this byte is 0x00\n"},
		{"Latin-1", "a: caf\xe9\n", "", "a.yaml:1:7: error[syntax]: the file isn't UTF-8 text\n    1 | a: caf\ufffd\n      |       ^ this byte is 0xe9\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			docs, list := load("a.yaml", tt.content)
			var kinds []string
			for _, d := range docs {
				kinds = append(kinds, d.Kind)
			}
			if d := cmp.Diff(tt.kinds, strings.Join(kinds, " ")); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.list, list); d != "" {
				t.Error(d)
			}
		})
	}
}

func utf16LE(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestHeaderPositions(t *testing.T) {
	docs, _ := load("conf/a.yaml", "# c\nkind: EchoHandler\napiVersion: \"app/v1\"\n")
	if len(docs) != 1 {
		t.Fatal("no document")
	}
	d := docs[0]
	if d.APIVersion != "app/v1" || d.APIVersionPos != (diag.Pos{File: "conf/a.yaml", Line: 3, Col: 13, End: 21}) {
		t.Error(d.APIVersion, d.APIVersionPos)
	}
	if d.KindPos != (diag.Pos{File: "conf/a.yaml", Line: 2, Col: 7, End: 18}) || d.Name != "a.yaml" {
		t.Error(d.KindPos, d.Name)
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		echo, "a: &a [*a]\n", "a: 1\na: 2\n", "x: {<<: [*b, {c: 1}]}\n", "---\n----\n--- a\n...\n", "a: [1\n---\nb: \"\n", "a:\n\tb: 1\r\nc: 'it''s'\n",
		`{"a": [1, 2.5e3, "\ud83d\ude00", null, true], "a": {}} {} --- [`, "? [a]\n: b\n", "\ufeffé: !!binary aGk=\n", "a: |\n  x\n b\n", "k: &x !!str v\nl: *x\n*x : 1\n", "\x85a: \u2028b\n",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, content string, asJSON bool) {
		name := "a.yaml"
		if asJSON {
			name = "a.json"
		}
		for _, name := range []string{name, stdinFile} {
			docs, _ := load(name, content)
			for _, d := range docs {
				checkPositions(t, d.Node, 0)
			}
		}
	})
}

func checkPositions(t *testing.T, n *Node, depth int) {
	if p := n.Pos; p.File == "" || p.Line < 1 || p.Col < 1 || p.End != 0 && p.End <= p.Col {
		t.Fatalf("bad position %+v", p)
	}
	if depth > 20 {
		return
	}
	for _, f := range n.Fields {
		if f.KeyPos.Line < 1 || f.Value == nil {
			t.Fatalf("bad field %+v", f)
		}
		checkPositions(t, f.Value, depth+1)
	}
	for _, i := range n.Items {
		checkPositions(t, i, depth+1)
	}
}
