package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var healthCheckHandler = Kind{
	APIVersion: "app/v1",
	Name:       "HealthCheckHandler",
	Roles:      []Role{Handler},
	New:        func() Spec { return &HealthCheckHandlerSpec{Patterns: []string{healthPath}, Timeout: 30} },
}

const healthPath = "/healthz"

// HealthCheckHandlerSpec is the spec of a HealthCheckHandler, which answers whether the gateway is well: 200 and {} if all probes
// say yes, 500 if one says no, 504 if one takes too long. Without probes it is always 200.
//
// Unlike in AILERON Gateway, the probes run at the same time, and one that never returns can't hold up the answer.
type HealthCheckHandlerSpec struct {
	// ErrorHandler makes the answers 500 and 504. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// Patterns are the paths that the handler wants to be mounted at. Empty is the default.
	Patterns []string `json:"patterns" fixed:"true"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods"`
	// Timeout is how long the probes may take altogether, in seconds. 0 stands for the default.
	Timeout int32 `json:"timeout" min:"0"`
	// ExternalProbes are what is asked, Go packages of the user above all.
	ExternalProbes []resource.Ref `json:"externalProbes" role:"HealthChecker"`
}

// Route returns where the handler wants to be mounted.
func (s *HealthCheckHandlerSpec) Route() ([]string, []HTTPMethod) {
	if len(s.Patterns) == 0 {
		return []string{healthPath}, s.Methods
	}
	return s.Patterns, s.Methods
}

// ErrorHandlerRef returns the error handler.
func (s *HealthCheckHandlerSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Lower returns the handler.
func (s *HealthCheckHandlerSpec) Lower(l *Lower) ir.Expr {
	probes := ir.List{Elem: ir.Runtime("health.Probe")}
	for i := range s.ExternalProbes {
		probes.Items = append(probes.Items, l.Use(&s.ExternalProbes[i], HealthChecker))
	}
	return l.Call("health.New", l.Struct("health.Options",
		ir.Set("Timeout", l.ifSet(&s.Timeout, l.Seconds(&s.Timeout))),
		ir.Set("Probes", probes)))
}
