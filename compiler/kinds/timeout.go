package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var timeoutMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "TimeoutMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New:        func() Spec { return &TimeoutMiddlewareSpec{} },
}

// TimeoutMiddlewareSpec is the spec of a TimeoutMiddleware, which limits how long a request may take. When the time is over,
// upstreams are given up and the client gets 504.
//
// Unlike in AILERON Gateway, a timeout of 0 in apiTimeouts exempts requests from the default one.
type TimeoutMiddlewareSpec struct {
	// DefaultTimeout is the limit for requests that no entry of apiTimeouts is for, in milliseconds. 0 is none.
	DefaultTimeout int32 `json:"defaultTimeout" min:"0"`
	// APITimeouts are limits for some requests. The first entry that is for a request decides.
	APITimeouts []APITimeoutSpec `json:"apiTimeouts" alt:"APITimeouts"`
}

// APITimeoutSpec is a limit for some requests.
type APITimeoutSpec struct {
	// Matcher chooses requests by their decoded path.
	Matcher *MatcherSpec `json:"matcher" required:"true"`
	// Methods are the methods that the limit is for. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// Timeout is the limit, in milliseconds. 0 is none.
	Timeout int32 `json:"timeout" min:"0"`
}

// Check checks the patterns.
func (s *TimeoutMiddlewareSpec) Check(c *Check) {
	for i := range s.APITimeouts {
		if m := s.APITimeouts[i].Matcher; m != nil {
			m.check(c)
		}
	}
}

// Lower returns the middleware.
func (s *TimeoutMiddlewareSpec) Lower(l *Lower) ir.Expr {
	rules := ir.List{Elem: ir.Runtime("timeout.Rule")}
	for i := range s.APITimeouts {
		t := &s.APITimeouts[i]
		rules.Items = append(rules.Items, l.Struct("timeout.Rule",
			ir.Set("Match", t.Matcher.lower(l)),
			ir.Set("Methods", ir.Strings(methodNames(t.Methods))),
			ir.Set("Timeout", l.Millis(&t.Timeout))))
	}
	return l.Call("timeout.New", l.Struct("timeout.Options",
		ir.Set("Default", l.Millis(&s.DefaultTimeout)),
		ir.Set("Rules", rules)))
}
