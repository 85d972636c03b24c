package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var trackingMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "TrackingMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New:        func() Spec { return &TrackingMiddlewareSpec{} },
}

// TrackingMiddlewareSpec is the spec of a TrackingMiddleware, which gives each request an id. All log lines of
// the request carry it, together with the trace id, and upstreams get them in headers.
//
// Unlike in AILERON Gateway, the ids replace headers of these names that a client
// sent, and a trace id from a header is only taken if it can be one.
type TrackingMiddlewareSpec struct {
	// RequestIDProxyName is the header in which upstreams get the request id. Empty sends none.
	RequestIDProxyName string `json:"requestIDProxyName" pattern:"^[0-9a-zA-Z-_]*$"`
	// TraceIDProxyName is the header in which upstreams get the trace id. Empty sends none.
	TraceIDProxyName string `json:"traceIDProxyName" pattern:"^[0-9a-zA-Z-_]*$"`
	// TraceIDExtractName is the request header that the trace id is taken from. Without it the trace id is the request id.
	TraceIDExtractName string `json:"traceIDExtractName" pattern:"^[0-9a-zA-Z-_]*$"`
}

// Check warns of one header for two ids.
func (s *TrackingMiddlewareSpec) Check(c *Check) {
	if s.RequestIDProxyName != "" && canonicalName(s.RequestIDProxyName) == canonicalName(s.TraceIDProxyName) {
		c.Warnf(&s.RequestIDProxyName, diag.NoEffect, "traceIDProxyName is the same header, so upstreams get the trace id in it and no request id")
	}
}

// Lower returns the middleware.
func (s *TrackingMiddlewareSpec) Lower(l *Lower) ir.Expr {
	options := l.Struct("tracking.Options",
		ir.Set("RequestHeader", l.String(&s.RequestIDProxyName)),
		ir.Set("TraceHeader", l.String(&s.TraceIDProxyName)),
		ir.Set("ExtractHeader", l.String(&s.TraceIDExtractName)))
	return l.Call("tracking.New", options)
}
