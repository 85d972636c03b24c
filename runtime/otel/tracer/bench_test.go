package tracer_test

import (
	"context"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
)

// discard is an exporter that costs nothing.
type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// BenchmarkTracer is what a request costs that passes a tracer as middleware and as tripperware, beside the same
// without one.
func BenchmarkTracer(b *testing.B) {
	b.Setenv("OTEL_PROPAGATORS", "")
	for _, bb := range []struct {
		name   string
		ratio  float64
		parent string
		none   bool
	}{
		{name: "none", none: true},
		{name: "unsampled", ratio: 0},
		{name: "unsampled by its parent", ratio: 1, parent: parent[:len(parent)-1] + "0"},
		{name: "sampled", ratio: 1},
		{name: "sampled by its parent", ratio: 0, parent: parent},
	} {
		b.Run(bb.name, func(b *testing.B) {
			t := tracer.New(tracer.Options{Exporter: discard{}, Ratio: new(bb.ratio)})
			defer func() { _ = t.Finalize() }()
			var leg gateway.Exchange
			upstream := answer(200)
			if !bb.none {
				upstream = t.Tripperware(upstream)
			}
			h := gateway.Handler(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				leg.Reset()
				x.Leg(&leg)
				leg.Request.Method, leg.Request.Scheme, leg.Request.Host, leg.Request.Path, leg.Request.RawPath = "GET", "http", "10.0.0.7:8080", "/up", "/up"
				leg.Request.Header = append(leg.Request.Header, x.Request.Header...)
				x.Response.Status = 200
				return upstream.Serve(&leg)
			}))
			if !bb.none {
				h = t.Middleware(h)
			}
			var x gateway.Exchange
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Start = time.Time{}
				q := &x.Request
				q.Method, q.Scheme, q.Host, q.Proto, q.Path, q.RawPath, q.RemoteAddr = "GET", "http", "www.example.com", "HTTP/1.1", "/api/users/7", "/api/users/7", "192.0.2.7:4711"
				for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent", "Cookie"} {
					q.Header = append(q.Header, gateway.Field{Name: name, Value: "something"})
				}
				if bb.parent != "" {
					q.Header = append(q.Header, gateway.Field{Name: "traceparent", Value: bb.parent})
				}
				_ = h.Serve(&x)
				x.Finish()
			}
		})
	}
}
