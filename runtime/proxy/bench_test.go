package proxy_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
)

// canned is a transport that answers at once.
func canned() gateway.Handler {
	body := []byte("hello")
	return gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		leg.Response.Header = append(leg.Response.Header[:0],
			gateway.Field{Name: "Content-Type", Value: "text/plain"},
			gateway.Field{Name: "Date", Value: "Tue, 02 Jan 2024 03:04:05 GMT"},
			gateway.Field{Name: "Connection", Value: "keep-alive"})
		leg.Response.Bytes = body
		return nil
	})
}

func BenchmarkServe(b *testing.B) {
	one := lb.RoundRobin(lb.Upstream{URL: "http://10.0.0.7:8080"})
	cases := []struct {
		name      string
		balancers []proxy.Balancer
	}{
		{"plain", []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: one}}},
		{"trim", []proxy.Balancer{{Paths: []proxy.Path{{TrimPrefix: "/api", Match: match.Prefix("/")}}, Upstreams: one}}},
		{"append", []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Prefix("/"), AppendPrefix: "/v1"}}, Upstreams: one}}},
		{"ten-balancers", append(make([]proxy.Balancer, 9), proxy.Balancer{
			Methods: []string{"GET"}, Hosts: []string{"www.example.com"},
			Headers: []proxy.Param{{Key: "Accept", Match: match.Contains("html")}},
			Queries: []proxy.Param{{Key: "page", Match: match.Exact("2")}},
			Paths:   []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: one})},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			p, err := proxy.New(proxy.Options{Transport: canned(), Balancers: c.balancers})
			if err != nil {
				b.Fatal(err)
			}
			header := gateway.Header{
				{Name: "Accept", Value: "text/html,application/xhtml+xml"}, {Name: "Accept-Encoding", Value: "gzip"},
				{Name: "Accept-Language", Value: "en"}, {Name: "Connection", Value: "keep-alive"},
				{Name: "User-Agent", Value: "bench"}, {Name: "Cookie", Value: "a=b"}}
			var x gateway.Exchange
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				r := &x.Request
				r.Method, r.Scheme, r.Host, r.Proto = "GET", "http", "www.example.com:8080", "HTTP/1.1"
				r.Path, r.RawPath, r.RawQuery = "/api/users/7", "/api/users/7", "page=2"
				r.RemoteAddr = "192.0.2.1:5000"
				r.Header = append(r.Header, header...)
				if err := p.Serve(&x); err != nil {
					b.Fatal(err)
				}
				x.Finish()
			}
		})
	}
}
