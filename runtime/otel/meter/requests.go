package meter

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/metrics"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
)

// Middleware counts requests of clients when the response is out, so that refused ones have the status that
// the client gets.
func (m *Meter) Middleware(next gateway.Handler) gateway.Handler {
	s := &m.server
	done := func(x *gateway.Exchange) {
		s.active.Add(-1)
		k := metrics.Of(x)
		s.total.Get(k).n.Add(1)
		s.record(x, metrics.Series{Host: x.Request.Scheme, Method: k.Method, Code: k.Code}, time.Since(x.Start))
	}
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		s.active.Add(1)
		x.OnDone(done)
		return next.Serve(x)
	})
}

// Tripperware counts requests to upstreams when the head of the response is there.
func (m *Meter) Tripperware(next gateway.Handler) gateway.Handler {
	s := &m.client
	return gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		start := time.Now()
		s.active.Add(1)
		defer s.active.Add(-1) // after a panic, too
		err := next.Serve(leg)
		k := metrics.OfLeg(leg, err)
		s.total.Get(k).n.Add(1)
		s.record(leg, metrics.Series{Host: k.Host, Path: leg.Request.Scheme, Method: k.Method, Code: k.Code}, time.Since(start))
		return err
	})
}

// record notes how long a request has taken. The figure refers to the trace of the request, if that is recorded.
func (s *side) record(x *gateway.Exchange, k metrics.Series, took time.Duration) {
	ctx := context.Background()
	if id := traceid.Of(x); id != nil && id.Sampled {
		ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: id.TraceID, SpanID: id.SpanID, TraceFlags: trace.FlagsSampled,
		}))
	}
	s.times.Record(ctx, metrics.Seconds(took), *s.series.Get(k)...)
}

// serverSeries are the attributes of durations of requests of clients: no host, since those are many. The series has
// the scheme as its host.
func serverSeries(k metrics.Series) *[]metric.RecordOption {
	return option(append(common(k), attribute.String("url.scheme", k.Host)))
}

// clientSeries are those of requests to upstreams. The series has the scheme as its path.
func clientSeries(k metrics.Series) *[]metric.RecordOption {
	attrs := common(k)
	host, port, err := net.SplitHostPort(k.Host)
	if err != nil {
		host, port = strings.Trim(k.Host, "[]"), map[string]string{"http": "80", "https": "443"}[k.Path]
	}
	attrs = append(attrs, attribute.String("server.address", text(host)))
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, attribute.Int("server.port", n))
	}
	return option(attrs)
}

func common(k metrics.Series) []attribute.KeyValue {
	method := k.Method
	if method == metrics.Other {
		method = "_OTHER"
	}
	attrs := []attribute.KeyValue{attribute.String("http.request.method", method)}
	switch {
	case k.Code == 0:
		return append(attrs, attribute.String("error.type", "no response"))
	case k.Code >= 500:
		attrs = append(attrs, attribute.String("error.type", metrics.CodeText(k.Code)))
	}
	return append(attrs, attribute.Int("http.response.status_code", k.Code))
}

func option(attrs []attribute.KeyValue) *[]metric.RecordOption {
	return &[]metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attrs...))}
}

// text is s as UTF-8, which is all that can be exported. What clients send may be anything.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
