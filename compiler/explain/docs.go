// Package explain tells users what the compiler knows: kinds and their fields, with
// the doc comments of their structs, and the codes of findings.
package explain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// docs are the doc comments of struct types and their fields, by "Type" and "Type.Field".
type docs map[string]string

// loadDocs reads the comments out of the sources that the catalogue embeds: reflection can't
// see them.
var loadDocs = sync.OnceValue(func() docs {
	d := make(docs)
	for _, fsys := range []fs.FS{kinds.Sources, resource.Sources} {
		names, _ := fs.Glob(fsys, "*.go")
		for _, name := range names {
			text, err := fs.ReadFile(fsys, name)
			if err != nil || strings.HasSuffix(name, "_test.go") {
				continue
			}
			if f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments); err == nil {
				d.file(f)
			}
		}
	}
	return d
})

func (d docs) file(f *ast.File) {
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, s := range gen.Specs {
			spec := s.(*ast.TypeSpec)
			doc := spec.Doc
			if doc == nil {
				doc = gen.Doc
			}
			d[spec.Name.Name] = doc.Text()
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range st.Fields.List {
					for _, n := range field.Names {
						d[spec.Name.Name+"."+n.Name] = field.Doc.Text()
					}
				}
			}
		}
	}
}

func (d docs) typ(t reflect.Type) string { return d[t.Name()] }

// field is the doc text of a field, without the Go name that it begins with by custom.
func (d docs) field(t reflect.Type, goName, name string) string {
	text := strings.TrimSpace(d[t.Name()+"."+goName])
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(text, goName+verb); ok {
			return upperFirst(rest)
		}
	}
	if rest, ok := strings.CutPrefix(text, goName+" "); ok {
		return upperFirst(rest)
	}
	return text
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
