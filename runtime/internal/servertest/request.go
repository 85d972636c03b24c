package servertest

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var requestTests = []test{
	{"Request", testRequest},
	{"FieldsKeepOrderAndSpelling", testFieldOrder},
	{"AbsoluteFormWithoutPath", testAbsoluteFormWithoutPath},
	{"OptionsAsterisk", testOptionsAsterisk},
	{"MalformedRequests", testMalformedRequests},
	{"NothingIsReadBehindAMalformedRequest", testBehindMalformed},
	{"AmbiguousFraming", testAmbiguousFraming},
	{"CodingInHTTP10", testOldCoding},
	{"BareLF", testBareLF},
	{"EmptyLines", testEmptyLines},
}

// A seen request is what a handler sees of one. Framing fields are left out: an engine
// may show them or not.
type seen struct {
	Method, Host, Target, Proto, Path, RawPath, RawQuery string
	Header                                               gateway.Header // sorted
	Upgrade                                              bool           // the Connection field names it
	ContentLength                                        int64
	Body                                                 string // and trailers
	NilBody                                              bool
}

func see(t testing.TB, x *gateway.Exchange) seen {
	q := &x.Request
	s := seen{q.Method, q.Host, q.Target, q.Proto, q.Path, q.RawPath, q.RawQuery, sortedFields(q.Header),
		q.Header.HasToken("Connection", "upgrade"), q.ContentLength, "", q.Body == nil}
	if q.Body != nil {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		s.Body = string(b)
	}
	if q.Trailer != nil {
		for _, f := range q.Trailer() {
			s.Body += "+" + gateway.CanonicalName(f.Name) + "=" + f.Value
		}
	}
	return s
}

// sortedFields returns h without the fields about the connection and the framing, by canonical names, those of
// one name in the order in which they came.
func sortedFields(h gateway.Header) gateway.Header {
	sorted := gateway.Header{}
	for _, f := range h {
		f.Name = gateway.CanonicalName(f.Name)
		switch f.Name {
		case "Connection", "Content-Length", "Transfer-Encoding":
		default:
			sorted = append(sorted, f)
		}
	}
	slices.SortStableFunc(sorted, func(a, b gateway.Field) int { return cmp.Compare(a.Name, b.Name) })
	return sorted
}

func testRequest(t *testing.T, e Engine) {
	const host = "Host: gw.test\r\n"
	tests := []struct {
		name, raw string
		want      seen
	}{
		{
			"plain", "GET /a/b?x=1&y=%20z HTTP/1.1\r\n" + host + "Accept: */*\r\nX-Foo: 1\r\nx-foo: 2\r\n\r\n",
			seen{
				Method: "GET", Host: "gw.test", Target: "/a/b?x=1&y=%20z", Path: "/a/b", RawPath: "/a/b", RawQuery: "x=1&y=%20z",
				Header: fields("Accept", "*/*", "X-Foo", "1", "X-Foo", "2"), NilBody: true,
			},
		},
		{
			"blanks around values", "GET / HTTP/1.1\r\n" + host + "A:1\r\nB: \t 2 3 \t\r\nC:\r\nD: \r\n\r\n",
			seen{
				Method: "GET", Host: "gw.test", Target: "/", Path: "/", RawPath: "/",
				Header: fields("A", "1", "B", "2 3", "C", "", "D", ""), NilBody: true,
			},
		},
		{
			"bytes that aren't ASCII", "GET / HTTP/1.1\r\n" + host + "X: \xe4\xff\u3042\r\n\r\n",
			seen{Method: "GET", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", Header: fields("X", "\xe4\xff\u3042"), NilBody: true},
		},
		{
			"fields of the connection", "GET / HTTP/1.1\r\n" + host + "Connection: keep-alive, X-Foo\r\nConnection: upgrade\r\nConnection: x-bar\r\nX-Foo: 1\r\nX-Bar: 2\r\nX-Baz: 3\r\nUpgrade: x\r\n\r\n",
			seen{Method: "GET", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", Header: fields("Upgrade", "x", "X-Baz", "3"), Upgrade: true, NilBody: true},
		},
		{
			"escaped path", "GET /a%2Fb/%E3%81%82/c%20d HTTP/1.1\r\n" + host + "\r\n",
			seen{Method: "GET", Host: "gw.test", Target: "/a%2Fb/%E3%81%82/c%20d", Path: "/a/b/あ/c d", RawPath: "/a%2Fb/%E3%81%82/c%20d", NilBody: true},
		},
		{
			"absolute form", "GET http://other.test/p%41?q HTTP/1.1\r\n" + host + "\r\n", // RFC 9112, section 3.2.2: Host is ignored
			seen{Method: "GET", Host: "other.test", Target: "http://other.test/p%41?q", Path: "/pA", RawPath: "/p%41", RawQuery: "q", NilBody: true},
		},
		{
			"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
			seen{Method: "OPTIONS", Host: "gw.test", Target: "*", Path: "*", RawPath: "*", NilBody: true},
		},
		{
			"authority form", "CONNECT other.test:443 HTTP/1.1\r\n" + host + "\r\n",
			seen{Method: "CONNECT", Host: "other.test:443", Target: "other.test:443", NilBody: true},
		},
		{
			"method of one's own", "M-SEARCH /x HTTP/1.1\r\n" + host + "\r\n",
			seen{Method: "M-SEARCH", Host: "gw.test", Target: "/x", Path: "/x", RawPath: "/x", NilBody: true},
		},
		{
			"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n",
			seen{Method: "GET", Target: "/", Proto: "HTTP/1.0", Path: "/", RawPath: "/", NilBody: true},
		},
		{
			"two slashes", "GET //a//b HTTP/1.1\r\n" + host + "\r\n",
			seen{Method: "GET", Host: "gw.test", Target: "//a//b", Path: "//a//b", RawPath: "//a//b", NilBody: true},
		},
		{
			"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
			seen{Method: "GET", Host: "[::1]:8080", Target: "/", Path: "/", RawPath: "/", NilBody: true},
		},
		{
			"body of known length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
			seen{Method: "POST", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", ContentLength: 5, Body: "hello"},
		},
		{
			"empty body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n",
			seen{Method: "POST", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", NilBody: true},
		},
		{
			"GET with a body", "GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello",
			seen{Method: "GET", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", ContentLength: 5, Body: "hello"},
		},
		{
			"chunked body", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: Chunked\r\n\r\n00a;ext=\"v\"\r\nhello worl\r\n1\r\nd\r\n000\r\n\r\n",
			seen{Method: "POST", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", ContentLength: -1, Body: "hello world"},
		},
		{
			"empty chunked body", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			seen{Method: "POST", Host: "gw.test", Target: "/", Path: "/", RawPath: "/", ContentLength: -1},
		},
		{
			"chunked body with trailers", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: X-Sum, X-Absent\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n",
			seen{
				Method: "POST", Host: "gw.test", Target: "/", Path: "/", RawPath: "/",
				ContentLength: -1, Body: "hello+X-Sum=9",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan seen, 1)
			g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
				q := &x.Request
				if !strings.HasPrefix(q.RemoteAddr, "127.0.0.1:") || q.TLS != nil || q.Scheme != "http" || x.Start.IsZero() {
					t.Errorf("from %q, TLS %v, scheme %q, start %v", q.RemoteAddr, q.TLS, q.Scheme, x.Start)
				}
				if announced := q.Header.HasToken("Trailer", "X-Sum"); announced != (q.Trailer != nil && tt.want.Body != "hello world" && tt.want.Body != "") {
					t.Errorf("announced trailer: %v", announced)
				}
				q.Header.Del("Trailer") // how the names are written is up to the engine
				got <- see(t, x)
				return nil
			})
			g.dial(t).send(tt.raw)
			if tt.want.Proto == "" {
				tt.want.Proto = "HTTP/1.1"
			}
			if tt.want.Header == nil {
				tt.want.Header = gateway.Header{}
			}
			if diff := gocmp.Diff(tt.want, receive(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func testFieldOrder(t *testing.T, e Engine) {
	if e.Canonical {
		t.Skip("the engine keeps fields in a map")
	}
	got := make(chan gateway.Header, 1)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		got <- slices.Clone(x.Request.Header)
		x.Response.Header = fields("x-z", "1", "X-A", "2", "x-Z", "3", "ETag", `"1"`)
		return nil
	})
	c := g.dial(t)
	c.get("GET /", "x-z: 1", "X-a: 2", "DNT: 1", "X-Z: 3", "sec-ch-ua: x")
	if diff := gocmp.Diff(fields("x-z", "1", "X-a", "2", "DNT", "1", "X-Z", "3", "sec-ch-ua", "x"), receive(t, got)); diff != "" {
		t.Error(diff)
	}
	if head := c.head(); !strings.Contains(head, "\r\nx-z: 1\r\nX-A: 2\r\nx-Z: 3\r\nETag: \"1\"\r\n") {
		t.Errorf("the head of the response is %q", head)
	}
}

// Without a path, the target of the absolute form stands for the root, or for "*" with OPTIONS (RFC 9112,
// sections 3.2.1 and 3.2.4). What comes from it must be a path that routes can match, or none.
func testAbsoluteFormWithoutPath(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		q := &x.Request
		if q.Path != "" && q.Path != "/" || q.RawPath != q.Path {
			t.Errorf("path %q, raw %q", q.Path, q.RawPath)
		}
		return text(200, q.Host+" "+q.RawQuery)(x)
	})
	c := g.dial(t)
	c.get("GET http://other.test?a=b")
	c.expect(200, "other.test a=b")
	c.get("GET http://other.test:8080")
	c.expect(200, "other.test:8080 ")
}

func testOptionsAsterisk(t *testing.T, e Engine) {
	for _, general := range []bool{true, false} {
		g := start(t, e, wire.ServerOptions{GeneralOptions: general, AltSvc: `h3=":443"`}, func(x *gateway.Exchange) error {
			return text(200, "handler: "+x.Request.Target)(x)
		})
		c := g.dial(t)
		for range 2 {
			c.get("OPTIONS *")
			res, body := c.response("OPTIONS")
			want := "handler: *"
			if general {
				want = ""
			}
			if res.StatusCode != 200 || body != want || res.Header.Get("Alt-Svc") == "" {
				t.Errorf("general %v: %d, %q, %v", general, res.StatusCode, body, res.Header)
			}
		}
	}
}
