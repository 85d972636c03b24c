package transporttest

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var staleTests = []test{
	{"StaleConnection", testStaleConnection},
	{"ManyStaleConnections", testManyStaleConnections},
	{"FreshConnectionFails", testFreshConnectionFails},
	{"ClosedWhileIdle", testClosedWhileIdle},
	{"UpstreamResets", testUpstreamResets},
}

// The upstream closes a kept connection just as the next request goes out on it.
func testStaleConnection(t *testing.T, e Engine) {
	small := max(e.SmallBody, 3)
	for name, tt := range map[string]struct {
		method   string
		size     int
		unknown  bool
		replayed bool
	}{
		"GET":                 {"GET", 0, false, true},
		"HEAD":                {"HEAD", 0, false, true},
		"DELETE":              {"DELETE", 0, false, true},
		"PUT, small":          {"PUT", 3, false, e.SmallBody > 0},
		"PUT, large":          {"PUT", small + 1, false, false}, // its beginning can't be had again
		"PUT, unknown length": {"PUT", 3, true, false},
		"POST":                {"POST", 3, false, false}, // it may have been done (RFC 9110, section 9.2.2)
		"POST, no body":       {"POST", 0, false, false},
		"PATCH":               {"PATCH", 3, false, false},
	} {
		for _, reset := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " reset", false: ""}[reset], func(t *testing.T) {
				t.Parallel()
				text := strings.Repeat("x", tt.size)
				requests := make(chan string, 3)
				u := newUpstream(t, func(c *conn) {
					requests <- c.request()
					c.say("HTTP/1.1 204 No Content\r\n\r\n")
					if c.n == 0 {
						requests <- c.request() // and no answer to that
						if reset {
							c.reset()
						}
					}
				})
				tr := newTransport(t, e, wire.TransportOptions{})
				get(t, tr, u.url())
				receive(t, requests)
				l := newLeg(t, tt.method, u.url())
				defer l.end()
				var b *body
				if tt.size > 0 {
					length := int64(tt.size)
					if tt.unknown {
						length = -1
					}
					b = l.setBody(text, length)
				}
				err := tr.Serve(l.Exchange)
				first := receive(t, requests)
				if !strings.HasSuffix(first, text) {
					t.Errorf("the first attempt was %q", first)
				}
				if !tt.replayed {
					if err == nil || u.count() > 1 {
						t.Errorf("status %d, error %v, %d connections", l.Response.Status, err, u.count())
					}
					return
				}
				if err != nil || l.Response.Status != 204 {
					t.Fatalf("status %d, error %v", l.Response.Status, err)
				}
				if second := receive(t, requests); second != first {
					t.Errorf("first %q, then %q", first, second)
				}
				if b != nil && b.reads > 3 {
					t.Errorf("the body was read %d times", b.reads)
				}
			})
		}
	}
}

// All kept connections may have ended, say because the upstream has been started anew.
func testManyStaleConnections(t *testing.T, e Engine) {
	const n = 4
	var arrived sync.WaitGroup
	arrived.Add(n)
	u := newUpstream(t, func(c *conn) {
		_ = c.request()
		if c.n < n {
			arrived.Done()
			arrived.Wait() // so that each has a connection of its own
		}
		c.say(ok)
		if c.n >= n {
			_ = c.request()
			return
		}
		_ = c.request() // and no answer
	})
	tr := newTransport(t, e, wire.TransportOptions{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			l := newLeg(t, "GET", u.url())
			defer l.end()
			if err := tr.Serve(l.Exchange); err != nil {
				t.Error(err)
				return
			}
			l.expect(200, "ok")
		})
	}
	all.Wait()
	get(t, tr, u.url())
}

// What fails on a connection that is new is the upstream's fault, and not tried again.
func testFreshConnectionFails(t *testing.T, e Engine) {
	for name, read := range map[string]bool{"before the request": false, "after the request": true} {
		for _, reset := range []bool{false, true} {
			u := newUpstream(t, func(c *conn) {
				if read {
					_ = c.request()
				}
				if reset {
					c.reset()
				}
			})
			l := newLeg(t, "GET", u.url())
			if err := newTransport(t, e, wire.TransportOptions{}).Serve(l.Exchange); err == nil {
				t.Errorf("%s: no error", name)
			}
			if n := u.count(); n != 1 {
				t.Errorf("%s, reset %v: %d attempts", name, reset, n)
			}
			l.end()
		}
	}
}

// A connection that has ended while it was idle, or on which something came that nobody has asked for, isn't used. So
// requests that can't be sent twice don't fail for it.
func testClosedWhileIdle(t *testing.T, e Engine) {
	for name, end := range map[string]func(c *conn){
		"closed": func(c *conn) { _ = c.Conn.(*net.TCPConn).CloseWrite() },
		"reset":  func(c *conn) { c.reset() },
		"408":    func(c *conn) { c.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 6\r\n\r\npoison") },
		"408 and close": func(c *conn) {
			c.say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
			_ = c.Conn.(*net.TCPConn).CloseWrite()
		},
		"a byte": func(c *conn) { c.say("x") },
	} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				idle, ended := make(chan struct{}), make(chan struct{})
				u := newUpstream(t, func(c *conn) {
					_ = c.request()
					c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", c.n))
					if c.n == 0 {
						receive(t, idle)
						end(c)
						close(ended)
						_, _ = c.ends()
					}
				})
				tr := newTransport(t, e, wire.TransportOptions{})
				get(t, tr, u.url())
				close(idle)
				receive(t, ended)
				if e.NoticesLate {
					u.wait(t, 0)
				}
				l := newLeg(t, method, u.url())
				defer l.end()
				if method == "POST" {
					l.setBody("abc", 3)
				}
				l.serve(tr).expect(200, "1")
				u.wait(t, 0)
			})
		}
	}
}

func testUpstreamResets(t *testing.T, e Engine) {
	for name, serve := range map[string]func(c *conn){
		"in the status line":  func(c *conn) { _ = c.request(); c.say("HTTP/1.1 2") },
		"in the head":         func(c *conn) { _ = c.request(); c.say("HTTP/1.1 200 OK\r\nX: y\r\n") },
		"after a 103":         func(c *conn) { _ = c.request(); c.say("HTTP/1.1 103 Early Hints\r\n\r\n") },
		"in the request":      func(c *conn) { _ = c.head() },
		"in the request head": func(c *conn) { _, _ = c.r.ReadByte() },
	} {
		for _, reset := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " reset", false: ""}[reset], func(t *testing.T) {
				t.Parallel()
				u := newUpstream(t, func(c *conn) {
					if c.n > 0 {
						_ = c.request()
						c.say(ok)
						return
					}
					serve(c)
					if reset {
						c.reset()
					}
				})
				tr := newTransport(t, e, wire.TransportOptions{})
				l := newLeg(t, "POST", u.url())
				l.setBody(strings.Repeat("x", 1<<20), 1<<20)
				if err := tr.Serve(l.Exchange); err == nil {
					t.Error("no error")
				}
				l.end()
				get(t, tr, u.url())
			})
		}
	}
}
