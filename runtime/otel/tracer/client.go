package tracer

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
)

// Tripperware traces requests to upstreams, each try by itself if several upstreams are tried.
func (t *Tracer) Tripperware(next gateway.Handler) gateway.Handler {
	return &tripperware{Tracer: t, next: next}
}

type tripperware struct {
	*Tracer
	next   gateway.Handler
	caller caller
}

// Serve traces leg.
func (c *tripperware) Serve(leg *gateway.Exchange) error {
	s := stateOf(leg)
	if s.unsampled(c.Tracer) {
		return c.next.Serve(leg) // the middleware has told the upstream already
	}
	outer := *s
	var span trace.Span
	var about *list // of the first one, if it's recorded
	first := s.client == 0
	if first {
		span = s.begin(c.Tracer, s.parent(c.Tracer, &leg.Request.Header), "0:tripperware", ofClient)
		if outer.span == nil {
			s.publish(leg)
		}
		s.carrier = propagate.Carrier{Header: &leg.Request.Header}
		c.propagator.Inject(s.ctx, &s.carrier)
		if span.IsRecording() {
			about = c.describeLeg(leg, &c.caller)
		}
	} else {
		span = s.begin(c.Tracer, s.ctx, name(s.client, ":tripperware"), ofInternal)
		if span.IsRecording() {
			c.caller.set(span)
		}
	}
	s.client++
	returned := false
	defer func() {
		s.ctx, s.span, s.by, s.client = outer.ctx, outer.span, outer.by, outer.client
		if !returned {
			about.to(span)
			span.SetStatus(codes.Error, "panic")
			span.End()
		}
	}()
	err := c.next.Serve(leg)
	returned = true
	if span.IsRecording() {
		end(leg, span, about, err)
	}
	return err
}

// end ends the span when there is nothing more to come: that of an answer when its body has been passed on.
func end(leg *gateway.Exchange, span trace.Span, about *list, err error) {
	if about == nil {
		if err != nil {
			span.SetStatus(codes.Error, text(err.Error()))
		}
		span.End()
		return
	}
	if err != nil {
		about.status(0)
		recordError(span, err)
		about.fail(span, kindOf(err), err.Error())
		about.to(span)
		span.End()
		return
	}
	status := leg.Response.Status
	about.status(status)
	if status >= 400 { // for who has asked, that is a failure, too
		about.fail(span, codeText(status), "")
	}
	if leg.Parent == nil {
		about.to(span)
		span.End()
		return
	}
	leg.Parent.OnDone(func(x *gateway.Exchange) {
		if broken, ok := upstreamError(x.SendErr); ok {
			recordError(span, broken)
			about.fail(span, kindOf(broken), broken.Error())
		}
		about.to(span)
		span.End()
	})
}

// Trace begins a span of what is done for x, within its current one. What it returns ends the span; its argument is
// what has gone wrong, or nil.
func (t *Tracer) Trace(x *gateway.Exchange, name string, tags ...gateway.Field) (end func(error)) {
	parent := context.Background()
	if s, ok := states.Get(x); ok && s.span != nil {
		if s.unsampled(t) {
			return nothing
		}
		parent = s.ctx
	}
	_, span := t.tracer.Start(parent, name, ofInternal...)
	if span.IsRecording() {
		new(caller).set(span)
		for _, tag := range tags {
			span.SetAttributes(attribute.String(tag.Name, text(tag.Value)))
		}
	}
	return func(err error) {
		if err != nil {
			recordError(span, err)
			span.SetStatus(codes.Error, text(err.Error()))
			span.SetAttributes(attribute.String("error.type", kindOf(err)))
		}
		span.End()
	}
}

func nothing(error) {}
