package servertest

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/attempt"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/timeout"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var timeoutTests = []test{
	{"ReadHeaderTimeout", testReadHeaderTimeout},
	{"ReadTimeout", testReadTimeout},
	{"ReadTimeoutIsForEachRequest", testReadTimeoutIsForEachRequest},
	{"WriteTimeout", testWriteTimeout},
	{"WriteTimeoutOfSlowHandler", testWriteTimeoutOfSlowHandler},
	{"IdleTimeout", testIdleTimeout},
	{"NoIdleTimeout", testNoIdleTimeout},
	{"ReadDeadline", testReadDeadline},
	{"ReadTimeoutBelowTheReadDeadline", testReadTimeoutBelowTheReadDeadline},
	{"DeadlineWhileReading", testDeadlineWhileReading},
	{"DeadlineWhileWriting", testDeadlineWhileWriting},
}

// brief is a timeout of the tests.
const brief = 100 * time.Millisecond

// enough is a timeout within which the head of a request comes, unless the machine is very busy.
const enough = 300 * time.Millisecond

func testReadHeaderTimeout(t *testing.T, e Engine) {
	for name, options := range map[string]func(d time.Duration) wire.ServerOptions{
		"its own":     func(d time.Duration) wire.ServerOptions { return wire.ServerOptions{ReadHeaderTimeout: d} },
		"that of all": func(d time.Duration) wire.ServerOptions { return wire.ServerOptions{ReadTimeout: d} },
		"the lesser": func(d time.Duration) wire.ServerOptions {
			return wire.ServerOptions{ReadHeaderTimeout: d, ReadTimeout: time.Hour, IdleTimeout: time.Hour}
		},
	} {
		for part, raw := range map[string]string{"nothing": "", "some": "GET / HT", "a byte": "G", "no end": "GET / HTTP/1.1\r\nHost: a\r\n"} {
			t.Run(name+" "+part, func(t *testing.T) {
				t.Parallel()
				attempt.Within(t, enough, func(t testing.TB, d time.Duration) {
					g := start(t, e, options(d), text(200, "hello"))
					c := g.dial(t)
					c.send(raw)
					c.refused(408)
					if raw == "" || raw == "G" && e.IdlesForFourBytes {
						return
					}
					c = g.dial(t) // the same for the second request
					c.send(request("GET /") + raw)
					c.expect(200, "hello")
					c.refused(408)
				})
			})
		}
	}
}

func testReadTimeout(t *testing.T, e Engine) {
	for name, raw := range map[string]string{
		"length": "Content-Length: 10\r\n\r\n12345", "nothing": "Content-Length: 10\r\n\r\n", "chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempt.Within(t, enough, func(t testing.TB, d time.Duration) {
				got := make(chan error, 1)
				g := start(t, e, wire.ServerOptions{ReadTimeout: d}, func(x *gateway.Exchange) error {
					_, err := io.ReadAll(x.Request.Body)
					got <- err
					return text(408, "slow")(x)
				})
				c := g.dial(t)
				c.send("POST / HTTP/1.1\r\nHost: a\r\n" + raw)
				c.expect(408, "slow")
				c.ended()
				if err := receive(t, got); !gateway.IsTimeout(err) {
					t.Errorf("the body ended with %v, want a timeout", err)
				}
			})
		})
	}
}

// What one request has taken of the time isn't missing from the next.
func testReadTimeoutIsForEachRequest(t *testing.T, e Engine) {
	attempt.Within(t, time.Second, func(t testing.TB, d time.Duration) {
		g := start(t, e, wire.ServerOptions{ReadTimeout: d, IdleTimeout: time.Hour}, echo)
		c := g.dial(t)
		for range 3 {
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
			time.Sleep(2 * d / 5)
			c.send("cd")
			c.expect(200, "/ abcd")
		}
	})
}

func testWriteTimeout(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"known length": 1 << 40, "unknown length": -1} {
		done := make(chan error, 1)
		g := start(t, e, wire.ServerOptions{WriteTimeout: brief}, func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
			return streaming(length, zeros{})(x)
		})
		g.dial(t).get("GET /") // and never reads
		if err := receive(t, done); !gateway.IsTimeout(err) {
			t.Errorf("%s: SendErr is %v, want a timeout", name, err)
		}
	}
}

// The time runs from the end of the request's head on, and for each request anew.
func testWriteTimeoutOfSlowHandler(t *testing.T, e Engine) {
	attempt.Within(t, 2*brief, func(t testing.TB, d time.Duration) {
		done := make(chan error, 2)
		g := start(t, e, wire.ServerOptions{WriteTimeout: d}, func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
			if x.Request.Path == "/slow" {
				time.Sleep(d + brief)
			}
			return stream(5, "hello")(x)
		})
		c := g.dial(t)
		c.get("GET /")
		c.expect(200, "hello")
		receive(t, done)
		time.Sleep(d + brief) // the connection may idle longer
		c.get("GET /")
		c.expect(200, "hello")
		receive(t, done)
		c.get("GET /slow")
		if err := receive(t, done); !gateway.IsTimeout(err) {
			t.Errorf("SendErr is %v, want a timeout", err)
		}
		if rest, _ := c.rest(); rest != "" {
			t.Errorf("got %q", rest)
		}
	})
}

func testIdleTimeout(t *testing.T, e Engine) {
	for name, o := range map[string]wire.ServerOptions{
		"below ReadTimeout": {ReadTimeout: time.Hour}, "alone": {}, "below ReadHeaderTimeout": {ReadHeaderTimeout: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempt.Within(t, enough, func(t testing.TB, d time.Duration) {
				o := o
				o.IdleTimeout = d
				g := start(t, e, o, func(x *gateway.Exchange) error {
					if x.Request.Path == "/slow" { // the time in which it answers isn't idle
						time.Sleep(d + brief)
					}
					return text(200, "hello")(x)
				})
				c := g.dial(t)
				for _, path := range []string{"/", "/slow", "/"} {
					c.get("GET " + path)
					c.expect(200, "hello")
				}
				c.ended()
			})
		})
	}
}

func testNoIdleTimeout(t *testing.T, e Engine) {
	attempt.Within(t, enough, func(t testing.TB, d time.Duration) {
		g := start(t, e, wire.ServerOptions{ReadTimeout: d, ReadHeaderTimeout: d, WriteTimeout: d}, text(200, "hello"))
		c := g.dial(t)
		c.get("GET /")
		c.expect(200, "hello")
		_ = c.SetReadDeadline(time.Now().Add(2 * d))
		if _, err := c.rest(); !gateway.IsTimeout(err) {
			t.Errorf("the connection was closed, though it may idle: %v", err)
		}
		c.r.Reset(c)
		c.get("GET /")
		c.expect(200, "hello")
	})
}

// A deadline for each read must not end a request that takes longer than that.
func testReadDeadline(t *testing.T, e Engine) {
	ca := testpki.New(t)
	for _, secured := range []bool{false, true} {
		attempt.Within(t, enough, func(t testing.TB, d time.Duration) { readDeadline(t, e, ca, secured, d) })
	}
}

func readDeadline(t testing.TB, e Engine, ca *testpki.CA, secured bool, d time.Duration) {
	read := make(chan error, 1)
	o := wire.ServerOptions{}
	if secured {
		o = secure(t, ca, tlsconf.Options{})
	}
	o.Listen.ReadDeadline = d
	g := start(t, e, o, func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/slow":
			select {
			case <-x.Context().Done():
				return x.Context().Err()
			case <-time.After(2 * d): // the handler is slow
			}
		case "/body":
			_, err := io.ReadAll(x.Request.Body)
			read <- err
		}
		return text(200, "hello")(x)
	})
	dial := func() *client {
		c := g.dial(t)
		if secured {
			c = newClient(t, tls.Client(c.Conn, &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"}))
		}
		return c
	}
	c := dial()
	c.get("GET /slow")
	c.expect(200, "hello")
	c.ended() // idle
	c = dial()
	c.get("POST /body", "Content-Length: 10")
	c.send("12345")
	if err := receive(t, read); !gateway.IsTimeout(err) {
		t.Errorf("silent in the body: %v", err)
	}
	g.dial(t).refused(408) // silent from the start
}

func testReadTimeoutBelowTheReadDeadline(t *testing.T, e Engine) {
	attempt.Within(t, enough, func(t testing.TB, d time.Duration) {
		o := wire.ServerOptions{ReadTimeout: d}
		o.Listen.ReadDeadline = time.Hour
		read := make(chan error, 1)
		g := start(t, e, o, func(x *gateway.Exchange) error {
			_, err := io.ReadAll(x.Request.Body)
			read <- err
			return nil
		})
		c := g.dial(t)
		c.get("POST /", "Content-Length: 10")
		_, _ = c.rest()
		select {
		case err := <-read:
			if !gateway.IsTimeout(err) {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("the head was too late")
		}
	})
}

// A deadline of the exchange interrupts who waits for the client's body.
func testDeadlineWhileReading(t *testing.T, e Engine) {
	limit := timeout.New(timeout.Options{Default: brief})
	for name, fields := range map[string]string{"length": "Content-Length: 10", "chunked": "Transfer-Encoding: chunked"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := limit(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				_, err := io.ReadAll(x.Request.Body)
				return err
			}))
			g := start(t, e, wire.ServerOptions{Errors: &errorHandler{}}, h.Serve)
			c := g.dial(t)
			c.send("POST / HTTP/1.1\r\nHost: gw.test\r\n" + fields + "\r\n\r\n1")
			if res, _ := c.response("POST"); res.StatusCode != 504 || !res.Close {
				t.Errorf("status %d, close %t", res.StatusCode, res.Close)
			}
			c.ended()
		})
	}
}

// A deadline of the exchange interrupts writing to a client that reads nothing.
func testDeadlineWhileWriting(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"known length": 1 << 40, "unknown length": -1} {
		done := make(chan error, 1)
		h := timeout.New(timeout.Options{Default: brief})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
			return streaming(length, zeros{})(x)
		}))
		g := start(t, e, wire.ServerOptions{}, h.Serve)
		g.dial(t).get("GET /")
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s: no SendErr", name)
			}
		case <-time.After(patience):
			t.Errorf("%s: the exchange doesn't end", name)
		}
	}
}
