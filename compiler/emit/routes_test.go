package emit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/dave/jennifer/jen"
	"github.com/google/go-cmp/cmp"
)

func TestPrintRouterErrors(t *testing.T) {
	for _, tt := range []struct {
		routes []route.Route
		want   string
	}{
		{[]route.Route{{Pattern: "/"}, {Pattern: "/{rest...}"}},
			`routes of HTTPServer default/public: "/{rest...}" matches the same requests as "/"`},
		{[]route.Route{{Pattern: "/a{x}"}},
			`routes of HTTPServer default/public: pattern "/a{x}": segment "a{x}" has text beside a wildcard; a wildcard is a whole segment, like /{id}/`},
		{[]route.Route{{Pattern: "/", Handler: 1}},
			`routes of HTTPServer default/public: "/" has no handler 1`},
	} {
		err := PrintRouter(jen.NewFile("main"), RouterSpec{
			TypeName: "routePublic", ServerTitle: "HTTPServer default/public", Handlers: []string{"site"}, Routes: tt.routes,
		})
		if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Names in routes don't get in the way of names in the code.
func TestPrintRouterNames(t *testing.T) {
	f := jen.NewFile("main")
	err := PrintRouter(f, RouterSpec{
		TypeName: "routePublic", ServerTitle: "HTTPServer default/public", Handlers: []string{"wwwExampleCom", "rest"},
		Routes: []route.Route{
			{Pattern: "/{_}/{type}/{rest}/{x}/{strings}/{segment1}/{nil}/{id}/a"},
			{Pattern: "www.example.com/1/{path}/a", Handler: 1}, {Pattern: "www.example.com/2/", Handler: 1},
			{Pattern: "www.example.com/3/", Handler: 1}, {Pattern: "www.example.com/4/{more}/b", Handler: 1}, {Pattern: "www.example.com/5/", Handler: 1},
			{Pattern: "www.example.com/6/", Handler: 1}, {Pattern: "www.example.com/", Handler: route.NotFound},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"segment1, rest, more := strings.Cut(path[1:], \"/\")",
		"if segment7, rest, more := ", "if id, rest, more := ",
		"mux.Param(x, \"_\", segment1)", "mux.Param(x, \"id\", id)",
		"return r.wwwExampleCom2(x, path)", "func (r *routePublic) wwwExampleCom2(",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %s in\n%s", want, b.String())
		}
	}
}
