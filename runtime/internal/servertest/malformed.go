package servertest

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// malformed are requests that no handler may see, and what they are answered with.
var malformed = []struct {
	raw    string
	status int
}{
	{"GET / HTTP/1.1\r\n\r\n", 400}, // no Host
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nName : x\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 0},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 0},
	{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET / / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET /\r\n\r\n", 400}, // HTTP/0.9
	{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417},
	{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
}

func testMalformedRequests(t *testing.T, e Engine) {
	var called atomic.Bool
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error { called.Store(true); return nil })
	for _, tt := range malformed {
		c := g.dial(t)
		c.send(tt.raw)
		// 0 stands for either of the two, as net/http has it otherwise.
		if res, _ := c.response("GET"); res.StatusCode != tt.status && (tt.status != 0 || res.StatusCode != 400 && res.StatusCode != 501) {
			t.Errorf("%q: %d, want %d", tt.raw, res.StatusCode, tt.status)
		} else if !res.Close && res.StatusCode != 417 { // the framing is known with 417
			t.Errorf("%q: the response doesn't say that the connection is closed", tt.raw)
		}
		if called.Swap(false) {
			t.Errorf("%q: the handler has seen it", tt.raw)
		}
	}
}

// After a malformed request, what follows can't be told from it: it must not be taken for a request.
func testBehindMalformed(t *testing.T, e Engine) {
	var last atomic.Value
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		last.Store(x.Request.Path)
		return echo(x)
	})
	for _, raw := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\na\r\n0\r\n\r\n",
		"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 20) + "1\r\na\r\n0\r\n\r\n",
	} {
		c := g.dial(t)
		c.send(request("GET /before") + raw + request("GET /smuggled"))
		c.expect(200, "/before")
		if res, _ := c.response("POST"); res.StatusCode != 400 {
			t.Errorf("%q: status %d", raw, res.StatusCode)
		}
		if rest, _ := c.rest(); rest != "" {
			t.Errorf("%q: a further response: %q", raw, rest)
		}
		if last.Load() == "/smuggled" {
			t.Fatalf("%q: what is behind it was taken for a request", raw)
		}
	}
}

// Two framings are what request smuggling lives on (RFC 9112, section 11.2).
func testAmbiguousFraming(t *testing.T, e Engine) {
	var smuggled atomic.Bool
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		smuggled.Store(smuggled.Load() || x.Request.Path == "/smuggled")
		return echo(x)
	})
	for _, raw := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	} {
		c := g.dial(t)
		c.send(raw + request("GET /smuggled"))
		if res, _ := c.response("POST"); res.StatusCode != 400 && res.StatusCode != 200 {
			t.Errorf("%q: status %d", raw, res.StatusCode)
		}
		if e.KeepsAmbiguous {
			continue
		}
		if rest, _ := c.rest(); rest != "" {
			t.Errorf("%q: a further response: %q", raw, rest)
		}
		if smuggled.Load() {
			t.Errorf("%q: the connection was used again", raw)
		}
	}
}

func testOldCoding(t *testing.T, e Engine) {
	if e.IgnoresOldCoding {
		t.Skip("the engine passes over it")
	}
	var called atomic.Bool
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error { called.Store(true); return nil })
	c := g.dial(t)
	c.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + request("GET /smuggled"))
	if res, _ := c.response("POST"); res.StatusCode != 400 && res.StatusCode != 501 {
		t.Errorf("status %d", res.StatusCode)
	}
	if rest, _ := c.rest(); rest != "" || called.Load() {
		t.Errorf("a further response: %q; the handler was called: %v", rest, called.Load())
	}
}

// A server that takes bare line feeds for line ends sees a request where another one sees a part of a field.
func testBareLF(t *testing.T, e Engine) {
	if e.TakesBareLF {
		t.Skip("the engine takes it for a line end")
	}
	g := start(t, e, wire.ServerOptions{}, echo)
	for _, raw := range []string{
		"GET / HTTP/1.1\nHost: a\n\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
	} {
		c := g.dial(t)
		c.send(raw)
		c.halfClose() // so that a head without an end has one
		if rest, _ := c.rest(); rest != "" && !strings.HasPrefix(rest, "HTTP/1.1 400 ") {
			t.Errorf("%q: %q", raw, rest)
		}
	}
}

// Empty lines in front of a request are what old clients send behind a body (RFC 9112, section 2.2).
func testEmptyLines(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	c.send(post("/first", "body") + "\r\n" + request("GET /second"))
	c.expect(200, "/first body")
	c.expect(200, "/second")
	if e.RefusesEmptyLine {
		return
	}
	c = g.dial(t)
	c.send("\r\n" + request("GET /first") + "\r\n")
	c.expect(200, "/first")
	c.send(request("GET /second"))
	c.expect(200, "/second")
}
