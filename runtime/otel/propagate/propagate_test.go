package propagate_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	halfID  = "a3ce929d0e0e4736" // what fits into 64 bits of it
	client  = "00f067aa0ba902b7" // the span of who sends
	ours    = "1122334455667788" // the one that goes on
)

func newOf(t testing.TB, formats ...propagate.Format) *propagate.Propagator {
	t.Helper()
	p, unknown := propagate.New(formats)
	if len(unknown) > 0 {
		t.Fatalf("unknown: %q", unknown)
	}
	return p
}

// through is what becomes of fields when a span of this gateway goes on.
func through(p *propagate.Propagator, fields ...gateway.Field) (gateway.Header, trace.SpanContext) {
	h := gateway.Header(fields)
	ctx := p.Extract(context.Background(), &propagate.Carrier{Header: &h})
	parent := trace.SpanContextFromContext(ctx)
	span := parent.WithSpanID(trace.SpanID{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}).WithRemote(false)
	if !span.TraceID().IsValid() {
		span = span.WithTraceID(trace.TraceID{1})
	}
	p.Inject(trace.ContextWithSpanContext(ctx, span), &propagate.Carrier{Header: &h})
	return h, parent
}

// openCensus is the binary format of OpenCensus.
func openCensus(trace, span string, flags byte) string {
	t, _ := hex.DecodeString(trace)
	s, _ := hex.DecodeString(span)
	return base64.StdEncoding.EncodeToString(slices.Concat([]byte{0, 0}, t, []byte{1}, s, []byte{2, flags}))
}

// fields are those of names and values, in turn.
func fields(pairs ...string) (list []gateway.Field) {
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, gateway.Field{Name: pair[0], Value: pair[1]})
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	t.Setenv("OTEL_PROPAGATORS", "")
	for _, tt := range []struct {
		name    string
		formats []propagate.Format
		in, out []gateway.Field
		trace   string // of the parent; empty if the fields say nothing
		sampled bool
	}{
		{"W3C", nil, fields("traceparent", "00-"+traceID+"-"+client+"-01"), fields("traceparent", "00-"+traceID+"-"+ours+"-01"), traceID, true},
		{"W3C, not sampled", nil, fields("Traceparent", "00-"+traceID+"-"+client+"-00"), fields("traceparent", "00-"+traceID+"-"+ours+"-00"), traceID, false},
		{
			"W3C with a state", nil,
			fields("traceparent", "00-"+traceID+"-"+client+"-01", "tracestate", "a=1", "Tracestate", "b=2"),
			fields("traceparent", "00-"+traceID+"-"+ours+"-01", "tracestate", "a=1,b=2"), traceID, true,
		},
		{"a state without a parent", nil, fields("tracestate", "a=1"), fields("traceparent", "00-01000000000000000000000000000000-"+ours+"-00"), "", false},
		{
			"two parents", nil, fields("traceparent", "00-"+traceID+"-"+client+"-01", "traceparent", "00-"+traceID+"-"+client+"-01"),
			fields("traceparent", "00-01000000000000000000000000000000-"+ours+"-00"), "", false,
		},
		{
			"baggage", nil, fields("baggage", "user=alice", "baggage", "tenant=shop"), fields("baggage", "tenant=shop,user=alice", "traceparent", "00-01000000000000000000000000000000-"+ours+"-00"), "", false,
		},
		{"B3 in one", []propagate.Format{propagate.B3}, fields("b3", traceID+"-"+client+"-1"), fields("b3", traceID+"-"+ours+"-1"), traceID, true},
		{
			"B3 in several", []propagate.Format{propagate.B3},
			fields("X-B3-TraceId", traceID, "X-B3-SpanId", client, "X-B3-ParentSpanId", client, "X-B3-Sampled", "1"),
			fields("b3", traceID+"-"+ours+"-1"), traceID, true,
		},
		{
			"B3 to several", []propagate.Format{propagate.B3Multi}, fields("b3", traceID+"-"+client+"-0"),
			fields("x-b3-sampled", "0", "x-b3-spanid", ours, "x-b3-traceid", traceID), traceID, false,
		},
		{"Jaeger", []propagate.Format{propagate.Jaeger}, fields("uber-trace-id", traceID+":"+client+":0:1"), fields("uber-trace-id", traceID+":"+ours+":0:1"), traceID, true},
		{
			"X-Ray", []propagate.Format{propagate.XRay}, fields("X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent="+client+";Sampled=1"),
			fields("X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent="+ours+";Sampled=1"), traceID, true,
		},
		{
			"OpenCensus", []propagate.Format{propagate.OpenCensus}, fields("Grpc-Trace-Bin", openCensus(traceID, client, 1)),
			fields("grpc-trace-bin", strings.TrimRight(openCensus(traceID, ours, 1), "=")), traceID, true,
		},
		{
			"OpenTracing", []propagate.Format{propagate.OpenTracing},
			fields("ot-tracer-traceid", halfID, "ot-tracer-spanid", client, "ot-tracer-sampled", "true"),
			fields("ot-tracer-sampled", "true", "ot-tracer-spanid", ours, "ot-tracer-traceid", halfID), "0000000000000000" + halfID, true,
		},
		{
			"the last one counts", []propagate.Format{propagate.Jaeger, propagate.W3CTraceContext},
			fields("uber-trace-id", traceID[:31]+"0:"+client+":0:1", "traceparent", "00-"+traceID+"-"+client+"-01"),
			fields("traceparent", "00-"+traceID+"-"+ours+"-01", "uber-trace-id", traceID+":"+ours+":0:1"), traceID, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, parent := through(newOf(t, tt.formats...), tt.in...)
			if d := cmp.Diff(tt.out, sorted(h)); d != "" {
				t.Error(d)
			}
			if parent.IsValid() != (tt.trace != "") || parent.IsValid() && (parent.TraceID().String() != tt.trace || parent.SpanID().String() != client || !parent.IsRemote()) {
				t.Errorf("the parent is %+v", parent)
			}
			if parent.IsSampled() != tt.sampled {
				t.Errorf("sampled: %v", parent.IsSampled())
			}
		})
	}
}

// sorted are the fields by their names in lower case, for those that stand in no order.
func sorted(h gateway.Header) []gateway.Field {
	out := []gateway.Field{}
	for _, f := range h {
		if strings.EqualFold(f.Name, "X-Amzn-Trace-Id") {
			f.Name = "X-Amzn-Trace-Id"
		} else {
			f.Name = strings.ToLower(f.Name)
		}
		if f.Name == "baggage" { // whose members are in no order, either
			members := strings.Split(f.Value, ",")
			slices.Sort(members)
			f.Value = strings.Join(members, ",")
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b gateway.Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func TestOpenCensusRefuses(t *testing.T) {
	p := newOf(t, propagate.OpenCensus)
	good := openCensus(traceID, client, 1)
	for _, value := range []string{
		"", "x", good[:len(good)-4], good + "AAAA", "!" + good[1:], "B" + good[1:], openCensus(strings.Repeat("0", 32), client, 1), openCensus(traceID, strings.Repeat("0", 16), 1), good + "," + good,
	} {
		h := gateway.Header{{Name: "grpc-trace-bin", Value: value}}
		if c := trace.SpanContextFromContext(p.Extract(context.Background(), &propagate.Carrier{Header: &h})); c.IsValid() {
			t.Errorf("%q is %+v", value, c)
		}
	}
}

func TestEnvironmentTakesPrecedence(t *testing.T) {
	for _, tt := range []struct {
		env     string
		formats []propagate.Format
		fields  string // that are written
		unknown []string
	}{
		{"", nil, "traceparent", nil},
		{"", []propagate.Format{propagate.Jaeger}, "uber-trace-id", nil},
		{"b3", []propagate.Format{propagate.Jaeger}, "b3", nil},
		{" Jaeger, b3multi,baggage", nil, "uber-trace-id x-b3-sampled x-b3-spanid x-b3-traceid", nil},
		{"ottrace,xray,opencensus", nil, "X-Amzn-Trace-Id grpc-trace-bin ot-tracer-sampled ot-tracer-spanid ot-tracer-traceid", nil},
		{"none", nil, "", nil},
		{"zebra,b3", nil, "b3", []string{"zebra"}},
		{"zebra", []propagate.Format{propagate.Jaeger}, "uber-trace-id", []string{"zebra"}},
	} {
		t.Run(tt.env, func(t *testing.T) {
			t.Setenv("OTEL_PROPAGATORS", tt.env)
			p, unknown := propagate.New(tt.formats)
			if d := cmp.Diff(tt.unknown, unknown); d != "" {
				t.Error(d)
			}
			h, _ := through(p)
			var names []string
			for _, f := range sorted(h) {
				names = append(names, f.Name)
			}
			if got := strings.Join(names, " "); got != tt.fields {
				t.Errorf("it writes %q, want %q", got, tt.fields)
			}
		})
	}
}

func TestCarrier(t *testing.T) {
	h, also := gateway.Header{{Name: "A", Value: "1"}, {Name: "a", Value: "2"}}, gateway.Header{}
	c := &propagate.Carrier{Header: &h, Also: &also}
	if got := c.Get("a"); got != "1,2" {
		t.Errorf("Get: %q", got)
	}
	if d := cmp.Diff([]string{"1", "2"}, c.Values("a")); d != "" {
		t.Error(d)
	}
	c.Set("a", "3")
	c.Set("b", "4")
	if d := cmp.Diff([]string{"a", "b"}, c.Keys()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(h, also); d != "" {
		t.Error(d)
	}
}

// Whatever a client sends, there is no panic, and no more baggage goes on than the format allows (W3C Baggage, section 3.3.2).
func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		"00-" + traceID + "-" + client + "-01", traceID + "-" + client + "-1-" + client, traceID + ":" + client + ":0:1", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" + client + ";Sampled=1",
		"a=1,b=2;p=q", openCensus(traceID, client, 1), halfID, "true", "d", strings.Repeat("k=v,", 200), "\x00\xff", "",
	} {
		f.Add(s, s)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // or most of the time would go into printing what is wrong
	f.Setenv("OTEL_PROPAGATORS", "")
	p := newOf(f, propagate.W3CTraceContext, propagate.W3CBaggage, propagate.B3, propagate.Jaeger, propagate.XRay, propagate.OpenCensus, propagate.OpenTracing)
	names := []string{"traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags", "uber-trace-id", "X-Amzn-Trace-Id", "grpc-trace-bin", "ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled"}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, name := range names {
			h := gateway.Header{{Name: name, Value: a}, {Name: name, Value: b}}
			ctx := p.Extract(context.Background(), &propagate.Carrier{Header: &h})
			if n := baggage.FromContext(ctx).Len(); n > 180 {
				t.Errorf("%d members of baggage", n)
			}
			p.Inject(trace.ContextWithSpanContext(ctx, trace.SpanContextFromContext(ctx)), &propagate.Carrier{Header: &h})
		}
		h := gateway.Header{{Name: "ot-tracer-traceid", Value: a}, {Name: "ot-tracer-spanid", Value: b}, {Name: "x-b3-traceid", Value: a}, {Name: "x-b3-spanid", Value: b}, {Name: "traceparent", Value: "00-" + traceID + "-" + client + "-01"}, {Name: "tracestate", Value: a}}
		through(p, h...)
	})
}

func BenchmarkThrough(b *testing.B) {
	b.Setenv("OTEL_PROPAGATORS", "")
	p := newOf(b)
	ctx := context.Background()
	h := gateway.Header{{Name: "Host", Value: "x"}, {Name: "Accept", Value: "*/*"}, {Name: "traceparent", Value: "00-" + traceID + "-" + client + "-01"}}
	c := &propagate.Carrier{Header: &h}
	b.ReportAllocs()
	for b.Loop() {
		p.Inject(p.Extract(ctx, c), c)
	}
}
