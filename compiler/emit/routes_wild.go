package emit

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
)

// open prints the routes with wildcards below n: those after more literals, then those with
// a wildcard right here, then the rest of the path.
func (p *routerPrinter) open(n *route.Node, c cursor) ([]jen.Code, bool) {
	body := p.literals(n, c)
	if n.Wild != nil {
		body = append(body, p.wild(n.Wild, c))
	}
	if n.Multi == nil {
		return body, false
	}
	return append(body, p.entryAnswer(n.Multi, c.with(c.tail()))...), true
}

// usesRest reports whether what open prints for n looks at the rest of the path.
func usesRest(n *route.Node) bool {
	return n.Wild != nil || len(openLiterals(n)) > 0 || n.Multi != nil && n.Multi.Rest() && n.Multi.Handler != route.NotFound && !refusesAll(n.Multi)
}

func refusesAll(e *route.Entry) bool { return e.Methods != nil && len(e.Methods) == 0 }

// openLiterals are the literals after n with wildcards further on.
func openLiterals(n *route.Node) []*route.Literal {
	var list []*route.Literal
	for _, l := range n.Literals {
		if l.Node.Open() {
			list = append(list, l)
		}
	}
	return list
}

// literals prints the tests for literals with wildcards further on.
func (p *routerPrinter) literals(n *route.Node, c cursor) []jen.Code {
	list := openLiterals(n)
	if len(list) > maxIfs {
		return []jen.Code{p.segmentSwitch(list, c)}
	}
	var body []jen.Code
	for _, l := range list {
		body = append(body, p.prefix(l, c))
	}
	return body
}

// prefix prints the test for a literal, and for those that follow it without a choice.
func (p *routerPrinter) prefix(l *route.Literal, c cursor) jen.Code {
	text, n := c.slash()+route.Canonical(l.Text)+"/", l.Node
	for n.Wild == nil && n.Multi == nil && len(openLiterals(n)) == 1 {
		next := openLiterals(n)[0]
		text, n = text+route.Canonical(next.Text)+"/", next.Node
	}
	if !usesRest(n) {
		body, _ := p.open(n, c.further())
		return jen.If(jen.Qual("strings", "HasPrefix").Call(jen.Id(c.rest), jen.Lit(text))).Block(body...)
	}
	cut := jen.List(jen.Id("rest"), jen.Id("ok")).Op(":=").Qual("strings", "CutPrefix").Call(jen.Id(c.rest), jen.Lit(text))
	if n.Multi == nil && len(openLiterals(n)) == 0 && isLast(n.Wild) {
		return jen.If(cut, jen.Id("ok").Op("&&").Add(isSegment(jen.Id("rest")))).Block(
			p.entryAnswer(n.Wild.Leaf, c.further().with(jen.Id("rest")))...)
	}
	body, _ := p.open(n, c.further())
	return jen.If(cut, jen.Id("ok")).Block(body...)
}

// segmentSwitch prints the choice between many literals.
func (p *routerPrinter) segmentSwitch(list []*route.Literal, c cursor) jen.Code {
	var cases []jen.Code
	rest := "_"
	for _, group := range grouped(list, p.literalKey) {
		n := group[0].Node
		if usesRest(n) {
			rest = "rest"
		}
		body, _ := p.open(n, c.further())
		if len(group) > 1 {
			var from []string
			for _, l := range group {
				from = append(from, l.Node.Multi.From)
			}
			body = p.answer(n.Multi, origins(from), c.further().with(jen.Id("rest")))
		}
		var labels []jen.Code
		for _, l := range group {
			labels = append(labels, jen.Lit(route.Canonical(l.Text)))
		}
		for _, l := range lines(labels) {
			cases = append(cases, jen.Case(l...).Block(body...))
		}
	}
	return jen.If(cutSegment(jen.Id("segment"), rest, c), jen.Id("more")).Block(
		jen.Switch(jen.Id("segment")).Block(cases...))
}

// literalKey is the same for literals that are answered in the same way.
func (p *routerPrinter) literalKey(l *route.Literal) string {
	if n := l.Node; n.Wild == nil && len(openLiterals(n)) == 0 {
		return answerKey(n.Multi)
	}
	return "only " + l.Text
}

// cutSegment prints segment, rest, more := strings.Cut(tail, "/").
func cutSegment(segment jen.Code, rest string, c cursor) *jen.Statement {
	return jen.List(segment, jen.Id(rest), jen.Id("more")).Op(":=").Qual("strings", "Cut").Call(c.tail(), jen.Lit("/"))
}

func isSegment(s jen.Code) *jen.Statement { return jen.Qual(muxPath, "IsSegment").Call(s) }

// isLast reports whether nothing but the end of the path can follow after n.
func isLast(n *route.Node) bool {
	return n.Leaf != nil && n.End == nil && n.Multi == nil && n.Wild == nil && len(n.Literals) == 0
}

// wild prints the routes that have a wildcard where n begins.
func (p *routerPrinter) wild(n *route.Node, c cursor) jen.Code {
	if isLast(n) {
		return jen.If(isSegment(c.tail())).Block(p.entryAnswer(n.Leaf, c.with(c.tail()))...)
	}
	v := p.variable(n, len(c.values))
	c = c.with(jen.Id(v))
	notEmpty := jen.Id(v).Op("!=").Lit("")
	var body []jen.Code
	switch {
	case n.Leaf != nil:
		body = append(body, jen.If(jen.Op("!").Id("more")).Block(p.entryAnswer(n.Leaf, c)...))
	case p.redirects[n]:
		body = append(body, jen.If(jen.Op("!").Id("more")).Block(addSlash()))
	default:
		notEmpty = jen.Id("more").Op("&&").Add(notEmpty)
	}
	below, _ := p.below(n, c.further())
	rest := "_"
	if usesRest(n) || n.End != nil || len(n.Literals) > 0 {
		rest = "rest"
	}
	return jen.If(cutSegment(jen.Id(v), rest, c), notEmpty).Block(append(body, below...)...)
}

// variable is the name of the variable for the value of wildcard i: that of the wildcard, if all
// routes agree in it and it isn't taken.
func (p *routerPrinter) variable(n *route.Node, i int) string {
	name := ""
	for e := range n.All() {
		if name != "" && name != e.Params[i] {
			name = "segment"
			break
		}
		name = e.Params[i]
	}
	taken := newNames("_", "r", "x", "path", "rest", "ok", "more", "mux", "gateway", "strings")
	if strings.HasPrefix(name, "segment") || !taken.free(name) {
		return fmt.Sprintf("segment%d", i+1)
	}
	return name
}
