package emit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/dave/jennifer/jen"
)

// wireFile prints the components in the order of their construction.
func (g *generator) wireFile() (string, *jen.File, error) {
	f := g.file()
	var body []jen.Code
	if slices.ContainsFunc(g.program.Meta.Env, func(v ir.EnvVar) bool { return v.Regexp }) {
		body = append(body, jen.Qual(ir.Module+"/runtime/env/regexps", "Use").Call(jen.Id("vars")), jen.Line())
	}
	if texts := g.program.Meta.Assignments; len(texts) > 0 {
		body = append(body, jen.Comment("what the config assigns, in its order"))
		for _, text := range texts {
			body = append(body, jen.Id("vars").Dot("Assign").Call(literal(text)))
		}
		body = append(body, jen.Line())
	}
	for i, c := range g.program.Components {
		if i > 0 {
			body = append(body, jen.Line())
		}
		body = append(body, g.component(c)...)
	}
	body = append(body, jen.Line(), jen.Return(g.code.expr(g.program.Root), jen.Nil()))
	f.Comment("assemble makes the components of the gateway, each after those that it needs.")
	f.Func().Id("assemble").Params(jen.Id("vars").Op("*").Qual(ir.Module+"/runtime/env", "Env")).
		Params(jen.Op("*").Qual(ir.Module+"/runtime/app", "Gateway"), jen.Error()).Block(body...)
	return "wire.go", f, nil
}

// component prints a stanza: where it comes from, and its construction.
func (g *generator) component(c *ir.Component) []jen.Code {
	var stanza []jen.Code
	if text := stanzaComment(c); text != "" {
		stanza = append(stanza, jen.Comment(text))
	}
	v := jen.Id(g.code.vars[c])
	if !c.Fails {
		return append(stanza, v.Op(":=").Add(g.code.expr(c.New)))
	}
	what := c.Base
	if c.ID.Kind != "" {
		what = c.From + ": " + c.ID.Short()
	}
	return append(stanza,
		jen.List(v, jen.Err()).Op(":=").Add(g.code.expr(c.New)),
		jen.If(jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Qual("fmt", "Errorf").Call(jen.Lit(what+": %w"), jen.Err()))),
	)
}

// stanzaComment is "config.yaml:31 app/v1 CORSMiddleware default/cors: note".
func stanzaComment(c *ir.Component) string {
	var parts []string
	if c.From != "" {
		parts = append(parts, c.From)
	}
	if c.ID.Kind != "" {
		parts = append(parts, c.ID.Title())
	}
	text := strings.Join(parts, " ")
	for _, s := range c.Shared {
		text += ", " + s.From + " " + s.ID.Title()
	}
	switch {
	case c.Note != "" && text != "":
		text += ": " + c.Note
	case c.Note != "":
		text = c.Note
	}
	return text
}

// digest identifies the program by its source, without the lines that only say where it
// comes from: a config that is written differently has the same one.
func digest(files []File) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s\n", f.Name)
		if f.IsCarried() {
			fmt.Fprintf(h, "%d\n%s", len(f.Content), f.Content)
			continue
		}
		for line := range strings.Lines(string(f.Content)) {
			if !strings.HasPrefix(strings.TrimSpace(line), "//") {
				h.Write([]byte(line))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// metaFile prints what the binary says of itself.
func (g *generator) metaFile(version, digest string) (string, *jen.File) {
	f := g.file()
	m := &g.program.Meta
	app := func(name string) *jen.Statement { return jen.Qual(ir.Module+"/runtime/app", name) }
	var resources, vars []item
	for _, r := range m.Resources {
		resources = append(resources, item{value: jen.Lit(r)})
	}
	for _, v := range m.Env {
		fields := []item{{jen.Id("Name"), jen.Lit(v.Name)}, {jen.Id("Pos"), jen.Lit(v.Pos)}}
		if v.Required {
			fields = append(fields, item{jen.Id("Required"), jen.True()})
		}
		vars = append(vars, item{value: braces(fields)})
	}
	fields := []item{
		{jen.Id("Version"), jen.Lit(version)},
		{jen.Id("Digest"), jen.Lit(digest)},
		{jen.Id("Config"), jen.Id("config")},
		{jen.Id("Resources"), jen.Index().String().Add(column(resources...))},
	}
	if len(vars) > 0 {
		fields = append(fields, item{jen.Id("Env"), jen.Index().Add(app("Variable")).Add(column(vars...))})
	}
	if sources := g.embedded(); len(sources) > 0 {
		var embedded []item
		for _, s := range sources {
			embedded = append(embedded, item{value: jen.Lit(s)})
		}
		fields = append(fields, item{jen.Id("Embedded"), jen.Index().String().Add(column(embedded...))})
	}
	fields = append(fields, item{jen.Id("Wire"), jen.Id("assemble")})
	f.Comment("program is what the gateway says of itself, and how it starts.")
	f.Var().Id("program").Op("=").Add(app("Program")).Add(column(fields...))
	f.Comment("config is the config in a normal form, without its secrets.")
	f.Const().Id("config").Op("=").Add(rawString(m.Config))
	return "meta.go", f
}

// rawString prints text in backquotes where Go allows it.
func rawString(text string) *jen.Statement {
	if strings.ContainsAny(text, "`\r\ufeff") || strings.ContainsRune(text, 0) {
		return jen.Lit(text)
	}
	return jen.Op("`" + text + "`")
}
