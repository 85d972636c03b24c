// Package source reads config files: YAML and JSON, one or more documents each,
// as trees whose every node knows its position.
package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// A Document is one document of a config file: a resource.
type Document struct {
	// Name is the file's name relative to the folder of the path it was found by,
	// with slashes: the same on every machine. It is "stdin.yaml" for the standard input.
	Name string
	// File is the file's path for a person to open, as in every [diag.Pos] of Node.
	File string
	Node *Node // a Map

	// APIVersion and Kind are the texts of these fields, neither of them empty.
	APIVersion    string
	APIVersionPos diag.Pos
	Kind          string
	KindPos       diag.Pos
}

// Files are the contents of the files that were read, by the File of their
// positions. Line ends and encodings are unified.
type Files map[string][]byte

// Names of the standard input, for a person and for generated code.
const (
	stdinFile = "<stdin>"
	stdinName = "stdin.yaml"
)

// Load reads the documents of paths, in the order of paths. A path is a file, a
// directory, whose .json, .yaml and .yml files are read sorted by name, or "-" for
// stdin. A file that is reached twice by the same path is read once. What is wrong
// is added to list; what is sound is returned nevertheless.
func Load(paths []string, stdin io.Reader, list *diag.List) ([]*Document, Files) {
	l := &loader{list: list, files: make(Files)}
	for _, path := range paths {
		switch path {
		case "":
		case "-":
			l.stdin(stdin)
		default:
			l.path(filepath.Clean(path))
		}
	}
	return l.docs, l.files
}

type loader struct {
	list  *diag.List
	docs  []*Document
	files Files
}

func (l *loader) stdin(r io.Reader) {
	if _, ok := l.files[stdinFile]; ok {
		return
	}
	data, err := io.ReadAll(r)
	if err != nil {
		l.unreadable(stdinFile, err)
		return
	}
	l.parse(stdinFile, stdinName, data)
}

func (l *loader) path(path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.unreadable(path, err)
	case info.IsDir():
		l.directory(path)
	case info.Mode().IsRegular() && !isConfig(path):
		l.list.Warnf(diag.Pos{File: path}, diag.IgnoredFile,
			"the file is not read: its name doesn't end in .json, .yaml or .yml")
	default: // a pipe may have any name: -f <(kubectl …)
		l.file(path, filepath.Base(path))
	}
}

func (l *loader) directory(dir string) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		l.unreadable(dir, err)
		return
	}
	found := false
	for _, e := range entries {
		if !isConfig(e.Name()) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		// Stat follows links: volumes of Kubernetes consist of them.
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			found = true
			l.file(path, e.Name())
		}
	}
	if !found {
		l.list.Warnf(diag.Pos{File: dir}, diag.IgnoredFile, "the folder holds no .json, .yaml or .yml file")
	}
}

func isConfig(name string) bool {
	switch filepath.Ext(name) {
	case ".json", ".yaml", ".yml":
		return true
	}
	return false
}

func (l *loader) file(path, name string) {
	if _, ok := l.files[path]; ok {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.unreadable(path, err)
		return
	}
	l.parse(path, name, data)
}

func (l *loader) unreadable(path string, err error) {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err // the position names the path already
	}
	l.list.Errorf(diag.Pos{File: path}, diag.UnreadableFile, "can't read it: %v", err)
}

// parse adds the documents of one file.
func (l *loader) parse(file, name string, data []byte) {
	t := newText(file, data)
	l.files[file] = []byte(t.data)
	if at := t.badByte(); at >= 0 {
		l.list.Errorf(t.pos(at, at+1), diag.Syntax, "the file isn't UTF-8 text").
			Hintf("this byte is 0x%02x", t.data[at])
		return
	}
	var roots []*Node
	switch filepath.Ext(name) {
	case ".json":
		roots = parseJSON(t, l.list)
	default:
		// JSON is all but a subset of YAML. What isn't, such as surrogate pairs and
		// documents without separators, may come from a pipe.
		quiet := new(diag.List)
		if start := strings.TrimLeft(t.data, " \t\n"); file == stdinFile && strings.HasPrefix(start, "{") {
			roots = parseJSON(t, quiet)
		}
		if roots == nil || quiet.HasErrors() {
			roots = parseYAML(t, l.list)
		}
	}
	for _, root := range roots {
		if d := l.document(root); d != nil {
			d.File, d.Name = file, printable(name)
			l.docs = append(l.docs, d)
		}
	}
}

// printable is a name as it may stand in a comment of one line.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, name)
}

// document reads the header of a document. It's nil if it declares no resource.
func (l *loader) document(root *Node) *Document {
	switch {
	case root.Kind == Null || root.Kind == Map && len(root.Fields) == 0:
		return nil // nothing, or comments only
	case root.Kind != Map:
		l.list.Errorf(root.Pos, diag.WrongType, "a document must be a mapping with apiVersion, kind, metadata and spec, not %s", root.what())
		return nil
	}
	version, kind := header(root, "apiVersion", "APIVersion"), header(root, "kind", "Kind")
	if version == nil && kind == nil {
		f := l.list.Warnf(root.Pos, diag.IgnoredDocument, "the document has neither apiVersion nor kind: it is ignored")
		hintMisspelt(f, root, "apiVersion")
		return nil
	}
	if version == nil {
		hintMisspelt(l.list.Errorf(root.Pos, diag.MissingField, "the document has no apiVersion"), root, "apiVersion")
		return nil
	}
	if kind == nil {
		hintMisspelt(l.list.Errorf(root.Pos, diag.MissingField, "the document has no kind"), root, "kind")
		return nil
	}
	d := &Document{Node: root, APIVersionPos: version.Value.Pos, KindPos: kind.Value.Pos}
	d.APIVersion, d.Kind = l.str(version), l.str(kind)
	if d.APIVersion == "" || d.Kind == "" {
		return nil
	}
	return d
}

// header returns the field that has one of the spellings and a value, or nil.
func header(root *Node, spellings ...string) *Field {
	for _, key := range spellings {
		if f := root.Get(key); f != nil && f.Value.Kind != Null && (f.Value.Kind != Scalar || f.Value.Text != "") {
			return f
		}
	}
	return nil
}

func hintMisspelt(f *diag.Finding, root *Node, field string) {
	var keys []string
	for i := range root.Fields {
		keys = append(keys, root.Fields[i].Key)
	}
	if s := diag.Suggest(field, keys); s != "" {
		f.Hintf("%q should be %q", s, field)
	}
}

func (l *loader) str(f *Field) string {
	text, err := f.Value.Str()
	if err != nil {
		err.Report(l.list, f.Value.Pos, f.Key)
	}
	return text
}
