package kinds

import (
	"path"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/route"
)

// router collects the routes of the server.
func (s *HTTPServerSpec) router(l *Lower) *ir.Router {
	b := &routeBuilder{Lower: l, router: &ir.Router{Server: l.ID, Base: l.ID.Name}, taken: make(map[string]bool)}
	for i := range s.VirtualHosts {
		vh := &s.VirtualHosts[i]
		for j := range vh.Handlers {
			b.entry(s, vh, &vh.Handlers[j])
		}
	}
	b.debug(s)
	for i := range s.VirtualHosts {
		for j := range s.VirtualHosts[i].Hosts {
			b.notFound(&s.VirtualHosts[i].Hosts[j])
		}
	}
	b.conflicts()
	l.Link.AddRouter(b.router)
	return b.router
}

type routeBuilder struct {
	*Lower
	router *ir.Router
	taken  map[string]bool // patterns that have a handler
	fields []any           // what of the spec each route comes from
}

func (b *routeBuilder) add(field any, r ir.Route) {
	r.From = b.Values.Line(field)
	b.taken[r.Pattern] = b.taken[r.Pattern] || r.Handler != ir.NotFound
	b.router.Routes = append(b.router.Routes, r)
	b.fields = append(b.fields, field)
}

// conflicts reports patterns that are malformed, that claim the same requests, and
// that no request comes to.
func (b *routeBuilder) conflicts() {
	routes := make([]route.Route, len(b.router.Routes))
	for i, r := range b.router.Routes {
		routes[i] = route.Route{Pattern: r.Pattern, Methods: r.Methods, Handler: r.Handler, From: r.From}
	}
	tree, conflicts := route.Build(routes)
	for _, c := range conflicts {
		pos := b.Values.Pos(b.fields[c.Route])
		if c.Kind == route.Invalid {
			b.Findings.Errorf(pos, diag.BadPattern, "%s", c.Message)
			continue
		}
		b.Findings.Errorf(pos, diag.RouteConflict, "%s", c.Message).
			Notef(b.Values.Pos(b.fields[c.Other]), "the other one is here")
	}
	for _, u := range tree.Unreachable {
		b.Findings.Warnf(b.Values.Pos(b.fields[u.Route]), diag.UnreachableRoute, "%s", u.Reason)
	}
}

// A mount is a handler with everything that HTTPHandlers put around it.
type mount struct {
	patterns []string // empty: none of its own
	methods  []HTTPMethod
	// middleware of all HTTPHandlers on the way, outermost first
	middleware []resource.Ref
	id         resource.ID // of the handler at the end
	spec       Spec        // of the same
}

// entry adds the routes of one handler of a virtual host.
func (b *routeBuilder) entry(s *HTTPServerSpec, vh *VirtualHostSpec, e *HandlerEntry) {
	target := b.Link.Target(&e.Handler)
	if target == nil {
		return
	}
	m := b.mount(target)
	paths := make([]string, 0, len(m.patterns))
	for _, p := range m.patterns {
		paths = append(paths, e.Pattern+p)
	}
	if len(paths) == 0 {
		paths = []string{e.Pattern}
	}
	chain := b.Chain(vh.Middleware, Middleware, b.Chain(e.Middleware, Middleware, b.Use(&e.Handler, Handler)))
	b.checkOrder(s.Middleware, vh.Middleware, e.Middleware, m.middleware)
	b.checkPeers(s, s.Middleware, vh.Middleware, e.Middleware, m.middleware)
	b.checkSessions(s, e, &m, s.Middleware, vh.Middleware, e.Middleware, m.middleware)
	handler := len(b.router.Handlers)
	b.router.Handlers = append(b.router.Handlers, ir.RouteHandler{ID: m.id, Base: m.id.Name, Chain: chain})

	methods, none := intersect(methodNames(vh.Methods), methodNames(m.methods))
	if none {
		b.Warnf(e, diag.UnreachableRoute, "no request reaches %s here: its methods and those of the virtual host have none in common", m.id.Short())
	}
	for _, p := range patterns(vh.Hosts, vh.Pattern, paths) {
		b.add(e, ir.Route{Pattern: p, Methods: methods, Handler: handler})
	}
}

// mount follows HTTPHandlers down to the handler that answers.
func (b *routeBuilder) mount(t *Target) mount {
	if h, ok := t.Spec.(*HTTPHandlerSpec); ok {
		inner := b.Link.Target(&h.Handler)
		if inner == nil {
			return mount{}
		}
		m := b.mount(inner)
		if len(m.patterns) == 0 {
			m.patterns = []string{""}
		}
		for i := range m.patterns {
			m.patterns[i] = h.Pattern + m.patterns[i]
		}
		m.middleware = append(slices.Clone(h.Middleware), m.middleware...)
		return m
	}
	m := mount{id: t.Check.ID, spec: t.Spec}
	if r, ok := t.Spec.(Routed); ok {
		m.patterns, m.methods = r.Route()
		m.patterns = slices.Clone(m.patterns)
	}
	return m
}

// patterns are the patterns of http.ServeMux for each host and path, sorted, each once.
func patterns(hosts []string, prefix string, paths []string) []string {
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	var out []string
	for _, h := range hosts {
		for _, p := range paths {
			full := path.Clean("/" + prefix + p)
			if (strings.HasSuffix(p, "/") || p == "" && strings.HasSuffix(prefix, "/")) && full != "/" {
				full += "/" // Clean takes it away, but it makes a subtree of the pattern
			}
			out = append(out, strings.ToLower(h)+full)
		}
	}
	return sortedSet(out)
}

// intersect returns the methods that both lists hold. An empty list is all methods;
// none is true if nothing is left.
func intersect(a, b []string) (both []string, none bool) {
	switch {
	case len(a) == 0:
		return b, false
	case len(b) == 0:
		return a, false
	}
	both = []string{}
	for _, m := range a {
		if slices.Contains(b, m) {
			both = append(both, m)
		}
	}
	return both, len(both) == 0
}

// debug adds the endpoints of enableProfile and enableExpvar.
func (b *routeBuilder) debug(s *HTTPServerSpec) {
	add := func(field any, base, pattern, fun string, args ...ir.Expr) {
		handler := len(b.router.Handlers)
		b.router.Handlers = append(b.router.Handlers, ir.RouteHandler{Base: base, Chain: b.Call(fun, args...)})
		b.add(field, ir.Route{Pattern: pattern, Methods: []string{"GET", "HEAD"}, Handler: handler})
	}
	if s.EnableProfile {
		add(&s.EnableProfile, "profiles", "/debug/pprof/", "debug.Index")
		add(&s.EnableProfile, "cmdline", "/debug/pprof/cmdline", "debug.Cmdline")
		add(&s.EnableProfile, "cpuProfile", "/debug/pprof/profile", "debug.CPUProfile")
		add(&s.EnableProfile, "symbols", "/debug/pprof/symbol", "debug.Symbol")
		add(&s.EnableProfile, "trace", "/debug/pprof/trace", "debug.Trace")
	}
	if s.EnableExpvar {
		var vars []ir.Expr
		if stats := b.Link.UpstreamStats(); stats != nil {
			vars = append(vars, b.Struct("debug.Var", ir.Set("Name", ir.String("upstreams")), ir.Set("Value", stats)))
		}
		add(&s.EnableExpvar, "vars", "/debug/vars", "debug.Vars", vars...)
	}
}

// notFound keeps the requests to a virtual host that none of its handlers takes from
// falling through to the handlers without a host.
func (b *routeBuilder) notFound(host *string) {
	p := strings.ToLower(*host) + "/"
	if b.taken[p] {
		return
	}
	b.taken[p] = true
	b.add(host, ir.Route{Pattern: p, Handler: ir.NotFound})
}

// checkOrder warns of middleware that can't do its job where it stands.
func (b *routeBuilder) checkOrder(lists ...[]resource.Ref) {
	var refuser *Target
	for _, list := range lists {
		for i := range list {
			t := b.Link.Target(&list[i])
			if t == nil {
				continue
			}
			r, _ := t.Spec.(Refuser)
			switch {
			case t.Kind.Name == "CORSMiddleware" && refuser != nil:
				b.Warnf(&list[i], diag.MiddlewareOrder, "%s stands before %s and may refuse preflight requests, which carry no credentials and no body",
					refuser.Check.ID.Short(), t.Check.ID.Short())
			case r != nil && r.Refuses() && refuser == nil:
				refuser = t
			}
		}
	}
}
