package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var skipper = Kind{
	APIVersion: "app/v1",
	Name:       "Skipper",
	Roles:      []Role{Middleware, Tripperware},
	PerRole:    true,
	New:        func() Spec { return &SkipperSpec{} },
}

// SkipperSpec is the spec of a Skipper, which stands for a list of middleware, or of tripperware, and leaves it out for some requests.
type SkipperSpec struct {
	// SkipConditions choose the requests for which the list is left out. One that holds is enough.
	SkipConditions []SkipConditionSpec `json:"skipConditions"`
	// Middleware is the list where the Skipper is used as middleware. The first is outermost.
	Middleware []resource.Ref `json:"middleware" role:"Middleware"`
	// Tripperware is the list where the Skipper is used as tripperware. The first is outermost. The conditions look at the path that is sent to the upstream.
	Tripperware []resource.Ref `json:"tripperware" role:"Tripperware"`
}

// SkipConditionSpec chooses requests.
type SkipConditionSpec struct {
	// Matcher chooses by the decoded path. Without it the condition never holds.
	Matcher *MatcherSpec `json:"matcher"`
	// Methods are the methods that the condition is for. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
}

// Parts are the middleware that isn't skipped for all requests.
func (s *SkipperSpec) Parts() []resource.Ref { return s.Middleware }

// Check reports conditions that never hold.
func (s *SkipperSpec) Check(c *Check) {
	for i := range s.SkipConditions {
		if m := s.SkipConditions[i].Matcher; m != nil {
			m.check(c)
		} else {
			c.Warnf(&s.SkipConditions[i], diag.NoEffect, "a condition without a matcher never holds")
		}
	}
	if len(s.Middleware)+len(s.Tripperware) == 0 {
		c.Warnf(s, diag.NoEffect, "without middleware and tripperware there is nothing to skip")
	}
}

// Lower returns the middleware or tripperware.
func (s *SkipperSpec) Lower(l *Lower) ir.Expr {
	var conditions, list []ir.Expr
	for i := range s.SkipConditions {
		k := &s.SkipConditions[i]
		if k.Matcher != nil {
			conditions = append(conditions, l.Struct("skipper.Condition",
				ir.Set("Match", k.Matcher.lower(l)),
				ir.Set("Methods", ir.Strings(methodNames(k.Methods)))))
		}
	}
	refs := s.Middleware
	if l.Role == Tripperware {
		refs, l.Suffix = s.Tripperware, "-tripperware"
	}
	for i := range refs {
		list = append(list, l.Use(&refs[i], l.Role))
	}
	return l.Call("skipper.New", l.Struct("skipper.Options",
		ir.Set("Conditions", l.List("skipper.Condition", conditions...)),
		ir.Set("Chain", l.List("gateway.Middleware", list...)),
		ir.Set("Name", ir.String(l.ID.String())),
		ir.Set("Logger", l.Logger()),
	))
}
