package propagate

import (
	"context"
	"encoding/base64"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// openCensus is the binary format of OpenCensus: a version, which is 0, and then the fields 0, the id of the trace, 1, that of the
// span, and 2, flags, each after its number. As gRPC does with metadata whose name ends in -bin, it's in Base64; a field can't hold bytes as they
// are (RFC 9110, section 5.5).
type openCensus struct{}

const openCensusField = "grpc-trace-bin"

// The places in it.
const (
	ocTrace   = 2
	ocSpan    = 19
	ocOptions = 28
	ocSize    = 29
)

func (openCensus) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	s := trace.SpanContextFromContext(ctx)
	if !s.IsValid() {
		return
	}
	var b [ocSize]byte
	traceID, spanID := s.TraceID(), s.SpanID()
	copy(b[ocTrace:], traceID[:])
	b[ocSpan-1] = 1
	copy(b[ocSpan:], spanID[:])
	b[ocOptions-1] = 2
	b[ocOptions] = byte(s.TraceFlags() & trace.FlagsSampled)
	carrier.Set(openCensusField, base64.RawStdEncoding.EncodeToString(b[:]))
}

func (openCensus) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	text := strings.TrimRight(carrier.Get(openCensusField), "=")
	if len(text) != base64.RawStdEncoding.EncodedLen(ocSize) {
		return ctx
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || b[0] != 0 || b[ocTrace-1] != 0 || b[ocSpan-1] != 1 || b[ocOptions-1] != 2 {
		return ctx
	}
	s := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID(b[ocTrace : ocTrace+16]),
		SpanID:     trace.SpanID(b[ocSpan : ocSpan+8]),
		TraceFlags: trace.TraceFlags(b[ocOptions]) & trace.FlagsSampled,
		Remote:     true,
	})
	if !s.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, s)
}

func (openCensus) Fields() []string { return []string{openCensusField} }
