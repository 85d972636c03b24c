package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var httpHandler = Kind{
	APIVersion: "core/v1",
	Name:       "HTTPHandler",
	Roles:      []Role{Handler},
	New:        func() Spec { return &HTTPHandlerSpec{} },
	Inline:     true,
}

// HTTPHandlerSpec is the spec of an HTTPHandler: another handler behind a pattern and
// middleware of its own. It can stand wherever a handler can, in another HTTPHandler, too.
type HTTPHandlerSpec struct {
	// Pattern is put before the patterns of the handler. It has the form of patterns of Go's http.ServeMux, without method and host.
	Pattern string `json:"pattern" fixed:"true"`
	// Middleware is what requests pass before the handler, the first outermost, within the middleware of what refers to this resource.
	Middleware []resource.Ref `json:"middleware" role:"Middleware"`
	// Handler is the handler.
	Handler resource.Ref `json:"handler" required:"true" role:"Handler"`
}

// Lower returns the handler within its middleware.
func (s *HTTPHandlerSpec) Lower(l *Lower) ir.Expr {
	return l.Chain(s.Middleware, Middleware, l.Use(&s.Handler, Handler))
}
