package emit

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
)

// printTable prints the tree as a table of constants, and Route as a look-up in it. The
// table must hold nothing that isn't constant: it would be filled at start, by code.
func (p *routerPrinter) printTable(t *route.Table) {
	table := p.spec.TypeName + "Table"
	host := jen.Code(jen.Lit(""))
	if len(p.tree.Hosts) > 0 {
		host = hostOf()
	}
	var cases []jen.Code
	for i, h := range p.spec.Handlers {
		cases = append(cases, jen.Case(jen.Lit(i)).Block(jen.Return(jen.Id("r").Dot(h))))
	}
	p.routeMethod("Route", "Route looks up the handler for a clean path in "+table+".", []jen.Code{
		jen.List(jen.Id("handler"), jen.Id("answer")).Op(":=").Id(table).Dot("Find").Call(jen.Id("x"), host, jen.Id("path")),
		jen.Switch(jen.Id("handler")).Block(cases...),
		jen.Return(jen.Id("answer")),
	})

	rows := func(typ string, print func(*strings.Builder)) *jen.Statement {
		var b strings.Builder
		b.WriteString("{\n")
		print(&b)
		b.WriteString("}")
		return jen.Index().Qual(muxPath, typ).Op(b.String())
	}
	p.file.Commentf("%s holds the routes of %s.", table, p.spec.ServerTitle)
	p.file.Var().Id(table).Op("=").Qual(muxPath, "Table").Custom(
		jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true},
		jen.Id("Routes").Op(":").Add(rows("TableRoute", func(b *strings.Builder) { printRoutes(b, t.Routes) })),
		jen.Id("Nodes").Op(":").Add(rows("TableNode", func(b *strings.Builder) { printNodes(b, t.Nodes) })),
		jen.Id("Edges").Op(":").Add(rows("TableEdge", func(b *strings.Builder) { printEdges(b, t.Edges) })),
		jen.Id("Buckets").Op(":").Index().Int32().Op(printBuckets(t.Buckets)),
	)
}

func printRoutes(b *strings.Builder, routes []*route.Entry) {
	b.WriteString("0: {},\n")
	for _, e := range routes[1:] {
		// The comment is a line of its own: a trailing one would make the table another
		// one when the config is formatted anew.
		fmt.Fprintf(b, "// %s\n", strings.TrimSpace(e.From+" "+e.Pattern))
		fmt.Fprintf(b, "{Handler: %d", e.Handler)
		if len(e.Params) > 0 {
			fmt.Fprintf(b, ", Params: %q", strings.Join(e.Params, " "))
		}
		switch {
		case e.Methods != nil && len(e.Methods) == 0:
			b.WriteString(", Allow: mux.NoMethod")
		case e.Methods != nil:
			fmt.Fprintf(b, ", Allow: %q", strings.Join(e.Methods, ", "))
		}
		b.WriteString("},\n")
	}
}

func printNodes(b *strings.Builder, nodes []route.TableNode) {
	for _, n := range nodes {
		sep := "{"
		for _, f := range []struct {
			name  string
			value int32
		}{{"Wild", n.Wild}, {"Leaf", n.Leaf}, {"End", n.End}, {"Multi", n.Multi}} {
			if f.value != 0 {
				fmt.Fprintf(b, "%s%s: %d", sep, f.name, f.value)
				sep = ", "
			}
		}
		if sep == "{" {
			b.WriteString("{")
		}
		b.WriteString("},\n")
	}
}

func printEdges(b *strings.Builder, edges []route.TableEdge) {
	for _, e := range edges {
		fmt.Fprintf(b, "{From: %d, Text: %q, To: %d},\n", e.From, e.Text, e.To)
	}
}

// printBuckets prints many numbers a line.
func printBuckets(buckets []int32) string {
	var b strings.Builder
	b.WriteString("{")
	for i, n := range buckets {
		if i%16 == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d, ", n)
	}
	b.WriteString("\n}")
	return b.String()
}
