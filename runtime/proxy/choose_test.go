package proxy_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/match/rematch"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
)

func TestConditions(t *testing.T) {
	all := []proxy.Path{{Match: match.Prefix("")}}
	header := func(fields ...string) func(*gateway.Request) {
		return func(r *gateway.Request) {
			for i := 0; i < len(fields); i += 2 {
				r.Header.Add(fields[i], fields[i+1])
			}
		}
	}
	method := func(m string) func(*gateway.Request) { return func(r *gateway.Request) { r.Method = m } }
	host := func(h string) func(*gateway.Request) { return func(r *gateway.Request) { r.Host = h } }
	query := func(q string) func(*gateway.Request) { return func(r *gateway.Request) { r.RawQuery = q } }
	param := func(v string) func(*gateway.Request) {
		return func(r *gateway.Request) { r.Params = []gateway.Field{{Name: "id", Value: v}} }
	}
	foo := proxy.Balancer{Paths: all, Headers: []proxy.Param{{Key: "x-param", Match: match.Exact("foo", "bar", "a,b")}}}
	both := proxy.Balancer{Paths: all, Headers: []proxy.Param{
		{Key: "X-Param", Match: match.Exact("foo")}, {Key: "X-Other", Match: rematch.Regex("^[0-9]+$")}}}
	emptyHeader := proxy.Balancer{Paths: all, Headers: []proxy.Param{{Key: "X-Param", Match: match.Exact("")}}}
	q := proxy.Balancer{Paths: all, Queries: []proxy.Param{{Key: "q", Match: match.Exact("v", "1,2", "a b", "")}}}
	params := proxy.Balancer{Paths: all, PathParams: []proxy.Param{{Key: "id", Match: match.Exact("7", "")}}}
	get1 := proxy.Balancer{Paths: all, Methods: []string{"GET", "HEAD"}}
	hosts := proxy.Balancer{Paths: all, Hosts: []string{"A.example", "b.example:8080", "[::1]"}}
	mixed := proxy.Balancer{Paths: all, Methods: []string{"GET"}, Hosts: []string{"a.example"}, Queries: q.Queries}
	cases := []struct {
		name string
		b    proxy.Balancer
		r    func(*gateway.Request)
		want bool
	}{
		{"no path", proxy.Balancer{}, nil, false},
		{"path of no patterns", proxy.Balancer{Paths: []proxy.Path{{}}}, nil, false},
		{"any path", proxy.Balancer{Paths: all}, nil, true},

		{"method", get1, method("HEAD"), true},
		{"other method", get1, method("POST"), false},
		{"methods have case", get1, method("get"), false},

		{"host", hosts, host("a.example"), true},
		{"host with port", hosts, host("a.EXAMPLE:80"), true},
		{"other host", hosts, host("x.a.example"), false},
		{"no host", hosts, host(""), false},
		{"host and its port", hosts, host("B.example:8080"), true},
		{"host of an entry with port, without", hosts, host("b.example"), false},
		{"host of an entry with port, another", hosts, host("b.example:80"), false},
		{"IPv6", hosts, host("[::1]"), true},
		{"IPv6 with port", hosts, host("[::1]:80"), true},
		{"other IPv6", hosts, host("[::2]:80"), false},

		{"header", foo, header("X-Param", "bar"), true},
		{"header, name in another case", foo, header("X-PARAM", "foo"), true},
		{"other header value", foo, header("X-Param", "baz"), false},
		{"header values have case", foo, header("X-Param", "Foo"), false},
		{"no header", foo, nil, false},
		{"header twice is joined", foo, header("X-Param", "a", "x-param", "b"), true},
		{"header twice", foo, header("X-Param", "foo", "X-Param", "foo"), false},
		{"both headers", both, header("X-Param", "foo", "X-Other", "12"), true},
		{"one of two headers", both, header("X-Param", "foo"), false},
		{"other of two headers", both, header("X-Param", "foo", "X-Other", "x"), false},
		{"empty header", emptyHeader, header("X-Param", ""), true},
		{"absent header isn't empty", emptyHeader, nil, false},

		{"query", q, query("q=v&x=1"), true},
		{"query, decoded", q, query("q=a+b"), true},
		{"other query", q, query("q=x"), false},
		{"query twice is joined", q, query("q=1&x=3&q=2"), true},
		{"query keys have case", q, query("Q=v"), false},
		{"empty query value", q, query("q="), true},
		{"absent query value isn't empty", q, query("x=1"), false},

		{"path param", params, param("7"), true},
		{"other path param", params, param("8"), false},
		{"empty path param", params, param(""), false},
		{"absent path param", params, nil, false},

		{"all hold", mixed, func(r *gateway.Request) { r.Host, r.RawQuery = "a.example", "q=v" }, true},
		{"not the host", mixed, query("q=v"), false},
		{"not the query", mixed, host("a.example"), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got sent
			c.b.Upstreams = lb.RoundRobin(lb.Upstream{URL: "http://a"})
			x := get("/x")
			if c.r != nil {
				c.r(&x.Request)
			}
			err := newProxy(t, recorder(t, &got), c.b).Serve(x)
			if (err == nil) != c.want {
				t.Errorf("err is %v, want a match: %v", err, c.want)
			}
			if err != nil && gateway.StatusOf(err) != 404 {
				t.Errorf("status %d, want 404", gateway.StatusOf(err))
			}
		})
	}
}

func TestFirstThatMatchesTakesTheRequest(t *testing.T) {
	one := func(url, prefix string, more ...proxy.Path) proxy.Balancer {
		return proxy.Balancer{Paths: append([]proxy.Path{{Match: match.Prefix(prefix)}}, more...), Upstreams: lb.RoundRobin(lb.Upstream{URL: url})}
	}
	var got sent
	p := newProxy(t, recorder(t, &got),
		one("http://a", "/a/b"),
		one("http://b", "/a", proxy.Path{Match: match.Exact("/two")}),
		proxy.Balancer{Paths: []proxy.Path{{Match: match.Prefix("/none")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: "http://x", Weight: -1})},
		one("http://c", "/"),
	)
	cases := []struct {
		path, host string
		status     int
	}{
		{"/a/b/c", "a", 200}, {"/a/c", "b", 200}, {"/two", "b", 200}, {"/two/x", "c", 200},
		{"/none", "", 503}, // not c: this load balancer is meant
		{"/x", "c", 200}, {"*", "", 404},
	}
	for _, c := range cases {
		got = sent{}
		x := get(c.path)
		status := 200
		if err := p.Serve(x); err != nil {
			status = gateway.StatusOf(err)
		}
		if got.Host != c.host || status != c.status {
			t.Errorf("%s goes to %q with %d, want %q with %d", c.path, got.Host, status, c.host, c.status)
		}
	}
}
