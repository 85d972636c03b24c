// Package pass improves a program before it is printed. Each pass is a file, can
// be left out, and is tested alone.
package pass

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// A Pass changes a program in place, or reports findings about it.
type Pass struct {
	Name string
	Run  func(*ir.Program, *diag.List)
	Why  string // in one line
}

// All are the passes in their order.
var All = []Pass{
	{"share", share, "equal components are made once"},
	{"chains", chains, "equal chains of a router are one handler"}, // after share, which makes more of them equal
	{"prune", prune, "nothing is emitted that nothing uses"},       // after both, which leave some unused
}

// Run runs all passes.
func Run(p *ir.Program, list *diag.List) {
	for _, pass := range All {
		pass.Run(p, list)
	}
}
