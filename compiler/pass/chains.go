package pass

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// chains gives each router one handler for routes whose middleware and handler are the same.
func chains(p *ir.Program, _ *diag.List) {
	for _, r := range p.Routers {
		first := make(map[string]int)
		moved := make([]int, len(r.Handlers))
		var kept []ir.RouteHandler
		for i, h := range r.Handlers {
			key := ir.Key(h.Chain)
			at, ok := first[key]
			if !ok {
				at = len(kept)
				first[key] = at
				kept = append(kept, h)
			}
			moved[i] = at
		}
		r.Handlers = kept
		for i := range r.Routes {
			if h := r.Routes[i].Handler; h >= 0 {
				r.Routes[i].Handler = moved[h]
			}
		}
	}
}
