package graph

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

// build makes the graph of documents that are written in one line each.
func build(t *testing.T, docs ...string) (*Graph, []string) {
	t.Helper()
	list := &diag.List{}
	loaded, _ := source.Load([]string{"-"}, strings.NewReader(strings.Join(docs, "\n---\n")), list)
	g := Build(loaded, &decode.Decoder{List: list, Freeze: &decode.Freezer{}}, kinds.Place{Dir: t.TempDir()})
	var findings []string
	for _, f := range list.Findings() {
		text := string(f.Code) + ": " + f.Message
		for _, n := range f.Notes {
			text += "; " + n.Message
		}
		findings = append(findings, text)
	}
	return g, findings
}

const (
	entrypoint = "{apiVersion: core/v1, kind: Entrypoint, spec: {runners: [{apiVersion: core/v1, kind: HTTPServer}]}}"
	echo       = "{apiVersion: app/v1, kind: EchoHandler}"
)

// server is an HTTPServer with a handler, given by the members of its reference.
func server(handler string) string {
	return "{apiVersion: core/v1, kind: HTTPServer, spec: {virtualHosts: [{handlers: [{handler: {" + handler + "}}]}]}}"
}

// nested is an HTTPHandler around another handler.
func nested(name, handler string) string {
	return "{apiVersion: core/v1, kind: HTTPHandler, metadata: {name: " + name + "}, spec: {handler: {" + handler + "}}}"
}

func handlerRef(name string) string { return "apiVersion: core/v1, kind: HTTPHandler, name: " + name }

func TestFindings(t *testing.T) {
	for _, tt := range []struct {
		name string
		docs []string
		want []string
	}{
		{"sound", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), echo}, nil},
		{"nothing", nil, []string{"no-entrypoint: the config has no core/v1 Entrypoint, so there's nothing to run"}},
		{"twice", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), echo, echo},
			[]string{"duplicate-resource: EchoHandler default/default is declared twice; the first one is here"}},
		{"one Entrypoint, whatever its name", []string{entrypoint, "{apiVersion: core/v1, kind: Entrypoint, metadata: {name: other}, spec: {runners: []}}", server("apiVersion: app/v1, kind: EchoHandler"), echo},
			[]string{"duplicate-resource: Entrypoint .entrypoint/.entrypoint is declared twice; the first one is here"}},
		{"missing", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler")}, []string{"missing-reference: EchoHandler default/default isn't declared"}},
		{"a kind that isn't there", []string{entrypoint, server("apiVersion: app/v1, kind: EcoHandler")}, []string{"missing-reference: there's no kind app/v1/EcoHandler"}},
		{"the wrong role", []string{entrypoint, server("apiVersion: core/v1, kind: HTTPServer")},
			[]string{"circular-reference: HTTPServer default/default needs itself: HTTPServer default/default -> HTTPServer default/default", "wrong-role: HTTPServer default/default can't be used as a Handler here; it is declared here"}},
		{"the template resource", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler, namespace: template, name: template")}, nil},
		{"a circle, told once", []string{entrypoint, server(handlerRef("a")), nested("a", handlerRef("b")), nested("b", handlerRef("c")), nested("c", handlerRef("a"))},
			[]string{"circular-reference: HTTPHandler default/a needs itself: HTTPHandler default/a -> HTTPHandler default/b -> HTTPHandler default/c -> HTTPHandler default/a; " +
				"HTTPHandler default/a refers to HTTPHandler default/b here; HTTPHandler default/b refers to HTTPHandler default/c here"}},
		{"a circle that nothing reaches", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), echo, nested("a", handlerRef("a"))},
			[]string{"unused-resource: nothing refers to HTTPHandler default/a, so it isn't part of the gateway", "circular-reference: HTTPHandler default/a needs itself: HTTPHandler default/a -> HTTPHandler default/a"}},
		{"unused", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), echo, nested("a", "apiVersion: app/v1, kind: EchoHandler")},
			[]string{"unused-resource: nothing refers to HTTPHandler default/a, so it isn't part of the gateway"}},
		{"a logger that isn't registered", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), "{apiVersion: app/v1, kind: EchoHandler, metadata: {logger: core/v1/SLogger/default/x}}"},
			[]string{`missing-reference: no logger "core/v1/SLogger/default/x" is registered, the default one is used`}},
		{"unknown kinds", []string{entrypoint, server("apiVersion: app/v1, kind: EchoHandler"), echo, "{apiVersion: app/v1, kind: HTTPServer}", "{apiVersion: core/v1, kind: HTTPServr}"},
			[]string{"unknown-kind: there's no HTTPServer in app/v1", "unknown-kind: there's no kind core/v1/HTTPServr"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := build(t, tt.docs...); !cmp.Equal(tt.want, got) {
				t.Errorf("(-want +got)\n%s", cmp.Diff(tt.want, got))
			}
		})
	}
}

// TestRegistered holds that a logger reaches the gateway by the metadata of a resource.
func TestRegistered(t *testing.T) {
	const name = "core/v1/SLogger/default/audit"
	g, findings := build(t,
		"{apiVersion: core/v1, kind: Entrypoint, spec: {runners: [{apiVersion: core/v1, kind: HTTPServer}], loggers: [{apiVersion: core/v1, kind: SLogger, name: audit}]}}",
		server("apiVersion: app/v1, kind: EchoHandler"), "{apiVersion: app/v1, kind: EchoHandler, metadata: {logger: "+name+"}}", "{apiVersion: core/v1, kind: SLogger, metadata: {name: audit}}")
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if r := g.Registered(name, kinds.Logger); r == nil || r.ID.Name != "audit" || !r.Reached {
		t.Errorf("the logger is %+v", r)
	}
	for _, other := range []string{"", "audit", "core/v1/SLogger/default/other", "core/v1/EchoHandler/default/default"} {
		if r := g.Registered(other, kinds.Logger); r != nil {
			t.Errorf("%q is registered: %+v", other, r)
		}
	}
	if g.Registered(name, kinds.ErrorHandler) != nil {
		t.Error("a logger is registered as an error handler")
	}
}

func TestPositions(t *testing.T) {
	g, _ := build(t, entrypoint, "kind: EchoHandler\napiVersion: app/v1\nmetadata:\n  name: a", echo)
	a := g.Lookup(resource.New("app/v1", "EchoHandler", "", "a"))
	if a == nil || a.Line() != "stdin.yaml:3" || a.NamePos().Line != 6 {
		t.Errorf("it begins at %s, its name stands at %v", a.Line(), a.NamePos())
	}
	if b := g.Lookup(resource.New("app/v1", "EchoHandler", "", "")); b.NamePos() != b.Doc.KindPos {
		t.Errorf("without a name it is at %v", b.NamePos())
	}
	if d := cmp.Diff([]string{"stdin.yaml"}, g.Sources()); d != "" {
		t.Error(d)
	}
}
