package pass

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// prune drops the components that the gateway doesn't need.
func prune(p *ir.Program, _ *diag.List) {
	used := make(map[*ir.Component]bool)
	var visit func(ir.Expr)
	visit = func(e ir.Expr) {
		ir.Walk(e, func(e ir.Expr) {
			if r, ok := e.(ir.Ref); ok && !used[r.To] {
				used[r.To] = true
				visit(r.To.New)
			}
		})
	}
	visit(p.Root)
	p.Components = slices.DeleteFunc(p.Components, func(c *ir.Component) bool { return !used[c] })
}
