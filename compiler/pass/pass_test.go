package pass

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// component makes a component of a call.
func component(name, fun string, args ...ir.Expr) *ir.Component {
	return &ir.Component{Base: name, New: ir.Call{Fun: ir.Runtime(fun), Args: args}}
}

func ref(c *ir.Component) ir.Expr { return ir.Ref{To: c} }

func wrap(middleware *ir.Component, inner ir.Expr) ir.Expr {
	return ir.Call{Fun: ir.Ref{To: middleware}, Args: []ir.Expr{inner}}
}

func policy(maxAge int64) ir.Expr {
	return ir.Struct{Type: ir.Runtime("cors.Policy"), Fields: []ir.Field{ir.Set("MaxAge", ir.Lit{Value: maxAge})}}
}

func names(p *ir.Program) []string {
	var out []string
	for _, c := range p.Components {
		out = append(out, c.Base)
	}
	return out
}

func TestShare(t *testing.T) {
	a, same, other := component("a", "cors.New", policy(1)), component("same", "cors.New", policy(1)), component("other", "cors.New", policy(2))
	// Logs count, files are open: two of them are two.
	log1, log2 := component("log1", "log.New"), component("log2", "log.New")
	fails, fails2 := component("fails", "cors.New", policy(1)), component("fails2", "cors.New", policy(1))
	fails.Fails, fails2.Fails = true, true
	// Equal only once their parts are.
	user1, user2 := component("user1", "echo.New", ref(a)), component("user2", "echo.New", ref(same))
	for _, c := range []*ir.Component{a, same, other, fails, fails2, user1, user2} {
		c.Stateless = true
	}
	r := &ir.Router{Handlers: []ir.RouteHandler{{Chain: wrap(same, ref(user2))}}}
	p := &ir.Program{
		Components: []*ir.Component{a, same, other, log1, log2, fails, fails2, user1, user2},
		Routers:    []*ir.Router{r},
		Root:       ir.List{Elem: ir.Runtime("app.Runner"), Items: []ir.Expr{ref(same), ref(user2), ref(log2)}},
	}
	share(p, &diag.List{})
	if d := cmp.Diff([]string{"a", "other", "log1", "log2", "fails", "fails2", "user1"}, names(p)); d != "" {
		t.Error(d)
	}
	if len(a.Shared) != 1 || a.Shared[0] != same || len(user1.Shared) != 1 {
		t.Errorf("a serves %v, too, and user1 %v", a.Shared, user1.Shared)
	}
	for what, pair := range map[string][2]ir.Expr{
		"root":  {p.Root, ir.List{Elem: ir.Runtime("app.Runner"), Items: []ir.Expr{ref(a), ref(user1), ref(log2)}}},
		"chain": {r.Handlers[0].Chain, wrap(a, ref(user1))},
	} {
		if ir.Key(pair[0]) != ir.Key(pair[1]) {
			t.Errorf("the %s is %s", what, ir.Key(pair[0]))
		}
	}
}

func TestChains(t *testing.T) {
	m, h := component("m", "cors.New"), component("h", "echo.New")
	r := &ir.Router{
		Handlers: []ir.RouteHandler{
			{Base: "one", Chain: wrap(m, ref(h))}, {Base: "plain", Chain: ref(h)}, {Base: "two", Chain: wrap(m, ref(h))}, {Base: "twice", Chain: wrap(m, wrap(m, ref(h)))},
		},
		Routes: []ir.Route{{Handler: 2}, {Handler: ir.NotFound}, {Handler: 3}, {Handler: 0}, {Handler: 1}},
	}
	chains(&ir.Program{Routers: []*ir.Router{r}}, &diag.List{})
	var bases []string
	for _, h := range r.Handlers {
		bases = append(bases, h.Base)
	}
	if d := cmp.Diff([]string{"one", "plain", "twice"}, bases); d != "" {
		t.Error(d)
	}
	var at []int
	for _, r := range r.Routes {
		at = append(at, r.Handler)
	}
	if d := cmp.Diff([]int{0, ir.NotFound, 2, 0, 1}, at); d != "" {
		t.Error(d)
	}
}

func TestPrune(t *testing.T) {
	logger, unused := component("logger", "log.Default"), component("unused", "log.Default")
	needsUnused := component("needsUnused", "echo.New", ref(unused))
	handler := component("handler", "echo.New", ref(logger))
	routes := ir.Routes{Router: &ir.Router{Handlers: []ir.RouteHandler{{Chain: ref(handler)}}}}
	server := component("server", "server.New", routes)
	carried, dropped := &ir.Global{}, &ir.Global{}
	handler.New = ir.Call{Fun: ir.Runtime("echo.New"), Args: []ir.Expr{ref(logger), ir.GlobalRef{To: carried}}}
	unused.New = ir.GlobalRef{To: dropped}
	p := &ir.Program{Components: []*ir.Component{logger, unused, needsUnused, handler, server}, Globals: []*ir.Global{carried, dropped}, Root: ref(server)}
	prune(p, &diag.List{})
	if len(p.Globals) != 1 || p.Globals[0] != carried {
		t.Errorf("%d globals", len(p.Globals))
	}
	if d := cmp.Diff([]string{"logger", "handler", "server"}, names(p)); d != "" {
		t.Error(d)
	}
}

func TestEveryPassSaysWhy(t *testing.T) {
	for _, pass := range All {
		if pass.Name == "" || pass.Why == "" || pass.Run == nil {
			t.Errorf("%+v", pass)
		}
	}
}
