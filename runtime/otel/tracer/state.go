package tracer

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
)

// A state is what the tracers of a gateway know of a request.
type state struct {
	// ctx has the span that is current, and what came along with the request. It's no context of the exchange: replacing that
	// costs more than all the rest.
	ctx  context.Context
	span trace.Span
	// by has made it.
	by *Tracer
	// server and client are how many middleware, and tripperware, the request is in.
	server, client int

	root    trace.Span // of the outermost middleware
	err     error      // what that one has got
	about   *list      // what is known of it
	id      traceid.Span
	carrier propagate.Carrier // here so that it costs no allocation
}

var states gateway.Slot[*state]

// stateOf returns the state of x, a new one if it has none.
func stateOf(x *gateway.Exchange) *state {
	s, ok := states.Get(x)
	if !ok {
		s = new(state)
		states.Put(x, s)
	}
	return s
}

// Span is the current span of x. It records nothing if x isn't traced. It's for packages that add something of their own.
func Span(x *gateway.Exchange) trace.Span {
	if s, ok := states.Get(x); ok && s.span != nil {
		return s.span
	}
	return trace.SpanFromContext(context.Background())
}

// parent is the context that a new span begins in: that of the current one, or else what the fields of the request say.
func (s *state) parent(t *Tracer, fields *gateway.Header) context.Context {
	if s.span != nil {
		return s.ctx
	}
	s.carrier = propagate.Carrier{Header: fields}
	return t.propagator.Extract(context.Background(), &s.carrier)
}

// begin makes the span current that t starts in parent.
func (s *state) begin(t *Tracer, parent context.Context, name string, options []trace.SpanStartOption) trace.Span {
	s.ctx, s.span = t.tracer.Start(parent, name, options...)
	s.by = t
	return s.span
}

// publish tells others of the span.
func (s *state) publish(x *gateway.Exchange) {
	c := s.span.SpanContext()
	s.id = traceid.Span{TraceID: c.TraceID(), SpanID: c.SpanID(), Sampled: c.IsSampled()}
	traceid.Put(x, &s.id)
	if s.id.Sampled {
		x.Attach(gateway.Object("trace", gateway.String("id", s.id.Trace()), gateway.String("span", s.id.Span())))
	}
}

// unsampled tells that t has found already that the request isn't to be recorded, so that there is nothing to do for it.
func (s *state) unsampled(t *Tracer) bool {
	return s.span != nil && s.by == t && !s.span.IsRecording()
}
