package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
)

// maxIfs is the number of literal segments that are tested one after the other. More of
// them make a switch.
const maxIfs = 3

// A cursor is the place in the path that the code being printed has come to.
type cursor struct {
	// rest is the variable with what is left of the path after a slash. That of the root is
	// path, which still has the slash in front.
	rest string
	root bool
	// values are the variables with the values of the wildcards so far.
	values []jen.Code
}

// slash is what rest has in front of the next segment.
func (c cursor) slash() string {
	if c.root {
		return "/"
	}
	return ""
}

// tail is the rest without a slash in front.
func (c cursor) tail() jen.Code {
	if c.root {
		return jen.Id(c.rest).Index(jen.Lit(1), jen.Empty())
	}
	return jen.Id(c.rest)
}

// with returns c with one more value.
func (c cursor) with(value jen.Code) cursor {
	c.values = append(slices.Clip(c.values), value)
	return c
}

// further is the place after some more of the path.
func (c cursor) further() cursor { return cursor{rest: "rest", values: c.values} }

// root prints the routes of a tree. Like the functions below it returns the statements, and
// whether they end with a return in any case.
func (p *routerPrinter) root(n *route.Node) ([]jen.Code, bool) {
	if n == nil {
		return nil, false
	}
	return p.below(n, cursor{rest: "path", root: true})
}

// below prints the routes for paths that go on after n: first those without further
// wildcards, which are the most specific, then the others.
func (p *routerPrinter) below(n *route.Node, c cursor) ([]jen.Code, bool) {
	body, ends := p.open(n, c)
	return append(p.exact(n, c), body...), ends
}

// An exactPath is a path without wildcards, from some place on.
type exactPath struct {
	text  string
	entry *route.Entry // nil redirects to the path with a slash
}

func (p *routerPrinter) exactPaths(n *route.Node, prefix string) []exactPath {
	var paths []exactPath
	if n.End != nil {
		paths = append(paths, exactPath{prefix, n.End})
	}
	for _, l := range n.Literals {
		text := prefix + route.Canonical(l.Text)
		if l.Node.Leaf != nil {
			paths = append(paths, exactPath{text, l.Node.Leaf})
		} else if p.redirects[l.Node] {
			paths = append(paths, exactPath{text, nil})
		}
		paths = append(paths, p.exactPaths(l.Node, text+"/")...)
	}
	return paths
}

// exact prints a switch over the paths below n without wildcards. Those that have the same
// answer share a case; redirects come last.
func (p *routerPrinter) exact(n *route.Node, c cursor) []jen.Code {
	paths := p.exactPaths(n, c.slash())
	if len(paths) == 1 {
		return []jen.Code{jen.If(jen.Id(c.rest).Op("==").Lit(paths[0].text)).Block(p.exactAnswer(paths, c)...)}
	}
	var cases []jen.Code
	for _, group := range grouped(paths, exactPath.answer) {
		var labels []jen.Code
		for _, e := range group {
			labels = append(labels, jen.Lit(e.text))
		}
		for _, l := range lines(labels) {
			cases = append(cases, jen.Case(l...).Block(p.exactAnswer(group[:len(l)], c)...))
			group = group[len(l):]
		}
	}
	if len(cases) == 0 {
		return nil
	}
	return []jen.Code{jen.Switch(jen.Id(c.rest)).Block(cases...)}
}

// grouped puts elements with the same key together, in the order in which the keys come. The
// empty key comes last.
func grouped[E any](list []E, key func(E) string) [][]E {
	groups := map[string][]E{}
	var keys []string
	for _, e := range list {
		k := key(e)
		if groups[k] == nil && k != "" {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], e)
	}
	var out [][]E
	for _, k := range append(keys, "") {
		if groups[k] != nil {
			out = append(out, groups[k])
		}
	}
	return out
}

// answer is the same for paths that are answered in the same way.
func (e exactPath) answer() string {
	if e.entry == nil {
		return ""
	}
	return answerKey(e.entry)
}

func answerKey(e *route.Entry) string {
	return fmt.Sprintf("%d %q %t %q", e.Handler, e.Methods, e.Methods == nil, e.Params)
}

func (p *routerPrinter) exactAnswer(paths []exactPath, c cursor) []jen.Code {
	if paths[0].entry == nil {
		return []jen.Code{addSlash()}
	}
	var from []string
	for _, e := range paths {
		from = append(from, e.entry.From)
	}
	return p.answer(paths[0].entry, origins(from), c)
}

// origins says where several routes come from.
func origins(from []string) string {
	var list []string
	for _, f := range from {
		if f != "" && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return series(list)
}

func addSlash() jen.Code { return jen.Return(jen.Qual(muxPath, "AddSlash").Values()) }

// entryAnswer prints what a route with wildcards does.
func (p *routerPrinter) entryAnswer(e *route.Entry, c cursor) []jen.Code {
	comment := e.Pattern[strings.IndexByte(e.Pattern, '/'):]
	if e.From != "" {
		comment = e.From + " " + comment
	}
	return p.answer(e, comment, c)
}

func (p *routerPrinter) answer(e *route.Entry, comment string, c cursor) []jen.Code {
	var body []jen.Code
	if comment != "" {
		body = append(body, jen.Comment(comment))
	}
	if e.Handler == route.NotFound {
		return append(body, jen.Return(jen.Nil()))
	}
	serve := p.serve(e, c)
	refuse := jen.Return(jen.Qual(muxPath, "Allow").Call(jen.Lit(strings.Join(e.Methods, ", "))))
	method := jen.Id("x").Dot("Request").Dot("Method")
	switch {
	case e.Methods == nil:
		return append(body, serve...)
	case len(e.Methods) == 0:
		return append(body, refuse)
	case len(e.Methods) == 1:
		return append(append(body, jen.If(method.Op("!=").Lit(e.Methods[0])).Block(refuse)), serve...)
	}
	return append(body, jen.Switch(method).Block(jen.Case(quoted(e.Methods)...).Block(serve...)), refuse)
}

// serve prints the wildcards' values, and the handler that is returned.
func (p *routerPrinter) serve(e *route.Entry, c cursor) []jen.Code {
	var body []jen.Code
	for i, name := range e.Params {
		body = append(body, jen.Qual(muxPath, "Param").Call(jen.Id("x"), jen.Lit(name), c.values[i]))
	}
	return append(body, jen.Return(jen.Id("r").Dot(p.spec.Handlers[e.Handler])))
}
