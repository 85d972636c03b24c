package proxy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestHeaderGoesUp(t *testing.T) {
	forwarded := []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Port", "5000", "X-Forwarded-Host", "www.example.com", "X-Forwarded-Proto", "http"}
	with := func(pairs ...string) gateway.Header { return fields(append(pairs, forwarded...)...) }
	trailer := func(r *gateway.Request) { r.Trailer = func() gateway.Header { return nil } }
	cases := []struct {
		name     string
		in       gateway.Header
		upstream gateway.Header
		r        func(*gateway.Request)
		want     gateway.Header
	}{
		{"nothing", nil, nil, nil, with()},
		{"order and spelling stay", fields("b", "1", "A", "2", "b", "3"), nil, nil, with("b", "1", "A", "2", "b", "3")},
		{"User-Agent", fields("User-Agent", "x"), nil, nil, with("User-Agent", "x")},
		{"hop by hop", fields("Keep-Alive", "1", "proxy-connection", "x", "Proxy-Authenticate", "x", "PROXY-AUTHORIZATION", "x",
			"Te", "gzip", "Trailer", "x", "Transfer-Encoding", "chunked", "Upgrade", "x", "Connection", "close", "Content-Length", "3", "Via", "x"),
			nil, nil, with("Via", "x")},
		{"named by Connection", fields("X-A", "1", "x-b", "2", "Connection", "x-a, close", "X-C", "3", "Connection", "X-B,X-None"),
			nil, nil, with("X-C", "3")},
		{"Connection can't remove what is set here", fields("Connection", "X-Forwarded-For, X-User", "X-User", "spoof"),
			fields("X-User", "ann"), nil, append(with(), fields("X-User", "ann")...)},
		{"TE trailers", fields("TE", "gzip;q=1, Trailers"), nil, nil, with("Te", "trailers")},
		{"announced trailers", fields("Trailer", "X-Sum"), nil, func(r *gateway.Request) {
			r.Body, r.ContentLength = gateway.NoBody, -1
			trailer(r)
		}, with("Trailer", "X-Sum")},
		{"trailers of no body", fields("Trailer", "X-Sum"), nil, trailer, with()},

		{"upgrade", fields("Connection", "keep-alive, Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "k"), nil, nil,
			with("Sec-WebSocket-Key", "k", "Connection", "Upgrade", "Upgrade", "websocket")},
		{"upgrade not named by Connection", fields("Upgrade", "websocket"), nil, nil, with()},
		{"upgrade to nothing", fields("Connection", "Upgrade"), nil, nil, with()},
		{"upgrade in HTTP/1.0", fields("Connection", "Upgrade", "Upgrade", "websocket"), nil,
			func(r *gateway.Request) { r.Proto = "HTTP/1.0" }, with()},
		{"h2c would pass all checks by", fields("Connection", "Upgrade, HTTP2-Settings", "Upgrade", "websocket, H2C", "HTTP2-Settings", "x"), nil, nil, with()},

		{"spoofed", fields("x-forwarded-for", "10.0.0.1", "X-Forwarded-Port", "1", "X-Forwarded-Host", "spoof", "X-Forwarded-Proto", "https"), nil, nil,
			fields("X-Forwarded-For", "10.0.0.1, 192.0.2.1", "X-Forwarded-Port", "5000", "X-Forwarded-Host", "www.example.com", "X-Forwarded-Proto", "http")},
		{"forwarded twice", fields("X-Forwarded-For", "10.0.0.1", "X-Forwarded-For", "10.0.0.2, 10.0.0.3"), nil, nil,
			append(fields("X-Forwarded-For", "10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.1"), fields(forwarded[2:]...)...)},
		{"IPv6 over TLS", nil, nil, func(r *gateway.Request) { r.RemoteAddr, r.Scheme = "[2001:db8::1]:5000", "https" },
			fields("X-Forwarded-For", "2001:db8::1", "X-Forwarded-Port", "5000", "X-Forwarded-Host", "www.example.com", "X-Forwarded-Proto", "https")},
		{"unix socket", fields("X-Forwarded-For", "10.0.0.1", "X-Forwarded-Port", "1"), nil, func(r *gateway.Request) { r.RemoteAddr = "@" }, fields(forwarded[4:]...)},
		{"no address", nil, nil, func(r *gateway.Request) { r.RemoteAddr = "" }, fields(forwarded[4:]...)},
		{"no host", nil, nil, func(r *gateway.Request) { r.Host = "" }, append(fields(forwarded[:4]...), fields(forwarded[6:]...)...)},

		{"set by middleware", fields("X-User", "spoof", "A", "1", "x-user", "spoof"), fields("X-User", "ann", "X-User", "bob"), nil,
			append(with("A", "1"), fields("X-User", "ann", "X-User", "bob")...)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got sent
			x := get("/")
			x.Request.Header, x.Upstream = c.in, c.upstream
			if c.r != nil {
				c.r(&x.Request)
			}
			before := append(gateway.Header(nil), c.in...)
			if err := newProxy(t, recorder(t, &got), everything("http://a")...).Serve(x); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.Header); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, x.Request.Header); diff != "" {
				t.Errorf("the client's request was changed: %s", diff)
			}
		})
	}
}

func TestHeaderComesBack(t *testing.T) {
	trailer := func() gateway.Header { return nil }
	cases := []struct {
		name     string
		in, own  gateway.Header
		trailers func() gateway.Header
		want     gateway.Header
	}{
		{"order and spelling stay", fields("set-cookie", "a", "B", "1", "set-cookie", "b"), nil, nil, fields("set-cookie", "a", "B", "1", "set-cookie", "b")},
		{"hop by hop", fields("Keep-Alive", "1", "Connection", "X-A, close", "X-A", "1", "Proxy-Authenticate", "x", "Transfer-Encoding", "chunked",
			"Upgrade", "h2c", "Te", "x", "Proxy-Connection", "x", "Content-Length", "1", "Trailer", "X", "Vary", "a"), nil, nil, fields("Vary", "a")},
		{"announced trailers", fields("Trailer", "X-Sum"), nil, trailer, fields("Trailer", "X-Sum")},
		{"forwarded fields are the upstream's own", fields("X-Forwarded-For", "x", "X-Forwarded-Host", "y"), nil, nil, fields("X-Forwarded-For", "x", "X-Forwarded-Host", "y")},
		{"behind what middleware has put", fields("B", "2"), fields("A", "1"), nil, fields("A", "1", "B", "2")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				leg.Response.Status, leg.Response.Trailer = 204, c.trailers
				leg.Response.Header = append(leg.Response.Header, c.in...)
				return nil
			})
			x := get("/")
			x.Response.Header = c.own
			if err := newProxy(t, transport, everything("http://a")...).Serve(x); err != nil {
				t.Fatal(err)
			}
			x.Finish()
			if diff := cmp.Diff(c.want, x.Response.Header); diff != "" {
				t.Error(diff)
			}
			if x.Response.Status != 204 || (x.Response.Trailer == nil) != (c.trailers == nil) {
				t.Errorf("status or trailers are lost: %+v", x.Response)
			}
		})
	}
}
