package pass

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// stateless are the constructors whose results may stand for each other: what they
// return keeps nothing of a request, and no count of them.
var stateless = map[string]bool{
	"cors.New": true, "headerpolicy.New": true, "timeout.New": true, "echo.New": true,
	"tracking.New": true, "bodylimit.New": true,
}

// share makes equal components one, where nobody can tell the difference: two CORS
// policies that say the same, two echo handlers.
func share(p *ir.Program, _ *diag.List) {
	first := make(map[string]*ir.Component)
	instead := make(map[*ir.Component]*ir.Component)
	for _, c := range p.Components {
		c.New = redirect(c.New, instead)
		call, ok := c.New.(ir.Call)
		if !ok || c.Fails {
			continue
		}
		fun, ok := call.Fun.(ir.Name)
		if !ok || !stateless[shortName(fun)] {
			continue
		}
		key := ir.Key(c.New)
		if same := first[key]; same != nil {
			instead[c] = same
			same.Shared = append(same.Shared, c)
			continue
		}
		first[key] = c
	}
	if len(instead) == 0 {
		return
	}
	p.Components = slices.DeleteFunc(p.Components, func(c *ir.Component) bool { return instead[c] != nil })
	p.Root = redirect(p.Root, instead)
	for _, r := range p.Routers {
		for i := range r.Handlers {
			r.Handlers[i].Chain = redirect(r.Handlers[i].Chain, instead)
		}
	}
}

func shortName(n ir.Name) string {
	const prefix = ir.Module + "/runtime/"
	if len(n.Path) <= len(prefix) {
		return ""
	}
	return n.Path[len(prefix):] + "." + n.Ident
}

// redirect replaces references to the keys of instead by references to its values.
func redirect(e ir.Expr, instead map[*ir.Component]*ir.Component) ir.Expr {
	return ir.Rewrite(e, func(e ir.Expr) ir.Expr {
		if r, ok := e.(ir.Ref); ok && instead[r.To] != nil {
			return ir.Ref{To: instead[r.To]}
		}
		return e
	})
}
