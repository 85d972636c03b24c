package otlp_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/otlpreceiver"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/otel/meter"
	"github.com/aileron-gateway/aileronc/runtime/otel/metricgrpc"
	"github.com/aileron-gateway/aileronc/runtime/otel/metrichttp"
	"github.com/aileron-gateway/aileronc/runtime/otel/otlp"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracegrpc"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracehttp"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// A component is what is behind an exporter.
type component interface {
	Middleware(next gateway.Handler) gateway.Handler
	Finalize() error
}

// An exporter is one of the four that there are.
type exporter struct {
	name, env, path string
	receive         func(testing.TB, *tls.Config) *otlpreceiver.Receiver
	make            func(testing.TB, otlp.Options) component
}

func traced(t testing.TB, o tracer.Options, err error) component {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	o.ServiceName, o.Batch.Timeout = "shop", 10*time.Millisecond
	return tracer.New(o)
}

func metered(t testing.TB, o meter.Options, err error) component {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	o.ServiceName, o.Interval = "shop", 10*time.Millisecond
	m, err := meter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var exporters = []exporter{
	{"traces over gRPC", "TRACES", "", otlpreceiver.GRPC, func(t testing.TB, o otlp.Options) component {
		e, err := tracegrpc.New(o)
		return traced(t, tracer.Options{Exporter: e}, err)
	}},
	{"traces over HTTP", "TRACES", "/v1/traces", otlpreceiver.HTTP, func(t testing.TB, o otlp.Options) component {
		e, err := tracehttp.New(o)
		return traced(t, tracer.Options{Exporter: e}, err)
	}},
	{"metrics over gRPC", "METRICS", "", otlpreceiver.GRPC, func(t testing.TB, o otlp.Options) component {
		e, err := metricgrpc.New(o)
		return metered(t, meter.Options{Exporter: e}, err)
	}},
	{"metrics over HTTP", "METRICS", "/v1/metrics", otlpreceiver.HTTP, func(t testing.TB, o otlp.Options) component {
		e, err := metrichttp.New(o)
		return metered(t, meter.Options{Exporter: e}, err)
	}},
}

// clean removes what the environment says.
func clean(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// once has c see a request, and ends it when the condition holds.
func once(t testing.TB, c component, until func()) {
	t.Helper()
	x := &gateway.Exchange{Start: time.Now()}
	x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = "GET", "http", "shop.example", "/x"
	h := c.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))
	if err := h.Serve(x); err != nil {
		t.Fatal(err)
	}
	x.Finish()
	until()
	if err := c.Finalize(); err != nil {
		t.Fatal(err)
	}
}

// summary is what a collector has to get of that request.
func summary(q otlpreceiver.Request) string {
	var b strings.Builder
	for _, s := range q.Spans {
		fmt.Fprintf(&b, "%s:", s.Resource.Attributes[0].Value.GetStringValue())
		for _, span := range s.ScopeSpans[0].Spans {
			fmt.Fprintf(&b, " %s", span.Name)
		}
	}
	for _, m := range q.Metrics {
		fmt.Fprintf(&b, "%s:", m.Resource.Attributes[0].Value.GetStringValue())
		for _, scope := range m.ScopeMetrics {
			for _, metric := range scope.Metrics {
				if metric.Name == "http_requests_total" {
					fmt.Fprintf(&b, " %s %d", metric.Name, metric.GetSum().DataPoints[0].GetAsInt())
				}
			}
		}
	}
	return b.String()
}

// arrived waits for what e has to export, and returns the request that it came by.
func (e *exporter) arrived(t testing.TB, r *otlpreceiver.Receiver) (got otlpreceiver.Request) {
	t.Helper()
	r.Wait(t, func(all []otlpreceiver.Request) bool {
		i := slices.IndexFunc(all, func(q otlpreceiver.Request) bool { return summary(q) == e.want() })
		if i >= 0 {
			got = all[i]
		}
		return i >= 0
	})
	return got
}

// want is the summary of each exporter.
func (e *exporter) want() string {
	if e.env == "TRACES" {
		return "shop: 0:middleware"
	}
	return "shop: http_requests_total 1"
}

func TestExporters(t *testing.T) {
	ca := testpki.New(t)
	certFile, keyFile := ca.Issue(t, "collector")
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: ca.Pool, ClientAuth: tls.RequireAndVerifyClientCert}
	client, err := tlsconf.NewClient(tlsconf.Options{RootCAs: []string{ca.File}, Certificates: []tlsconf.KeyPair{{CertFile: certFile, KeyFile: keyFile}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	soon := &otlp.Retry{Enabled: true, InitialInterval: time.Millisecond, MaxInterval: 10 * time.Millisecond}
	for i := range exporters {
		e := &exporters[i]
		for _, tt := range []struct {
			name    string
			tls     bool
			refuse  int
			options func(addr string) otlp.Options
			env     func(addr string) map[string]string
			check   func(t *testing.T, q otlpreceiver.Request)
		}{
			{name: "host and port", options: func(addr string) otlp.Options { return otlp.Options{Endpoint: addr, Insecure: true} }},
			{name: "URL", options: func(addr string) otlp.Options { return otlp.Options{Endpoint: "http://" + addr} }},
			{name: "URL with a slash", options: func(addr string) otlp.Options { return otlp.Options{Endpoint: "HTTP://" + addr + "/"} }},
			{
				name: "gzip and headers",
				options: func(addr string) otlp.Options {
					return otlp.Options{Endpoint: "http://" + addr, Compress: true, Headers: gateway.Header{{Name: "Api-Key", Value: "s3cret"}}, Timeout: time.Minute}
				},
				check: func(t *testing.T, q otlpreceiver.Request) {
					if !q.Gzip || q.Headers["api-key"] != "s3cret" {
						t.Errorf("gzip %v, headers %v", q.Gzip, q.Headers)
					}
				},
			},
			{name: "TLS", tls: true, options: func(addr string) otlp.Options { return otlp.Options{Endpoint: addr, TLS: client} }},
			{name: "TLS by its URL", tls: true, options: func(addr string) otlp.Options {
				return otlp.Options{Endpoint: "https://" + addr, Insecure: true, TLS: client}
			}},
			{
				name: "TLS whatever the environment says", tls: true,
				options: func(addr string) otlp.Options { return otlp.Options{Endpoint: addr, TLS: client} },
				env: func(addr string) map[string]string {
					return map[string]string{"OTEL_EXPORTER_OTLP_INSECURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + addr}
				},
			},
			{name: "sent again", refuse: 2, options: func(addr string) otlp.Options { return otlp.Options{Endpoint: "http://" + addr, Retry: soon} }},
			{
				name:    "up to the environment",
				options: func(string) otlp.Options { return otlp.Options{} },
				env: func(addr string) map[string]string {
					return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + addr}
				},
			},
			{
				name:    "up to the environment of the kind",
				options: func(string) otlp.Options { return otlp.Options{Insecure: true} },
				env: func(addr string) map[string]string {
					return map[string]string{"OTEL_EXPORTER_OTLP_" + e.env + "_ENDPOINT": "http://" + addr + e.path, "OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
				},
				check: func(t *testing.T, q otlpreceiver.Request) {
					if !q.Gzip || q.Headers["a"] != "b" {
						t.Errorf("gzip %v, headers %v", q.Gzip, q.Headers)
					}
				},
			},
		} {
			t.Run(e.name+"/"+tt.name, func(t *testing.T) {
				clean(t)
				var config *tls.Config
				if tt.tls {
					config = server.Clone()
				}
				r := e.receive(t, config)
				r.Refuse(tt.refuse)
				if tt.env != nil {
					for name, value := range tt.env(r.Addr) {
						t.Setenv(name, value)
					}
				}
				var q otlpreceiver.Request
				once(t, e.make(t, tt.options(r.Addr)), func() { q = e.arrived(t, r) })
				if q.Path != e.path {
					t.Errorf("it came to %s", q.Path)
				}
				if tt.check != nil {
					tt.check(t, q)
				}
			})
		}
	}
}

// What isn't sent again is lost, and so is what can't be sent: the gateway goes on.
func TestLost(t *testing.T) {
	for i := range exporters {
		e := &exporters[i]
		t.Run(e.name, func(t *testing.T) {
			clean(t)
			r := e.receive(t, nil)
			r.Refuse(1 << 20)
			once(t, e.make(t, otlp.Options{Endpoint: "http://" + r.Addr, Retry: &otlp.Retry{}}), func() {})
			r.Refuse(0)
			if e.env == "TRACES" && r.Refused() > 1 { // metrics are exported all the time
				t.Errorf("it was sent %d times", r.Refused())
			}
			// The collector doesn't speak TLS.
			once(t, e.make(t, otlp.Options{Endpoint: r.Addr, Timeout: 100 * time.Millisecond, Retry: &otlp.Retry{}}), func() {})
			if all := r.Requests(); len(all) != 0 {
				t.Errorf("it was sent without TLS: %v", all)
			}
		})
	}
}

// A path of one's own goes to servers that have others.
func TestPath(t *testing.T) {
	clean(t)
	r := otlpreceiver.HTTP(t, nil)
	for i, path := range map[int]string{1: "/otlp/traces", 3: "/otlp/metrics"} {
		e := &exporters[i]
		once(t, e.make(t, otlp.Options{Endpoint: "http://" + r.Addr + path + "/"}), func() {
			if q := e.arrived(t, r); q.Path != path {
				t.Errorf("%s came to %s", e.name, q.Path)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		endpoint string
		insecure bool
		over     string
		want     otlp.Target
		err      string
	}{
		{"", true, "HTTP", otlp.Target{Insecure: true}, ""},
		{"a:1", false, "gRPC", otlp.Target{Host: "a:1"}, ""},
		{"dns:///a:1", true, "gRPC", otlp.Target{Host: "dns:///a:1", Insecure: true}, ""},
		{"unix:/run/otel.sock", true, "gRPC", otlp.Target{Host: "unix:/run/otel.sock", Insecure: true}, ""},
		{"https://a", true, "gRPC", otlp.Target{Host: "a"}, ""},
		{"https://a:1/x/y/", false, "HTTP", otlp.Target{Host: "a:1", Path: "/x/y"}, ""},
		{"https://a/x", false, "gRPC", otlp.Target{}, "has a path"},
		{"ftp://a", false, "HTTP", otlp.Target{}, "must be http or https"},
		{"http://", false, "HTTP", otlp.Target{}, "must be scheme://host:port"},
		{"http://u:secret@a", false, "HTTP", otlp.Target{}, "must be scheme://host:port"},
		{"http://a?x", false, "HTTP", otlp.Target{}, "must be scheme://host:port"},
		{"http://a b", false, "HTTP", otlp.Target{}, "can't be used"},
	} {
		got, err := (&otlp.Options{Endpoint: tt.endpoint, Insecure: tt.insecure}).Target(tt.over)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s over %s: %+v, %v", tt.endpoint, tt.over, got, err)
		}
	}
}

func TestIntervals(t *testing.T) {
	for _, tt := range []struct {
		retry *otlp.Retry
		want  string
	}{
		{nil, "true 5s 30s 1m0s"},
		{&otlp.Retry{}, "false 5s 30s 1m0s"},
		{&otlp.Retry{Enabled: true, InitialInterval: time.Minute}, "true 1m0s 1m0s 1m0s"},
		{&otlp.Retry{Enabled: true, InitialInterval: 1, MaxInterval: 2, MaxElapsedTime: 3}, "true 1ns 2ns 3ns"},
	} {
		enabled, initial, longest, elapsed := tt.retry.Intervals()
		if got := fmt.Sprint(enabled, initial, longest, elapsed); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.retry, got, tt.want)
		}
	}
}

// New connections have what is in the files of TLS by then.
func TestHTTPClientFollowsFiles(t *testing.T) {
	ca := testpki.New(t)
	certFile, keyFile := ca.Issue(t, "collector")
	config, err := tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: certFile, KeyFile: keyFile}}})
	if err != nil {
		t.Fatal(err)
	}
	r := otlpreceiver.HTTP(t, config)
	other := testpki.New(t)
	roots := t.TempDir() + "/roots.pem"
	write := func(from string) {
		pem, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(roots, pem, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(other.File)
	client, err := tlsconf.NewClient(tlsconf.Options{RootCAs: []string{roots}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := (&otlp.Options{TLS: client}).HTTPClient()
	get := func() error {
		resp, err := c.Get("https://" + r.Addr)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	if err := get(); err == nil {
		t.Fatal("the certificate of an authority that isn't trusted is accepted")
	}
	write(ca.File)
	deadline := time.Now().Add(30 * time.Second) // files are looked at once a second
	for get() != nil {
		if time.Now().After(deadline) {
			t.Fatal(get())
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.CloseIdleConnections()
}
