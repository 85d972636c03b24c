package proxy_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
)

// sent is what a transport got to send. The leg itself is reused.
type sent struct {
	Scheme, Host, Path, RawPath, RawQuery, Method string
	Header                                        gateway.Header
	Body                                          string
	ContentLength                                 int64
}

// recorder keeps the request and answers 200.
func recorder(t *testing.T, got *sent) gateway.HandlerFunc {
	return func(leg *gateway.Exchange) error {
		r := &leg.Request
		*got = sent{r.Scheme, r.Host, r.Path, r.RawPath, r.RawQuery, r.Method, append(gateway.Header(nil), r.Header...), "", r.ContentLength}
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got.Body = string(b)
		}
		leg.Response.Status = 200
		return nil
	}
}

// get is a request as an engine makes it.
func get(target string) *gateway.Exchange {
	x := &gateway.Exchange{}
	r := &x.Request
	r.Method, r.Scheme, r.Host, r.Proto, r.RemoteAddr = "GET", "http", "www.example.com", "HTTP/1.1", "192.0.2.1:5000"
	r.RawPath, r.RawQuery, _ = strings.Cut(target, "?")
	r.Path = r.RawPath
	return x
}

// everything is a load balancer for all requests.
func everything(urls ...string) []proxy.Balancer {
	var u []lb.Upstream
	for _, url := range urls {
		u = append(u, lb.Upstream{URL: url})
	}
	return []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Prefix("")}}, Upstreams: lb.RoundRobin(u...)}}
}

func newProxy(t *testing.T, transport gateway.Handler, balancers ...proxy.Balancer) *proxy.Handler {
	t.Helper()
	p, err := proxy.New(proxy.Options{Transport: transport, Balancers: balancers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// body tells whether it was closed.
type body struct {
	io.Reader
	closed int
}

func (b *body) Close() error { b.closed++; return nil }

func TestNew(t *testing.T) {
	none := gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })
	cases := []struct {
		name string
		o    proxy.Options
		want string
	}{
		{"no transport", proxy.Options{}, "proxy: there is no transport"},
		{"no balancers", proxy.Options{Transport: none}, ""},
		{"balancer without upstreams", proxy.Options{Transport: none, Balancers: []proxy.Balancer{{}}}, ""},
		{"bad URL", proxy.Options{Transport: none, Balancers: append(everything("http://a"), everything("http://b", "c")...)},
			"proxy: load balancer 2: upstream 2: c: the scheme must be http or https"},
	}
	for _, c := range cases {
		got := ""
		if _, err := proxy.New(c.o); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBodyGoesUp(t *testing.T) {
	cases := []struct {
		name   string
		body   io.ReadCloser
		length int64
		want   sent
	}{
		{"none", nil, 0, sent{}},
		{"empty", io.NopCloser(strings.NewReader("never read")), 0, sent{}},
		{"known length", io.NopCloser(strings.NewReader("hello")), 5, sent{Body: "hello", ContentLength: 5}},
		{"unknown length", io.NopCloser(strings.NewReader("hello")), -1, sent{Body: "hello", ContentLength: -1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got sent
			x := get("/")
			x.Request.Body, x.Request.ContentLength = c.body, c.length
			if err := newProxy(t, recorder(t, &got), everything("http://a")...).Serve(x); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sent{Body: got.Body, ContentLength: got.ContentLength}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A leg is used again only when the response is out, and starts afresh.
func TestLegIsReused(t *testing.T) {
	var legs []*gateway.Exchange
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		legs = append(legs, leg)
		if leg.Response.Status != 0 || len(leg.Response.Header) != 0 || leg.Request.Body != nil && len(legs) > 1 {
			t.Errorf("leg %d isn't clean: %+v", len(legs), leg)
		}
		leg.Response.Status = 200
		leg.Response.Header.Add("X-Id", leg.Request.Path)
		leg.Response.Body = io.NopCloser(strings.NewReader(leg.Request.Path))
		return nil
	})
	p := newProxy(t, transport, everything("http://a")...)
	one, two := get("/one"), get("/two")
	one.Request.Body, one.Request.ContentLength = io.NopCloser(strings.NewReader("x")), 1
	for _, x := range []*gateway.Exchange{one, two} {
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
	}
	if legs[0] == legs[1] {
		t.Fatal("a leg is used again before its response is out")
	}
	one.Finish()
	two.Finish()
	for i, x := range []*gateway.Exchange{one, two} {
		b, _ := io.ReadAll(x.Response.Body)
		if want := x.Request.Path; x.Response.Header.Get("X-Id") != want || string(b) != want {
			t.Errorf("response %d: %v %q", i, x.Response.Header, b)
		}
	}
	for range 10 { // whatever the pool hands out
		x := get("/again")
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		x.Finish()
	}
}

// What tripperware registers on the leg finds it as it was.
func TestOnDoneOfLeg(t *testing.T) {
	var order []string
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		leg.OnDone(func(leg *gateway.Exchange) { order = append(order, "leg "+leg.Request.Host) })
		return nil
	})
	x := get("/")
	x.OnDone(func(*gateway.Exchange) { order = append(order, "parent") })
	if err := newProxy(t, transport, everything("http://a")...).Serve(x); err != nil {
		t.Fatal(err)
	}
	x.Finish()
	if diff := cmp.Diff([]string{"leg a", "parent"}, order); diff != "" {
		t.Error(diff)
	}
}

func TestServeDoesNotAllocate(t *testing.T) {
	p := newProxy(t, canned(), everything("http://a")...)
	x := get("/x")
	n := testing.AllocsPerRun(100, func() {
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		x.Finish()
		request := x.Request
		x.Request.Header = nil
		x.Reset()
		x.Request = request
	})
	if n > 2 { // it's none, but the race detector makes pools forget
		t.Errorf("%v allocations for one request", n)
	}
}

// What is to run before a request leaves for an upstream does, and can keep it from leaving.
func TestOnUpstream(t *testing.T) {
	var got sent
	p := newProxy(t, recorder(t, &got), everything("http://u.example")...)
	x := get("/a")
	x.OnUpstream(func(x *gateway.Exchange) error {
		if got.Path != "" {
			t.Error("the request has left already")
		}
		x.Upstream.Set("X-A", "1")
		return nil
	})
	if err := p.Serve(x); err != nil || got.Header.Get("X-A") != "1" {
		t.Errorf("%v: %v", err, got)
	}
	got = sent{}
	refused := &gateway.Error{Status: 500}
	x = get("/a")
	x.OnUpstream(func(*gateway.Exchange) error { return refused })
	if err := p.Serve(x); err != refused || got.Path != "" {
		t.Errorf("%v: %v", err, got)
	}
}
