package prometheus_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/prometheus"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

type target struct{ url, why string }

func (t *target) String() string  { return t.url }
func (t *target) Usable() bool    { return t.why == "" }
func (t *target) Why() string     { return t.why }
func (*target) Ejections() uint64 { return 3 }

type pool struct{ idle int }

func (p pool) Measure(string, string) func() upstreamstats.Conns {
	return func() upstreamstats.Conns { return upstreamstats.Conns{Open: 4, Idle: p.idle, Opened: 9} }
}

func TestUpstreams(t *testing.T) {
	set := upstreamstats.Set{Times: true}
	api := set.Group("default/api", pool{1})
	c := api.Add(&target{url: "http://a"}, "http", "a")
	c.Answered(200, c.Began())
	c.Answered(503, c.Began())
	c.Ended()
	c.Failed(upstreamstats.Broken)
	api.Add(&target{url: "http://a"}, "http", "a").Began() // in another load balancer
	set.Group("default/b", pool{-1}).Add(&target{"http://b\xff", "down"}, "http", "b")
	m := prometheus.New(prometheus.Options{Upstreams: &set})
	a, b := `handler="default/api",upstream="http://a"`, `handler="default/b",upstream="http://b`+"\uFFFD\""
	class := func(c string) string {
		return `http_upstream_responses_total{class="` + c + `",` + a + `}`
	}
	expect(t, scrape(t, m), map[string]string{
		"http_upstream_requests_total{" + a + "}": "3", "http_upstream_requests_in_flight{" + a + "}": "2", "http_upstream_ejections_total{" + a + "}": "6",
		"http_upstream_up{" + a + "}": "1", "http_upstream_up{" + b + "}": "0", class("2xx"): "1", class("5xx"): "1", class("4xx"): "0",
		`http_upstream_failures_total{handler="default/api",reason="broken",upstream="http://a"}`:     "1",
		`http_upstream_connections{handler="default/api",state="used",upstream="http://a"}`:           "3",
		`http_upstream_connections{handler="default/api",state="idle",upstream="http://a"}`:           "1",
		`http_upstream_connections{handler="default/b",state="open",upstream="http://b` + "\uFFFD\"}": "4",
		"http_upstream_connections_opened_total{" + b + "}":                                           "9",
		"http_upstream_response_duration_seconds_count{" + a + "}":                                    "2",
		"http_upstream_response_duration_seconds_bucket{" + a + `,le="+Inf"}`:                         "2",
	})
}

// page asks for the figures in a format.
func page(t *testing.T, m *prometheus.Meter, accept string) (body []byte, header http.Header) {
	t.Helper()
	var x gateway.Exchange
	x.Request.Method, x.Request.Path, x.Request.RawPath, x.Request.Host, x.Request.Proto = "GET", "/metrics", "/metrics", "m.example", "HTTP/1.1"
	x.Request.Header.Add("Accept", accept)
	if err := m.Serve(&x); err != nil {
		t.Fatal(err)
	}
	body = x.Response.Bytes
	if x.Response.Body != nil {
		var err error
		if body, err = io.ReadAll(x.Response.Body); err != nil {
			t.Fatal(err)
		}
	}
	x.Finish()
	return body, http.Header{"Content-Type": {x.Response.Header.Get("Content-Type")}}
}

// Of requests that are traced, the figures name one.
func TestExemplars(t *testing.T) {
	m := prometheus.New(prometheus.Options{})
	span := &traceid.Span{TraceID: [16]byte{0xab}, SpanID: [8]byte{0xcd}}
	trace := func(sampled bool) gateway.HandlerFunc {
		return func(x *gateway.Exchange) error {
			s := *span
			s.Sampled = sampled
			traceid.Put(x, &s)
			var leg gateway.Exchange
			x.Leg(&leg)
			leg.Request.Method, leg.Request.Host, leg.Request.Path = "GET", "10.0.0.7:8080", "/up"
			return m.Tripperware(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				leg.Response.Status = 204
				return nil
			})).Serve(&leg)
		}
	}
	ask(m.Middleware(trace(true)), "GET", "a.example", "/x", 200, nil)
	ask(m.Middleware(trace(false)), "GET", "a.example", "/unsampled", 200, nil)

	text, header := page(t, m, "application/openmetrics-text; version=1.0.0")
	if ct := header.Get("Content-Type"); !strings.HasPrefix(ct, "application/openmetrics-text; version=1.0.0") {
		t.Errorf("Content-Type is %q", ct)
	}
	marked := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		series, exemplar, ok := strings.Cut(line, " # {")
		if ok && strings.Contains(exemplar, `span_id="cd00000000000000"`) && strings.Contains(exemplar, `trace_id="ab000000000000000000000000000000"`) {
			name, _, _ := strings.Cut(series, "{")
			marked[name] = true
			if strings.Contains(line, "unsampled") {
				t.Errorf("a request that isn't recorded has an exemplar: %s", line)
			}
		}
	}
	for _, name := range []string{"http_requests_total", "http_client_requests_total", "http_request_duration_seconds_bucket", "http_client_request_duration_seconds_bucket"} {
		if !marked[name] {
			t.Errorf("%s has no exemplar", name)
		}
	}
	if !bytes.HasSuffix(text, []byte("# EOF\n")) {
		t.Error("OpenMetrics ends with # EOF")
	}

	// As Prometheus reads it.
	const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	binary, header := page(t, m, protobuf)
	d := expfmt.NewDecoder(bytes.NewReader(binary), expfmt.ResponseFormat(header))
	found := false
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if f.GetName() != "http_requests_total" {
			continue
		}
		for _, metric := range f.Metric {
			if e := metric.Counter.Exemplar; e != nil {
				for _, l := range e.Label {
					found = found || l.GetName() == "trace_id" && l.GetValue() == "ab000000000000000000000000000000"
				}
			}
		}
	}
	if !found {
		t.Error("http_requests_total has no exemplar as protocol buffers")
	}

	// Who asks for neither gets none.
	if plain, _ := page(t, m, "text/plain"); bytes.Contains(plain, []byte("trace_id")) {
		t.Error("the text format has exemplars")
	}
}
