package servertest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var connectionTests = []test{
	{"KeepAlive", testKeepAlive},
	{"DisableKeepAlive", testDisableKeepAlive},
	{"HTTP10", testHTTP10},
	{"HTTP10KeepAlive", testHTTP10KeepAlive},
	{"ClientGoesAway", testClientGoesAway},
	{"ClientStopsReading", testClientStopsReading},
	{"HalfClose", testHalfClose},
	{"ManyConnections", testManyConnections},
}

func testKeepAlive(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error { return text(200, x.Request.Path)(x) })
	c := g.dial(t)
	for _, path := range []string{"/first", "/second", "/third"} {
		c.get("GET " + path)
		if res, body := c.response("GET"); res.StatusCode != 200 || body != path || res.ContentLength != int64(len(path)) || res.Close {
			t.Errorf("%s: %d, %q, length %d, close %v", path, res.StatusCode, body, res.ContentLength, res.Close)
		}
	}
	c.get("GET /last", "Connection: close")
	if res, body := c.response("GET"); body != "/last" || !res.Close {
		t.Errorf("%q, close %v", body, res.Close)
	}
	c.ended()
}

func testDisableKeepAlive(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{DisableKeepAlive: true}, text(200, "hello"))
	c := g.dial(t)
	c.get("GET /")
	res, body := c.response("GET")
	if body != "hello" || !res.Close {
		t.Errorf("body %q, Connection: close %v", body, res.Close)
	}
	c.ended()
}

// A client of HTTP/1.0 takes the connection for closed after the response (RFC 9112, section 9.3).
func testHTTP10(t *testing.T, e Engine) {
	for name, h := range map[string]gateway.HandlerFunc{
		"bytes": text(200, "hello"), "known length": stream(5, "hello"), "unknown length": stream(-1, "hello"),
	} {
		g := start(t, e, wire.ServerOptions{}, h)
		for _, raw := range []string{
			"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
			"GET / HTTP/1.0\r\nConnection: close\r\n\r\n", "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
			"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		} {
			c := g.dial(t)
			c.send(raw)
			all, err := c.rest()
			head, body, _ := strings.Cut(all, "\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.") || !strings.Contains(head, " 200 ") || body != "hello" || err != nil {
				t.Errorf("%s: %q: got %q, %v", name, raw, all, err)
			}
			if strings.Contains(strings.ToLower(head), "transfer-encoding") {
				t.Errorf("%s: a client of HTTP/1.0 gets chunks: %q", name, head)
			}
		}
	}
}

// Old clients ask for what is the default since HTTP/1.1 (RFC 9112, section 9.3 and appendix C.2.2).
func testHTTP10KeepAlive(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/stream" {
			return stream(-1, "streamed")(x)
		}
		return echo(x)
	})
	c := g.dial(t)
	for range 2 {
		c.send("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
		if res, body := c.response("GET"); body != "/a" || !strings.EqualFold(res.Header.Get("Connection"), "keep-alive") {
			t.Errorf("%q, Connection: %q", body, res.Header.Get("Connection"))
		}
		c.send("POST /b HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc")
		if res, body := c.response("POST"); body != "/b abc" || !strings.EqualFold(res.Header.Get("Connection"), "keep-alive") {
			t.Errorf("%q, Connection: %q", body, res.Header.Get("Connection"))
		}
		c.send("HEAD /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		c.response("HEAD")
	}
	// The end of the connection is the end of this one, whatever the client wants.
	c.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if res, body := c.response("GET"); body != "streamed" || strings.EqualFold(res.Header.Get("Connection"), "keep-alive") {
		t.Errorf("%q, Connection: %q", body, res.Header.Get("Connection"))
	}
	c.ended()
}

// soonGone is how late an exchange may learn that its client has gone: a second, and some for a busy machine.
const soonGone = 1500 * time.Millisecond

func testClientGoesAway(t *testing.T, e Engine) {
	for name, raw := range map[string]string{
		"GET":             request("GET /"),
		"body read":       post("/", "abc"),
		"chunks read":     chunked("/", "abc", 2),
		"second request":  request("GET /first") + request("GET /"),
		"behind an early": post("/first", "abc") + request("GET /"),
	} {
		for _, end := range []string{"close", "reset"} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				started, ended := make(chan struct{}), make(chan error, 1)
				g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
					if x.Request.Path == "/first" {
						return text(200, "")(x)
					}
					if x.Request.Body != nil {
						_, _ = io.ReadAll(x.Request.Body)
					}
					close(started)
					waitForEnd(x)
					ended <- x.Context().Err()
					return x.Context().Err()
				})
				c := g.dial(t)
				c.send(raw)
				receive(t, started)
				if end == "reset" {
					_ = c.Conn.(*net.TCPConn).SetLinger(0)
				}
				gone := time.Now()
				_ = c.Close()
				if err := receive(t, ended); !errors.Is(err, context.Canceled) {
					t.Errorf("the context ended with %v", err)
				}
				if d := time.Since(gone); d > soonGone {
					t.Errorf("it took %v", d)
				}
			})
		}
	}
}

func testClientStopsReading(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"unknown length": -1, "known length": 1 << 40} {
		done := make(chan error, 1)
		g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
			return streaming(length, zeros{})(x)
		})
		c := g.dial(t)
		c.get("GET /")
		c.head()
		_ = c.Close()
		if err := receive(t, done); err == nil {
			t.Errorf("%s: no SendErr", name)
		}
	}
}

// A client that has said all may still be there for the answer.
func testHalfClose(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/stream" {
			return stream(-1, strings.Repeat("stream", 10_000))(x)
		}
		return echo(x)
	})
	for raw, want := range map[string][]string{
		request("GET /a"):                        {"/a"},
		post("/b", "body"):                       {"/b body"},
		chunked("/c", "chunks", 2):               {"/c chunks"},
		request("GET /d") + request("GET /e"):    {"/d", "/e"},
		request("GET /stream"):                   {strings.Repeat("stream", 10_000)},
		post("/f", strings.Repeat("x", 1<<16)):   {"/f " + strings.Repeat("x", 1<<16)},
		request("GET /g", "Connection: close"):   {"/g"},
		post("/h", "") + "GET /cut HTTP/1.1\r\n": {"/h"},
	} {
		c := g.dial(t)
		c.send(raw)
		c.halfClose()
		for _, want := range want {
			c.expect(200, want)
		}
		if c.refused(400); t.Failed() {
			t.Fatalf("after %q", shorten(raw))
		}
	}
}

func testManyConnections(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	clients := make([]*client, 50)
	for i := range clients {
		clients[i] = g.dial(t)
	}
	for round := range 5 {
		for i, c := range clients {
			c.send(post("/"+itoa(i), itoa(round)))
		}
		for i, c := range clients {
			c.expect(200, "/"+itoa(i)+" "+itoa(round))
		}
	}
}
