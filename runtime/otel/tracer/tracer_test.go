package tracer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
	"github.com/aileron-gateway/aileronc/runtime/tracking"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// keeper keeps what has been exported when the tracer has ended: an InMemoryExporter forgets it.
type keeper struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (k *keeper) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, spans...)
	return nil
}

func (k *keeper) Shutdown(context.Context) error { return nil }

// A rig is a tracer whose spans a test sees.
type rig struct {
	*tracer.Tracer
	keeper *keeper
}

func newRig(t testing.TB, o tracer.Options) *rig {
	t.Helper()
	t.Setenv("OTEL_PROPAGATORS", "")
	t.Setenv("OTEL_SERVICE_NAME", "")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "")
	k := &keeper{}
	o.Exporter = k
	return &rig{tracer.New(o), k}
}

// spans ends the tracer and returns what it has exported, by name; those of one name in order.
func (r *rig) spans(t testing.TB) map[string]tracetest.SpanStub {
	t.Helper()
	if err := r.Finalize(); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]tracetest.SpanStub)
	for _, s := range tracetest.SpanStubsFromReadOnlySpans(r.keeper.spans) {
		name := s.Name
		for i := 2; ; i++ {
			if _, taken := all[name]; !taken {
				break
			}
			name = fmt.Sprintf("%s %d", s.Name, i)
		}
		all[name] = s
	}
	return all
}

func attributes(s tracetest.SpanStub) map[string]any {
	m := make(map[string]any)
	for _, a := range s.Attributes {
		m[string(a.Key)] = a.Value.AsInterface()
	}
	return m
}

func exchange(fields ...gateway.Field) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Now()}
	q := &x.Request
	q.Method, q.Scheme, q.Host, q.Proto = "GET", "https", "shop.example:8443", "HTTP/2.0"
	q.Path, q.RawPath, q.RawQuery, q.RemoteAddr = "/a b", "/a%20b", "x=1", "192.0.2.7:4711"
	q.Header = fields
	return x
}

// run serves x as an engine does.
func run(h gateway.Handler, x *gateway.Exchange) {
	if err := h.Serve(x); err != nil {
		x.Fail(err)
	}
	x.Finish()
}

func answer(status int) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = status
		return nil
	})
}

func TestServerSpan(t *testing.T) {
	r := newRig(t, tracer.Options{ServiceName: "shop", LibraryName: "lib", Headers: []string{"X-Tenant", "accept", "X-None"}})
	x := exchange(gateway.Field{Name: "Traceparent", Value: parent}, gateway.Field{Name: "User-Agent", Value: "curl"}, gateway.Field{Name: "x-tenant", Value: "a"}, gateway.Field{Name: "X-Tenant", Value: "b\xff"}, gateway.Field{Name: "Accept", Value: "*/*"})
	var inner, up string
	run(tracking.New(tracking.Options{})(r.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		inner, up = x.Request.Header.Get("traceparent"), x.Upstream.Get("traceparent")
		x.Response.Status = 201
		return nil
	}))), x)
	id, _ := tracking.RequestID.Get(x)
	all := r.spans(t)
	s := all["0:middleware"]
	if len(all) != 1 || s.SpanKind != trace.SpanKindServer || s.Status.Code != 0 {
		t.Errorf("%d spans: %+v", len(all), s)
	}
	if s.Parent.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" || s.Parent.SpanID().String() != "00f067aa0ba902b7" || !s.Parent.IsRemote() {
		t.Errorf("the parent is %v", s.Parent)
	}
	if s.InstrumentationScope.Name != "lib" || s.Resource.String() != "service.name=shop" {
		t.Errorf("scope %v, resource %v", s.InstrumentationScope, s.Resource)
	}
	want := "00-4bf92f3577b34da6a3ce929d0e0e4736-" + s.SpanContext.SpanID().String() + "-01"
	if inner != want || up != want {
		t.Errorf("handlers see %q, and upstreams %q; want %q", inner, up, want)
	}
	got := attributes(s)
	if !strings.HasSuffix(fmt.Sprint(got["caller.file"]), "tracking.go") || got["caller.func"] == nil {
		t.Errorf("the caller is %v, %v", got["caller.file"], got["caller.func"])
	}
	delete(got, "caller.file")
	delete(got, "caller.func")
	if d := cmp.Diff(map[string]any{
		"http.id": id, "http.schema": "https", "http.method": "GET", "http.path": "/a b", "http.query": "x=1", "net.addr": "192.0.2.7:4711", "net.host": "shop.example:8443",
		"http.header.x-tenant": []string{"a", "b\uFFFD"}, "http.header.accept": []string{"*/*"}, "http.status_code": int64(201),
		"http.request.method": "GET", "url.scheme": "https", "url.path": "/a b", "url.query": "x=1", "server.address": "shop.example", "server.port": int64(8443),
		"client.address": "192.0.2.7", "network.protocol.version": "2", "user_agent.original": "curl", "http.response.status_code": int64(201),
	}, got); d != "" {
		t.Error(d)
	}
}

func TestNesting(t *testing.T) {
	r := newRig(t, tracer.Options{})
	up := r.Tripperware(r.Tripperware(answer(200)))
	sent := ""
	h := r.Middleware(r.Middleware(r.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		var leg gateway.Exchange
		x.Leg(&leg)
		leg.Request.Method, leg.Request.Scheme, leg.Request.Host, leg.Request.Path, leg.Request.RawQuery = "BREW", "http", "10.0.0.7:8080", "/up", "y=2"
		leg.Request.Header.Add("traceparent", parent)
		err := up.Serve(&leg)
		sent = leg.Request.Header.Get("traceparent")
		x.Response.Status = 200
		r.Trace(x, "session", gateway.Field{Name: "operation", Value: "GET"})(nil)
		return err
	}))))
	run(h, exchange())
	all := r.spans(t)
	if d := cmp.Diff([]string{"0:middleware", "0:tripperware", "1:middleware", "1:tripperware", "2:middleware", "session"}, slices.Sorted(maps.Keys(all))); d != "" {
		t.Fatal(d)
	}
	for name, want := range map[string]struct {
		parent string
		kind   trace.SpanKind
	}{
		"0:middleware":  {"", trace.SpanKindServer},
		"1:middleware":  {"0:middleware", trace.SpanKindInternal},
		"2:middleware":  {"1:middleware", trace.SpanKindInternal},
		"0:tripperware": {"2:middleware", trace.SpanKindClient},
		"1:tripperware": {"0:tripperware", trace.SpanKindInternal},
		"session":       {"2:middleware", trace.SpanKindInternal},
	} {
		s := all[name]
		if s.SpanKind != want.kind || s.Parent.SpanID() != all[want.parent].SpanContext.SpanID() || s.SpanContext.TraceID() != all["0:middleware"].SpanContext.TraceID() {
			t.Errorf("%s: kind %v, parent %v", name, s.SpanKind, s.Parent.SpanID())
		}
		keys := slices.Sorted(maps.Keys(attributes(s)))
		if inner := []string{"caller.file", "caller.func"}; name[0] > '0' && name[0] < '9' && !slices.Equal(keys, inner) {
			t.Errorf("%s has the attributes %q", name, keys)
		}
	}
	if want := all["0:tripperware"].SpanContext.SpanID().String(); !strings.Contains(sent, want) {
		t.Errorf("the upstream gets %q, not %s", sent, want)
	}
	got := attributes(all["0:tripperware"])
	delete(got, "caller.file")
	delete(got, "caller.func")
	if d := cmp.Diff(map[string]any{
		"http.schema": "http", "http.method": "BREW", "http.path": "/up", "http.query": "y=2", "peer.host": "10.0.0.7:8080", "http.status_code": int64(200),
		"http.request.method": "_OTHER", "http.request.method_original": "BREW", "server.address": "10.0.0.7", "server.port": int64(8080),
		"url.full": "http://10.0.0.7:8080/up?y=2", "http.response.status_code": int64(200),
	}, got); d != "" {
		t.Error(d)
	}
}

func TestFailures(t *testing.T) {
	reset := &gateway.UpstreamError{Method: "GET", Scheme: "http", Host: "a", Phase: gateway.PhaseWait, Err: errors.New("connection reset")}
	for _, tt := range []struct {
		name        string
		next        func(x *gateway.Exchange) error
		sent        error
		status      string // of the span
		description string
		errorType   any
		event       any
	}{
		{"fine", answer(200).Serve, nil, "Unset", "", nil, nil},
		{"not found", answer(404).Serve, nil, "Unset", "", nil, nil},
		{"refused", func(*gateway.Exchange) error {
			return &gateway.Error{Status: 403, Code: "E1", Kind: "Refused", Message: "no"}
		}, nil, "Unset", "", nil, "E1.Refused no"},
		{"answered 503", answer(503).Serve, nil, "Error", "", "503", nil},
		{"failed", func(*gateway.Exchange) error {
			return &gateway.Error{Status: 502, Code: "E2", Kind: "Bad", Message: "gone", Cause: reset}
		}, nil, "Error", "E2.Bad gone [" + reset.Error() + "]", "Bad", "E2.Bad gone [" + reset.Error() + "]"},
		{"another error", func(*gateway.Exchange) error { return fmt.Errorf("a: %w", context.DeadlineExceeded) }, nil, "Error", "a: context deadline exceeded", "timeout", "a: context deadline exceeded"},
		{"plain error", func(*gateway.Exchange) error { return errors.New("\xff") }, nil, "Error", "\uFFFD", "*errors.errorString", "\uFFFD"},
		{"nobody to answer", func(*gateway.Exchange) error {
			return &gateway.Error{Status: gateway.LogOnly, Message: "gone"}
		}, nil, "Error", "gone", "*gateway.Error", "gone"},
		{"not sent whole", answer(200).Serve, errors.New("broken pipe"), "Error", "broken pipe", "*errors.errorString", "broken pipe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tracer.Options{})
			x := exchange()
			x.SendErr = tt.sent
			run(r.Middleware(r.Middleware(gateway.HandlerFunc(tt.next))), x)
			all := r.spans(t)
			s := all["0:middleware"]
			if got := s.Status.Code.String(); got != tt.status || s.Status.Description != tt.description {
				t.Errorf("status %s %q", got, s.Status.Description)
			}
			if got := attributes(s)["error.type"]; got != tt.errorType {
				t.Errorf("error.type is %v", got)
			}
			var event any
			for _, e := range s.Events {
				event = e.Attributes[1].Value.AsString()
			}
			if event != tt.event {
				t.Errorf("event %v", event)
			}
			if got := all["1:middleware"].Status.Code.String(); tt.sent == nil && tt.name != "answered 503" && got != tt.status {
				t.Errorf("status of the inner one: %s", got)
			}
		})
	}
}

func TestUpstreamFailures(t *testing.T) {
	reset := &gateway.UpstreamError{Method: "GET", Scheme: "http", Host: "a", Phase: gateway.PhaseWait, Err: errors.New("connection reset")}
	r := newRig(t, tracer.Options{})
	try := func(name string, x *gateway.Exchange, next gateway.HandlerFunc) {
		defer func() { _ = recover() }()
		var leg gateway.Exchange
		if x != nil {
			x.Leg(&leg)
		}
		leg.Request.Path = name
		_ = r.Tripperware(next).Serve(&leg)
	}
	x := exchange()
	_ = r.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		try("refused", x, func(*gateway.Exchange) error { return reset })
		try("panics", x, func(*gateway.Exchange) error { panic("no") })
		try("unavailable", x, answer(503).Serve)
		try("broken", x, answer(200).Serve)
		x.Response.Status = 200
		return nil
	})).Serve(x)
	x.SendErr = fmt.Errorf("reading: %w", reset)
	x.Finish()
	try("alone", nil, answer(204).Serve) // a request of the gateway itself
	got := make(map[string]string)
	for name, s := range r.spans(t) {
		if strings.HasPrefix(name, "0:tripperware") {
			a := attributes(s)
			got[a["http.path"].(string)] = fmt.Sprint(a["http.status_code"], " ", s.Status.Code, " ", a["error.type"], " ", len(s.Events), " ", s.Parent.IsValid())
		}
	}
	if d := cmp.Diff(map[string]string{
		"refused": "0 Error UpstreamError 1 true", "panics": "<nil> Error <nil> 0 true", "unavailable": "503 Error UpstreamError 1 true",
		"broken": "200 Error UpstreamError 1 true", "alone": "204 Unset <nil> 0 false",
	}, got); d != "" {
		t.Error(d)
	}
}
