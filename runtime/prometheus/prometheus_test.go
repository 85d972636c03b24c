package prometheus_test

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/prometheus"
)

// scrape reads the figures as Prometheus does: a line of the text format each.
func scrape(t *testing.T, m *prometheus.Meter) map[string]string {
	t.Helper()
	var x gateway.Exchange
	x.Request.Method, x.Request.Path, x.Request.RawPath, x.Request.Host, x.Request.Proto = "GET", "/metrics", "/metrics", "m.example", "HTTP/1.1"
	if err := m.Serve(&x); err != nil {
		t.Fatal(err)
	}
	body := x.Response.Bytes
	if x.Response.Body != nil {
		var err error
		if body, err = io.ReadAll(x.Response.Body); err != nil {
			t.Fatal(err)
		}
	}
	x.Finish()
	if ct := x.Response.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/plain; version=0.0.4") {
		t.Errorf("Content-Type is %q", ct)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
		t.Errorf("Prometheus can't read it: %v", err)
	}
	lines := make(map[string]string)
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok {
			lines[name+"}"] = value
		} else if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			lines[name] = value
		}
	}
	return lines
}

func expect(t *testing.T, lines map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if lines[name] != value {
			t.Errorf("%s is %q, want %q", name, lines[name], value)
		}
	}
}

func ask(h gateway.Handler, method, host, path string, status int, sent error) {
	var x gateway.Exchange
	x.Request.Method, x.Request.Host, x.Request.Path = method, host, path
	err := h.Serve(&x)
	x.Response.Status = status
	if err != nil {
		x.Response.Status = gateway.StatusOf(err)
	}
	x.SendErr = sent
	x.Finish()
}

func TestMiddleware(t *testing.T) {
	m := prometheus.New(prometheus.Options{})
	h := m.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		expect(t, scrape(t, m), map[string]string{"http_requests_in_flight": "1"})
		if x.Request.Path == "/no" {
			return &gateway.Error{Status: 403}
		}
		return nil
	}))
	for range 3 {
		ask(h, "GET", "a.example", "/x", 200, nil)
	}
	ask(h, "POST", "a.example", "/y", 201, nil)
	ask(h, "GET", "a.example", "/no", 0, nil)
	ask(h, "BREW", "a.example", "/x", 200, nil)
	ask(h, "GET", "a\xff\"\n", "/\xfe", 404, nil)
	expect(t, scrape(t, m), map[string]string{
		`http_requests_total{code="200",host="a.example",method="GET",path="/x"}`:                   "3",
		`http_requests_total{code="201",host="a.example",method="POST",path="/y"}`:                  "1",
		`http_requests_total{code="403",host="a.example",method="GET",path="/no"}`:                  "1",
		`http_requests_total{code="200",host="a.example",method="other",path="/x"}`:                 "1",
		"http_requests_total{code=\"404\",host=\"a\uFFFD\\\"\\n\",method=\"GET\",path=\"/\uFFFD\"}": "1",
		`http_request_duration_seconds_count{code="200",method="GET"}`:                              "3",
		"http_requests_in_flight":                            "0",
		`promhttp_metric_handler_requests_total{code="200"}`: "7",
		"promhttp_metric_handler_requests_in_flight":         "1",
	})
	if lines := scrape(t, m); lines["go_goroutines"] == "" || lines["process_open_fds"] == "" {
		t.Error("the metrics of the runtime and the process are missing")
	}
}

func TestTripperware(t *testing.T) {
	m := prometheus.New(prometheus.Options{})
	send := func(status int, err error) {
		defer func() { _ = recover() }()
		var leg gateway.Exchange
		leg.Request.Method, leg.Request.Host, leg.Request.Path = "GET", "10.0.0.7:8080", "/x"
		_ = m.Tripperware(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
			if status < 0 {
				panic("no")
			}
			leg.Response.Status = status
			return err
		})).Serve(&leg)
	}
	send(200, nil)
	send(200, nil)
	send(503, nil)
	send(0, errors.New("connection refused"))
	send(-1, nil)
	expect(t, scrape(t, m), map[string]string{
		`http_client_requests_total{code="200",host="10.0.0.7:8080",method="GET",path="/x"}`: "2",
		`http_client_requests_total{code="503",host="10.0.0.7:8080",method="GET",path="/x"}`: "1",
		`http_client_requests_total{code="0",host="10.0.0.7:8080",method="GET",path="/x"}`:   "1",
		`http_client_request_duration_seconds_count{code="200",host="10.0.0.7:8080"}`:        "2",
		"http_client_requests_in_flight": "0",
	})
}

// What clients ask for can't fill the memory.
func TestSeriesAreBounded(t *testing.T) {
	m := prometheus.New(prometheus.Options{MaxSeries: 50})
	h := m.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	for i := range 1000 {
		ask(h, "GET", "h"+strconv.Itoa(i), "/"+strconv.Itoa(i), 200, nil)
	}
	series, requests := 0, 0
	for name, value := range scrape(t, m) {
		if strings.HasPrefix(name, "http_requests_total{") {
			n, _ := strconv.Atoi(value)
			series, requests = series+1, requests+n
		}
	}
	if series > 105 || requests != 1000 {
		t.Errorf("there are %d series of %d requests", series, requests)
	}
}

func BenchmarkMiddleware(b *testing.B) {
	h := prometheus.New(prometheus.Options{}).Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))
	var x gateway.Exchange
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Method, x.Request.Host, x.Request.Path = "GET", "www.example.com", "/api/users/7"
		_ = h.Serve(&x)
		x.Finish()
	}
}

func BenchmarkTripperware(b *testing.B) {
	h := prometheus.New(prometheus.Options{}).Tripperware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))
	var x gateway.Exchange
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Method, x.Request.Host, x.Request.Path = "GET", "10.0.0.7:8080", "/api/users/7"
		_ = h.Serve(&x)
	}
}
