package meter_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/meter"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// keeper keeps what was exported last, as one line a figure.
type keeper struct {
	sdkmetric.Exporter // nil: Temporality and Aggregation are below

	mu      sync.Mutex
	exports int
	figures map[string]string
	traces  []string // of exemplars
	scope   string
	service string
}

func (*keeper) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (*keeper) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (*keeper) ForceFlush(context.Context) error { return nil }
func (*keeper) Shutdown(context.Context) error   { return nil }

func (k *keeper) Export(_ context.Context, data *metricdata.ResourceMetrics) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.exports++
	k.figures, k.traces, k.service = make(map[string]string), nil, data.Resource.String()
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if !strings.HasPrefix(m.Name, "go.") {
				k.scope = scope.Scope.Name
			}
			k.keep(m)
		}
	}
	return nil
}

func (k *keeper) keep(m metricdata.Metrics) {
	put := func(attrs attribute.Set, value any) {
		k.figures[m.Name+"{"+attrs.Encoded(attribute.DefaultEncoder())+"}"] = fmt.Sprint(value)
	}
	switch d := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range d.DataPoints {
			put(p.Attributes, p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range d.DataPoints {
			put(p.Attributes, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range d.DataPoints {
			put(p.Attributes, p.Count)
			for _, e := range p.Exemplars {
				k.traces = append(k.traces, fmt.Sprintf("%x %x", e.TraceID, e.SpanID))
			}
		}
	}
}

// of are the figures whose names begin with one of prefixes.
func (k *keeper) of(prefixes ...string) map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[string]string)
	for name, value := range k.figures {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			out[name] = value
		}
	}
	return out
}

func newMeter(t testing.TB, o meter.Options) (*meter.Meter, *keeper) {
	t.Helper()
	t.Setenv("OTEL_SERVICE_NAME", "")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "")
	k := &keeper{}
	o.Exporter = k
	if o.Interval == 0 {
		o.Interval = time.Hour
	}
	m, err := meter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m, k
}

func ask(h gateway.Handler, method, host, path string, status int) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Now()}
	x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = method, "https", host, path
	err := h.Serve(x)
	x.Response.Status = status
	if err != nil {
		x.Response.Status = gateway.StatusOf(err)
	}
	x.Finish()
	return x
}

func TestMiddleware(t *testing.T) {
	m, k := newMeter(t, meter.Options{ServiceName: "shop", LibraryName: "lib"})
	h := m.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/no":
			return &gateway.Error{Status: 503}
		case "/traced":
			traceid.Put(x, &traceid.Span{TraceID: [16]byte{0xab}, SpanID: [8]byte{0xcd}, Sampled: true})
		case "/unsampled":
			traceid.Put(x, &traceid.Span{TraceID: [16]byte{0xef}, SpanID: [8]byte{1}})
		}
		return nil
	}))
	for range 3 {
		ask(h, "GET", "a.example", "/x", 200)
	}
	ask(h, "BREW", "a.example", "/\xff", 404)
	ask(h, "GET", "a.example", "/no", 0)
	ask(h, "GET", "a.example", "/gone", gateway.LogOnly)
	ask(h, "GET", "a.example", "/traced", 200)
	ask(h, "GET", "a.example", "/unsampled", 200)
	if err := m.Finalize(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{
		`http_requests_total{code=200,host=a.example,method=GET,path=/x}`:                                                     "3",
		`http_requests_total{code=200,host=a.example,method=GET,path=/traced}`:                                                "1",
		`http_requests_total{code=200,host=a.example,method=GET,path=/unsampled}`:                                             "1",
		`http_requests_total{code=404,host=a.example,method=other,path=/` + "\uFFFD}":                                         "1",
		`http_requests_total{code=503,host=a.example,method=GET,path=/no}`:                                                    "1",
		`http_requests_total{code=0,host=a.example,method=GET,path=/gone}`:                                                    "1",
		`http.server.active_requests{}`:                                                                                       "0",
		`http.server.request.duration{http.request.method=GET,http.response.status_code=200,url.scheme=https}`:                "5",
		`http.server.request.duration{http.request.method=_OTHER,http.response.status_code=404,url.scheme=https}`:             "1",
		`http.server.request.duration{error.type=503,http.request.method=GET,http.response.status_code=503,url.scheme=https}`: "1",
		`http.server.request.duration{error.type=no response,http.request.method=GET,url.scheme=https}`:                       "1",
	}, k.of("http_requests", "http.server")); d != "" {
		t.Error(d)
	}
	if want := []string{"ab000000000000000000000000000000 cd00000000000000"}; !slices.Equal(k.traces, want) {
		t.Errorf("exemplars: %q", k.traces)
	}
	if k.scope != "lib" || k.service != "service.name=shop" {
		t.Errorf("scope %q, resource %q", k.scope, k.service)
	}
	if len(k.of("go.")) == 0 {
		t.Errorf("nothing is said of the Go runtime: %q", slices.Sorted(maps.Keys(k.figures)))
	}
}

func TestTripperware(t *testing.T) {
	m, k := newMeter(t, meter.Options{})
	send := func(scheme, host string, status int, err error) {
		defer func() { _ = recover() }()
		var leg gateway.Exchange
		leg.Request.Method, leg.Request.Scheme, leg.Request.Host, leg.Request.Path = "GET", scheme, host, "/x"
		_ = m.Tripperware(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
			if status < 0 {
				panic("no")
			}
			leg.Response.Status = status
			return err
		})).Serve(&leg)
	}
	send("http", "10.0.0.7:8080", 200, nil)
	send("http", "10.0.0.7:8080", 200, nil)
	send("https", "b.example", 503, nil)
	send("http", "[::1]", 0, errors.New("connection refused"))
	send("http", "10.0.0.7:8080", -1, nil)
	if err := m.Finalize(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{
		`http_client_requests_total{code=200,host=10.0.0.7:8080,method=GET,path=/x}`:                                                                  "2",
		`http_client_requests_total{code=503,host=b.example,method=GET,path=/x}`:                                                                      "1",
		`http_client_requests_total{code=0,host=[::1],method=GET,path=/x}`:                                                                            "1",
		`http.client.active_requests{}`:                                                                                                               "0",
		`http.client.request.duration{http.request.method=GET,http.response.status_code=200,server.address=10.0.0.7,server.port=8080}`:                "2",
		`http.client.request.duration{error.type=503,http.request.method=GET,http.response.status_code=503,server.address=b.example,server.port=443}`: "1",
		`http.client.request.duration{error.type=no response,http.request.method=GET,server.address=::1,server.port=80}`:                              "1",
	}, k.of("http_client", "http.client")); d != "" {
		t.Error(d)
	}
}

// What clients ask for can't fill the memory.
func TestSeriesAreBounded(t *testing.T) {
	m, k := newMeter(t, meter.Options{MaxSeries: 50})
	h := m.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	for i := range 1000 {
		ask(h, "GET", "h"+strconv.Itoa(i), "/"+strconv.Itoa(i), 200)
	}
	if err := m.Finalize(); err != nil {
		t.Fatal(err)
	}
	requests := 0
	series := k.of("http_requests_total")
	for _, value := range series {
		n, _ := strconv.Atoi(value)
		requests += n
	}
	if len(series) > 105 || requests != 1000 {
		t.Errorf("there are %d series of %d requests", len(series), requests)
	}
}

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
	m, k := newMeter(t, meter.Options{Upstreams: &set})
	if err := m.Finalize(); err != nil {
		t.Fatal(err)
	}
	a, b := "handler=default/api,upstream=http://a", "handler=default/b,upstream=http://b\uFFFD"
	got := k.of("gateway.upstream")
	for name, want := range map[string]string{
		"requests{" + a + "}": "3", "active_requests{" + a + "}": "2", "ejections{" + a + "}": "6", "usable{" + a + "}": "1", "usable{" + b + "}": "0",
		"responses{class=2xx," + a + "}": "1", "responses{class=5xx," + a + "}": "1", "responses{class=4xx," + a + "}": "0",
		"failures{error.type=broken," + a + "}": "1", "failures{error.type=connect," + b + "}": "0",
		"connections{handler=default/api,state=idle,upstream=http://a}": "1", "connections{handler=default/api,state=used,upstream=http://a}": "3",
		"connections{handler=default/b,state=open,upstream=http://b\uFFFD}": "4", "connections.opened{" + b + "}": "9",
		"response.duration{" + a + "}": "2", "response.duration{" + b + "}": "0",
	} {
		if got["gateway.upstream."+name] != want {
			t.Errorf("%s is %q, want %q", name, got["gateway.upstream."+name], want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(slices.Sorted(maps.Keys(got)), "\n"))
	}
}

// Figures are exported at intervals, and at the end.
func TestIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		m, err := meter.New(meter.Options{Exporter: k, Interval: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		synctest.Wait()
		if k.exports != 3 {
			t.Errorf("%d exports in 7 seconds", k.exports)
		}
		if err := m.Finalize(); err != nil || k.exports != 4 {
			t.Errorf("%d exports at the end: %v", k.exports, err)
		}
	})
}

func BenchmarkMiddleware(b *testing.B) {
	m, _ := newMeter(b, meter.Options{})
	defer func() { _ = m.Finalize() }()
	h := m.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))
	var x gateway.Exchange
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Method, x.Request.Scheme, x.Request.Host, x.Request.Path = "GET", "http", "www.example.com", "/api/users/7"
		_ = h.Serve(&x)
		x.Finish()
	}
}

func ExampleNew() {
	k := &keeper{}
	m, err := meter.New(meter.Options{Exporter: k, ServiceName: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	hello := m.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))

	var x gateway.Exchange
	x.Request.Method, x.Request.Host, x.Request.Path = "GET", "example.com", "/hello"
	_ = hello.Serve(&x)
	x.Finish() // as the server does when the response is out

	_ = m.Finalize() // exports the last figures
	fmt.Println(k.of("http_requests_total"))
	// Output: map[http_requests_total{code=200,host=example.com,method=GET,path=/hello}:1]
}
