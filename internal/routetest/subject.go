package routetest

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/route"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/mux"
)

// A Constructor makes a printed router of its handlers.
type Constructor = func([]gateway.Handler) gateway.Handler

// A Subject is a set of routes in all of their forms, and the oracle for them.
type Subject struct {
	Set    Set
	Oracle *Oracle

	tree    *route.Tree
	routers map[string]gateway.Handler
}

// NewSubject returns the forms of s. The printed one is missing if printed is nil.
func NewSubject(s Set, printed Constructor) *Subject {
	tree, _ := route.Build(s.Routes)
	handlers := Handlers(2 + len(s.Handlers))
	sub := &Subject{Set: s, Oracle: NewOracle(s.Routes), tree: tree, routers: map[string]gateway.Handler{"table": TableRouter(tree, handlers)}}
	if printed != nil {
		sub.routers["printed router"] = printed(handlers)
	}
	return sub
}

// Check asks all forms and the oracle about r, and returns the differences.
func (s *Subject) Check(r Request) []string {
	want, ok := s.Oracle.Ask(r)
	var x gateway.Exchange
	var wrong []string
	compare := func(name string, got Outcome) {
		if got = got.Normal(); ok && got != want {
			wrong = append(wrong, fmt.Sprintf("%s %q\n%+v: the %s has\n%+v, ServeMux\n%+v", s.Set.Name, s.Oracle.Patterns(), r, name, got, want))
		}
	}
	compare("tree", Lookup(s.tree, r))
	for name, router := range s.routers {
		got := Route(router, &x, r)
		if !safe(got.Location) {
			wrong = append(wrong, fmt.Sprintf("%s %q\n%+v: the %s redirects to %q", s.Set.Name, s.Oracle.Patterns(), r, name, got.Location))
		}
		compare(name, got)
	}
	return wrong
}

// safe reports whether a location stays on the server and has no bytes that a URL must not have.
func safe(loc string) bool {
	if loc == "" {
		return true
	}
	for i := range len(loc) {
		if c := loc[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>#", c) >= 0 {
			return false
		}
	}
	return loc[0] == '/' && !strings.HasPrefix(loc, "//")
}

// Route returns what a router makes of r. Its handlers are Handlers.
func Route(router gateway.Handler, x *gateway.Exchange, r Request) Outcome {
	x.Reset()
	decoded, err := url.PathUnescape(r.Path)
	if err != nil {
		decoded = r.Path
	}
	x.Request.Method, x.Request.Host = r.Method, r.Host
	x.Request.RawPath, x.Request.Path, x.Request.RawQuery = r.Path, decoded, r.Query
	err = router.Serve(x)
	if e, ok := gateway.AsError(err); ok {
		return Outcome{Status: e.Status, Allow: e.Header.Get("Allow")}
	}
	if x.Response.Status == 307 {
		return Outcome{Status: 307, Location: x.Response.Header.Get("Location")}
	}
	out := Outcome{Status: x.Response.Status, Handler: int(x.Response.ContentLength)}
	for _, p := range x.Request.Params {
		out.Params += fmt.Sprintf("%s=%q ", p.Name, p.Value)
	}
	return out
}

// A Handler is one that tells its number.
type Handler int

// Serve answers with status 200 and the number.
func (h Handler) Serve(x *gateway.Exchange) error {
	x.Response.Status, x.Response.ContentLength = 200, int64(h)
	return nil
}

// Handlers returns n handlers.
func Handlers(n int) []gateway.Handler {
	list := make([]gateway.Handler, n)
	for i := range list {
		list[i] = Handler(i)
	}
	return list
}

// Lookup returns what the tree makes of r.
func Lookup(t *route.Tree, r Request) Outcome {
	m := t.Lookup(r.Method, r.Host, r.Path)
	switch {
	case m.Redirect != "":
		loc := normalLocation(m.Redirect)
		if r.Query != "" {
			loc += "?" + strings.ReplaceAll(r.Query, "é", "%C3%A9")
		}
		return Outcome{Status: 307, Location: loc}
	case m.Entry == nil || m.Entry.Handler == route.NotFound:
		return Outcome{Status: 404}
	case !m.Allowed:
		return Outcome{Status: 405, Allow: strings.Join(m.Entry.Methods, ", ")}
	}
	out := Outcome{Status: 200, Handler: m.Entry.Handler}
	for i, name := range m.Entry.Params {
		out.Params += fmt.Sprintf("%s=%q ", name, m.Values[i])
	}
	return out
}

// TableRouter returns a router that looks routes up in the table of t.
func TableRouter(t *route.Tree, handlers []gateway.Handler) gateway.Handler {
	from := t.Table()
	r := &tableRouter{handlers: handlers, hosts: len(t.Hosts) > 0, table: mux.Table{Buckets: from.Buckets, Routes: []mux.TableRoute{{}}}}
	for _, n := range from.Nodes {
		r.table.Nodes = append(r.table.Nodes, mux.TableNode(n))
	}
	for _, e := range from.Edges {
		r.table.Edges = append(r.table.Edges, mux.TableEdge(e))
	}
	for _, e := range from.Routes[1:] {
		to := mux.TableRoute{Handler: int32(e.Handler), Params: strings.Join(e.Params, " "), Allow: mux.Allow(strings.Join(e.Methods, ", "))}
		if e.Methods != nil && len(e.Methods) == 0 {
			to.Allow = mux.NoMethod
		}
		r.table.Routes = append(r.table.Routes, to)
	}
	return r
}

type tableRouter struct {
	handlers []gateway.Handler
	hosts    bool
	table    mux.Table
}

func (r *tableRouter) Serve(x *gateway.Exchange) error { return mux.Serve(x, r) }

func (r *tableRouter) Route(x *gateway.Exchange, path string) gateway.Handler {
	host := ""
	if r.hosts {
		host = mux.Host(x)
	}
	i, answer := r.table.Find(x, host, path)
	if i >= 0 {
		return r.handlers[i]
	}
	return answer
}
