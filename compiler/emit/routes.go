package emit

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
)

// A RouterSpec is what a router is made from.
type RouterSpec struct {
	// TypeName is the name of the router's type. A router with a table declares also
	// TypeName+"Table".
	TypeName string
	// ServerTitle names the server in comments, like "HTTPServer default/public".
	ServerTitle string
	// Handlers are the names of the fields for the handlers, which Route.Handler counts.
	Handlers []string
	Routes   []route.Route
}

const (
	gatewayPath = ir.Module + "/runtime/gateway"
	muxPath     = ir.Module + "/runtime/mux"
)

// maxTree is the number of routes that are still printed as code. A switch with thousands of
// cases compiles for half a minute; a table of constants takes no time.
const maxTree = 200

// maxInline is the number of routes of a host that are printed in place, and not in a method of
// their own.
const maxInline = 6

// PrintRouter prints the type of a router with its method Serve: a gateway.Handler
// that has a field for each handler.
//
// What it prints doesn't depend on where routes were declared, but for the text of
// lines that are comments.
func PrintRouter(f *jen.File, spec RouterSpec) error {
	tree, conflicts := route.Build(spec.Routes)
	if len(conflicts) > 0 {
		return fmt.Errorf("routes of %s: %s", spec.ServerTitle, conflicts[0].Message)
	}
	for _, r := range spec.Routes {
		if r.Handler < route.NotFound || r.Handler >= len(spec.Handlers) {
			return fmt.Errorf("routes of %s: %q has no handler %d", spec.ServerTitle, r.Pattern, r.Handler)
		}
	}
	f.ImportName(gatewayPath, "gateway")
	f.ImportName(muxPath, "mux")
	p := routerPrinter{spec: spec, file: f, tree: tree, names: newNames(append([]string{"Serve", "Route"}, spec.Handlers...)...)}
	p.printType()
	if tree.Len() <= maxTree {
		if redirects, ordered := tree.Redirects(); ordered {
			p.redirects = redirects
			p.printTree()
			return nil
		}
	}
	p.printTable(tree.Table())
	return nil
}

type routerPrinter struct {
	spec      RouterSpec
	file      *jen.File
	tree      *route.Tree
	redirects map[*route.Node]bool
	names     names    // of fields and methods
	methods   []func() // that print the methods of hosts
}

func (p *routerPrinter) printType() {
	var fields []jen.Code
	for _, h := range p.spec.Handlers {
		fields = append(fields, jen.Id(h).Qual(gatewayPath, "Handler"))
	}
	p.file.Commentf("%s sends the requests of %s to their handlers.", p.spec.TypeName, p.spec.ServerTitle)
	p.file.Type().Id(p.spec.TypeName).Struct(fields...)
	p.file.Comment("Serve calls the handler of the route, once the path is clean.")
	p.file.Add(p.method("Serve", jen.Id("x").Op("*").Qual(gatewayPath, "Exchange")).Error().Block(
		jen.Return(jen.Qual(muxPath, "Serve").Call(jen.Id("x"), jen.Id("r")))))
}

// method begins a method of the router.
func (p *routerPrinter) method(name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("r").Op("*").Id(p.spec.TypeName)).Id(name).Params(params...)
}

// routeMethod prints Route, or a method of the same shape.
func (p *routerPrinter) routeMethod(name, comment string, body []jen.Code) {
	p.file.Comment(comment)
	p.file.Add(p.method(name, jen.Id("x").Op("*").Qual(gatewayPath, "Exchange"), jen.Id("path").String()).
		Qual(gatewayPath, "Handler").Block(body...))
}

// printTree prints the tree as code.
func (p *routerPrinter) printTree() {
	body := p.hosts()
	rest, ends := p.root(p.tree.Any)
	body = append(body, rest...)
	if !ends {
		body = append(body, jen.Return(jen.Nil()))
	}
	p.routeMethod("Route", "Route picks the handler for a clean path.", body)
	for _, m := range p.methods {
		m()
	}
}

// hosts prints the choice between the hosts.
func (p *routerPrinter) hosts() []jen.Code {
	var cases []jen.Code
	for _, h := range p.tree.Hosts {
		body, _ := p.root(h.Root) // a host has a route for each path, see route.Tree.Redirects
		labels := lines(quoted(h.Names))
		if h.Root.Len() > maxInline || len(labels) > 1 {
			name := p.names.pick(identifier(h.Names[0]))
			comment := fmt.Sprintf("%s picks the handler for a clean path of %s.", name, series(h.Names))
			own := body
			p.methods = append(p.methods, func() { p.routeMethod(name, comment, own) })
			body = []jen.Code{jen.Return(jen.Id("r").Dot(name).Call(jen.Id("x"), jen.Id("path")))}
		}
		if len(p.tree.Hosts) == 1 && len(h.Names) == 1 {
			return []jen.Code{jen.If(hostOf().Op("==").Lit(h.Names[0])).Block(body...)}
		}
		for _, l := range labels {
			cases = append(cases, jen.Case(l...).Block(body...))
		}
	}
	if len(cases) == 0 {
		return nil
	}
	return []jen.Code{jen.Switch(hostOf()).Block(cases...)}
}

func hostOf() *jen.Statement { return jen.Qual(muxPath, "Host").Call(jen.Id("x")) }

// quoted turns texts into literals.
func quoted(texts []string) []jen.Code {
	var list []jen.Code
	for _, t := range texts {
		list = append(list, jen.Lit(t))
	}
	return list
}

// lines splits the labels of a case into as many as are needed to keep lines short.
func lines(labels []jen.Code) [][]jen.Code {
	var out [][]jen.Code
	width := wide
	for _, l := range labels {
		w := len(fmt.Sprintf("%#v", l)) + 2
		if width += w; width > wide {
			out, width = append(out, nil), w
		}
		out[len(out)-1] = append(out[len(out)-1], l)
	}
	return out
}

// series is "a, b and c".
func series(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	if len(words) > 4 {
		words = append(words[:3:3], fmt.Sprintf("%d others", len(words)-3))
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
