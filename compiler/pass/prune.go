package pass

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// prune drops the components that the gateway doesn't need, and what the binary would carry for them.
func prune(p *ir.Program, _ *diag.List) {
	used := make(map[*ir.Component]bool)
	carried := make(map[*ir.Global]bool)
	var visit func(ir.Expr)
	visit = func(e ir.Expr) {
		ir.Walk(e, func(e ir.Expr) {
			switch r := e.(type) {
			case ir.Ref:
				if !used[r.To] {
					used[r.To] = true
					visit(r.To.New)
				}
			case ir.GlobalRef:
				carried[r.To] = true
			}
		})
	}
	visit(p.Root)
	p.Components = slices.DeleteFunc(p.Components, func(c *ir.Component) bool { return !used[c] })
	p.Globals = slices.DeleteFunc(p.Globals, func(g *ir.Global) bool { return !carried[g] })
}
