package tracer

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
)

// Options of spans, made once: a call with others would allocate.
var (
	ofServer   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	ofClient   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)}
	ofInternal = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindInternal)}
)

// Middleware traces requests of clients.
func (t *Tracer) Middleware(next gateway.Handler) gateway.Handler {
	m := &middleware{Tracer: t, next: next}
	m.done = m.end
	return m
}

type middleware struct {
	*Tracer
	next   gateway.Handler
	caller caller
	done   func(*gateway.Exchange) // end, made once
}

// Serve traces x.
func (m *middleware) Serve(x *gateway.Exchange) error {
	s := stateOf(x)
	if s.server > 0 {
		return m.inner(x, s)
	}
	span := s.begin(m.Tracer, s.parent(m.Tracer, &x.Request.Header), "0:middleware", ofServer)
	s.root = span
	s.publish(x)
	// The handlers see it, and so does the upstream, whatever they do to the fields of the request.
	s.carrier = propagate.Carrier{Header: &x.Request.Header, Also: &x.Upstream}
	m.propagator.Inject(s.ctx, &s.carrier)
	if span.IsRecording() {
		s.about = m.describe(x, &m.caller) // now, since handlers may change the request
		x.OnDone(m.done)
	}
	s.server++
	err := m.next.Serve(x)
	s.server--
	s.err = err
	return err
}

// inner makes a span within that of a middleware further out.
func (m *middleware) inner(x *gateway.Exchange, s *state) error {
	if s.unsampled(m.Tracer) {
		return m.next.Serve(x)
	}
	outer := *s
	span := s.begin(m.Tracer, s.ctx, name(s.server, ":middleware"), ofInternal)
	defer span.End() // after a panic, too
	if span.IsRecording() {
		m.caller.set(span)
	}
	s.server++
	err := m.next.Serve(x)
	s.ctx, s.span, s.by, s.server = outer.ctx, outer.span, outer.by, outer.server
	if err != nil && serverFault(gateway.StatusOf(err)) {
		span.SetStatus(codes.Error, text(err.Error()))
	}
	return err
}

// end ends the span of a request whose response is out, or can't be sent.
func (m *middleware) end(x *gateway.Exchange) {
	s, _ := states.Get(x)
	l := s.about
	l.requestID(x) // which it may have got further in
	status := max(x.Response.Status, 0)
	l.status(status)
	if s.err != nil {
		recordError(s.root, s.err)
	}
	switch {
	case x.SendErr != nil:
		recordError(s.root, x.SendErr)
		l.fail(s.root, kindOf(x.SendErr), x.SendErr.Error())
	case !serverFault(status): // what clients do wrong is no failure of the gateway
	case s.err != nil:
		l.fail(s.root, kindOf(s.err), s.err.Error())
	default:
		l.fail(s.root, codeText(status), "")
	}
	l.to(s.root)
	s.root.End()
	s.about = nil
}

// serverFault tells that a status is the fault of who answers; 0 is that nobody has.
func serverFault(status int) bool { return status >= 500 || status <= 0 }
