package emit

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/dave/jennifer/jen"
)

// CarriedDir is the folder of the files that the binary carries. The go command looks for no packages in folders whose names
// begin with an underscore, whatever is in them.
const CarriedDir = "_embed"

// IsCarried reports whether f is one of those, in whichever package, and not source, whatever it looks like.
func (f *File) IsCarried() bool { return strings.Contains("/"+f.Name, "/"+CarriedDir+"/") }

// nameGlobals names the variables of what the binary carries, and of the files in tables: siteFiles, and
// siteIndexHTML for index.html.
func (g *generator) nameGlobals(taken names) {
	for _, gl := range g.program.Globals {
		g.code.globals[gl] = taken.pick(candidates(gl.Of.ID, gl.Of.Base, gl.Of.Part)...)
		if gl.Table == nil {
			continue
		}
		prefix := candidates(gl.Of.ID, gl.Of.Base, "")[0]
		for _, e := range gl.Files {
			g.code.embeds[e] = taken.pick(prefix + exported(pathIdentifier(e.Path)))
		}
	}
}

// longest is how long the part of a name may be that comes from a path.
const longest = 48

// numbered are the characters that have become numbers in the name of a file.
var numbered = regexp.MustCompile(`=[0-9A-F]{2}`)

// pathIdentifier is an identifier for a file, of its last folders if the path is long.
func pathIdentifier(path string) string {
	path = numbered.ReplaceAllLiteralString(path, "-")
	for len(path) > longest {
		_, rest, ok := strings.Cut(path, "/")
		if !ok {
			path = path[:longest]
			break
		}
		path = rest
	}
	words := strings.FieldsFunc(path, func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r)
	})
	return camel(words)
}

// embedFile prints what the binary carries. It returns the files that belong to it, too.
func (g *generator) embedFile() (*jen.File, []File) {
	f := g.file()
	f.Anon("embed")
	var files []File
	for _, gl := range g.program.Globals {
		name := g.code.globals[gl]
		add := func(e *ir.Embed) *jen.Statement {
			file := File{CarriedDir + "/" + name + "/" + e.Path, e.Data}
			files = append(files, file)
			return jen.Comment("//go:embed " + file.Name)
		}
		f.Line()
		f.Comment(stanzaComment(&gl.Of))
		if gl.Table == nil {
			f.Comment("//")
			f.Add(add(gl.Files[0]))
			f.Var().Id(name).String()
			continue
		}
		var vars []jen.Code
		for _, e := range gl.Files {
			vars = append(vars, add(e), jen.Id(g.code.embeds[e]).Index().Byte())
		}
		if len(vars) > 0 {
			f.Var().Defs(vars...)
		}
		f.Line()
		f.Comment(name + " " + cmp.Or(gl.Tells, "tells of them what clients are told") + ".")
		f.Var().Id(name).Op("=").Add(g.code.expr(gl.Table))
	}
	return f, files
}

// embedded are the names of the files that the binary carries, as it tells them.
func (g *generator) embedded() (sources []string) {
	for _, gl := range g.program.Globals {
		for _, e := range gl.Files {
			if e.Source != "" {
				sources = append(sources, e.Source)
			}
		}
	}
	return sources
}
