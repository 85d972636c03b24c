package pass

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// share makes equal components one, where nobody can tell the difference: two CORS
// policies that say the same, two echo handlers.
func share(p *ir.Program, _ *diag.List) {
	first := make(map[string]*ir.Component)
	instead := make(map[*ir.Component]*ir.Component)
	for _, c := range p.Components {
		c.New = redirect(c.New, instead)
		if !c.Stateless || c.Fails {
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

// redirect replaces references to the keys of instead by references to its values.
func redirect(e ir.Expr, instead map[*ir.Component]*ir.Component) ir.Expr {
	return ir.Rewrite(e, func(e ir.Expr) ir.Expr {
		if r, ok := e.(ir.Ref); ok && instead[r.To] != nil {
			return ir.Ref{To: instead[r.To]}
		}
		return e
	})
}
