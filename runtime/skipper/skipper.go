// Package skipper leaves middleware, or tripperware, out for some requests.
package skipper

import (
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Matcher chooses paths. The matchers of package match are some.
type Matcher interface{ Match(path string) bool }

// Options are the settings of the middleware.
type Options struct {
	// Conditions choose the exchanges for which Chain is left out. One that holds is enough.
	Conditions []Condition
	// Chain is what the others pass, the first outermost.
	Chain []gateway.Middleware
	// Name is what the log calls Chain.
	Name string
	// Logger is told, at level Debug, when Chain is left out. Nil tells nobody.
	Logger gateway.Logger
}

// A Condition chooses exchanges: on a leg by what is sent to the upstream.
type Condition struct {
	// Match chooses by the decoded path. A nil Match chooses nothing.
	Match Matcher
	// Methods are the methods that the condition is for; empty is all.
	Methods []string
}

// New returns the middleware.
func New(o Options) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler {
		chain := next
		for _, m := range slices.Backward(o.Chain) {
			chain = m(chain)
		}
		return &handler{Options: o, chain: chain, next: next}
	}
}

type handler struct {
	Options
	chain, next gateway.Handler
}

// Serve calls the chain, or what comes after it.
func (h *handler) Serve(x *gateway.Exchange) error {
	for i := range h.Conditions {
		c := &h.Conditions[i]
		if c.Match != nil && (len(c.Methods) == 0 || slices.Contains(c.Methods, x.Request.Method)) && c.Match.Match(x.Request.Path) {
			if h.Logger != nil && h.Logger.Enabled(gateway.LevelDebug) {
				h.Logger.Log(x, gateway.LevelDebug, h.Name+" is skipped")
			}
			return h.next.Serve(x)
		}
	}
	return h.chain.Serve(x)
}
