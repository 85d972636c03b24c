// Package traceid is what a tracer tells of a request to those who don't trace it themselves: meters, and logs.
package traceid

import (
	"encoding/hex"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Span is the part of a trace that a request is.
type Span struct {
	TraceID [16]byte
	SpanID  [8]byte
	// Sampled tells that the span is recorded, so that somebody who looks for it finds it.
	Sampled bool
}

var current gateway.Slot[*Span]

// Put makes s the span of x. It isn't changed afterwards.
func Put(x *gateway.Exchange, s *Span) { current.Put(x, s) }

// Of returns the span of x, nil if it isn't traced.
func Of(x *gateway.Exchange) *Span {
	s, _ := current.Get(x)
	return s
}

// Trace is the id of the trace in lower-case hex, as in a traceparent field.
func (s *Span) Trace() string { return hex.EncodeToString(s.TraceID[:]) }

// Span is the id of the span in lower-case hex.
func (s *Span) Span() string { return hex.EncodeToString(s.SpanID[:]) }
