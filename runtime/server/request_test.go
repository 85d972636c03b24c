package server_test

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestRequest(t *testing.T) {
	type request struct {
		Method, Scheme, Host, Target, Proto, Path, RawPath, RawQuery string
		Header                                                       gateway.Header
		ContentLength                                                int64
		Body                                                         string
		NilBody                                                      bool
	}
	const host = "Host: gw.test\r\n"
	tests := []struct {
		name, raw string
		want      request
	}{
		{
			"plain", "GET /a/b?x=1&y=%20z HTTP/1.1\r\n" + host + "Accept: */*\r\nX-Foo: 1\r\nx-foo: 2\r\n\r\n",
			request{
				Method: "GET", Host: "gw.test", Target: "/a/b?x=1&y=%20z", Proto: "HTTP/1.1", Path: "/a/b", RawPath: "/a/b", RawQuery: "x=1&y=%20z",
				Header: fields("Accept", "*/*", "X-Foo", "1", "X-Foo", "2"), NilBody: true,
			},
		},
		{
			"fields of the connection", "GET / HTTP/1.1\r\n" + host + "Connection: keep-alive, X-Foo\r\nConnection: upgrade\r\nConnection: x-bar\r\nX-Foo: 1\r\nX-Bar: 2\r\nX-Baz: 3\r\n\r\n",
			request{
				Method: "GET", Host: "gw.test", Target: "/", Proto: "HTTP/1.1", Path: "/", RawPath: "/",
				Header: fields("Connection", "keep-alive", "Connection", "upgrade", "Connection", "", "X-Baz", "3"), NilBody: true,
			},
		},
		{
			"escaped path", "GET /a%2Fb/%E3%81%82/c%20d HTTP/1.1\r\n" + host + "\r\n",
			request{Method: "GET", Host: "gw.test", Target: "/a%2Fb/%E3%81%82/c%20d", Proto: "HTTP/1.1", Path: "/a/b/あ/c d", RawPath: "/a%2Fb/%E3%81%82/c%20d", NilBody: true},
		},
		{
			"absolute form", "GET http://other.test/p%41?q HTTP/1.1\r\n" + host + "\r\n",
			request{Method: "GET", Host: "other.test", Target: "http://other.test/p%41?q", Proto: "HTTP/1.1", Path: "/pA", RawPath: "/p%41", RawQuery: "q", NilBody: true},
		},
		{
			"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
			request{Method: "OPTIONS", Host: "gw.test", Target: "*", Proto: "HTTP/1.1", Path: "*", RawPath: "*", NilBody: true},
		},
		{
			"authority form", "CONNECT other.test:443 HTTP/1.1\r\n" + host + "\r\n",
			request{Method: "CONNECT", Host: "other.test:443", Target: "other.test:443", Proto: "HTTP/1.1", NilBody: true},
		},
		{
			"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n",
			request{Method: "GET", Target: "/", Proto: "HTTP/1.0", Path: "/", RawPath: "/", NilBody: true},
		},
		{
			"two slashes", "GET //a//b HTTP/1.1\r\n" + host + "\r\n",
			request{Method: "GET", Host: "gw.test", Target: "//a//b", Proto: "HTTP/1.1", Path: "//a//b", RawPath: "//a//b", NilBody: true},
		},
		{
			"body of known length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
			request{
				Method: "POST", Host: "gw.test", Target: "/", Proto: "HTTP/1.1", Path: "/", RawPath: "/",
				Header: fields("Content-Length", "5"), ContentLength: 5, Body: "hello",
			},
		},
		{
			"empty body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n",
			request{
				Method: "POST", Host: "gw.test", Target: "/", Proto: "HTTP/1.1", Path: "/", RawPath: "/",
				Header: fields("Content-Length", "0"), NilBody: true,
			},
		},
		{
			"chunked body with trailers", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n",
			request{
				Method: "POST", Host: "gw.test", Target: "/", Proto: "HTTP/1.1", Path: "/", RawPath: "/",
				Header: fields("Trailer", "X-Sum"), ContentLength: -1, Body: "hello+X-Sum=9",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan request, 1)
			g := start(t, server.Options{}, func(x *gateway.Exchange) error {
				q := &x.Request
				header := slices.Clone(q.Header)
				slices.SortStableFunc(header, func(a, b gateway.Field) int { return cmp.Compare(a.Name, b.Name) })
				r := request{q.Method, q.Scheme, q.Host, q.Target, q.Proto, q.Path, q.RawPath, q.RawQuery, header, q.ContentLength, "", q.Body == nil}
				if q.Body != nil {
					b, err := io.ReadAll(q.Body)
					if err != nil {
						t.Error(err)
					}
					r.Body = string(b)
				}
				if q.Trailer != nil {
					for _, f := range q.Trailer() {
						r.Body += "+" + f.Name + "=" + f.Value
					}
				}
				if !strings.HasPrefix(q.RemoteAddr, "127.0.0.1:") || q.TLS != nil || x.Start.IsZero() {
					t.Errorf("from %q, TLS %v, start %v", q.RemoteAddr, q.TLS, x.Start)
				}
				got <- r
				return nil
			})
			g.dial(t).send(tt.raw)
			tt.want.Scheme = "http"
			if diff := gocmp.Diff(tt.want, <-got, gocmp.Transformer("nil", func(h gateway.Header) []gateway.Field { return append([]gateway.Field{}, h...) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMalformedRequests(t *testing.T) {
	called := false
	g := start(t, server.Options{}, func(x *gateway.Exchange) error { called = true; return nil })
	for _, tt := range []struct {
		raw    string
		status int
	}{
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	} {
		c := g.dial(t)
		c.send(tt.raw)
		if res, _ := c.response("GET"); res.StatusCode != tt.status {
			t.Errorf("%q: %d, want %d", tt.raw, res.StatusCode, tt.status)
		}
	}
	if called {
		t.Error("the handler has seen one of them")
	}
}

func TestExpectContinue(t *testing.T) {
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/refused" {
			return text(403, "no")(x)
		}
		if x.Request.Path == "/hints" { // in this order, whoever reads the body
			if err := x.Interim(103, gateway.Header{{Name: "Link", Value: "</a.css>"}}); err != nil {
				t.Error(err)
			}
		}
		b, _ := io.ReadAll(x.Request.Body)
		return text(200, string(b))(x)
	})
	for _, tt := range []struct {
		path   string
		interm []string
		status int
	}{
		{"/read", []string{"HTTP/1.1 100 Continue\r\n"}, 200},
		{"/hints", []string{"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n", "HTTP/1.1 100 Continue\r\n"}, 200},
		{"/refused", nil, 403},
	} {
		t.Run(tt.path, func(t *testing.T) {
			c := g.dial(t)
			c.get("POST "+tt.path, "Expect: 100-continue", "Content-Length: 5")
			for _, want := range tt.interm {
				if got := c.head(); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if tt.status == 200 {
				c.send("hello")
			}
			res, body := c.response("POST")
			if res.StatusCode != tt.status || tt.status == 200 && body != "hello" {
				t.Errorf("%d %q", res.StatusCode, body)
			}
			if res.Close != (tt.status == 403) { // what the client does with the body isn't known
				t.Errorf("Connection: close %v", res.Close)
			}
		})
	}
}

// A refused upload must not keep the client from getting the answer, nor the next request from being understood.
func TestUnreadBody(t *testing.T) {
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		if x.Request.Method == "POST" {
			return text(413, "too much")(x)
		}
		return text(200, "next")(x)
	})
	c := g.dial(t)
	c.get("POST /", "Content-Length: 100000")
	c.send(strings.Repeat("a", 100000))
	if res, _ := c.response("POST"); res.StatusCode != 413 {
		t.Errorf("status %d", res.StatusCode)
	}
	c.get("GET /")
	if _, body := c.response("GET"); body != "next" {
		t.Errorf("the next response is %q", body)
	}
}

// closer counts how often it is closed.
type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error { *c.closed++; return nil }

func TestReplacedBodyIsClosed(t *testing.T) {
	closed, done := 0, make(chan struct{})
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		x.OnDone(func(*gateway.Exchange) { close(done) })
		x.Request.Body = closer{x.Request.Body, &closed}
		return nil
	})
	c := g.dial(t)
	c.get("POST /", "Content-Length: 1")
	c.send("x")
	c.response("POST")
	<-done
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
}
