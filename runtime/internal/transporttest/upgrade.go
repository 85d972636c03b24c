package transporttest

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var upgradeTests = []test{
	{"Upgrade", testUpgrade},
	{"UpgradeRefused", testUpgradeRefused},
	{"UpgradeIsClosed", testUpgradeIsClosed},
	{"UpgradeOutlivesTimeouts", testUpgradeOutlivesTimeouts},
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

func newUpgrade(t *testing.T, u *upstream) *leg {
	l := newLeg(t, "GET", u.url())
	l.Request.Header = fields("Connection", "Upgrade", "Upgrade", "echo")
	return l
}

func testUpgrade(t *testing.T, e Engine) {
	for _, early := range []string{"", "hello ", strings.Repeat("hello ", 20_000)} {
		u := newUpstream(t, func(c *conn) {
			head := c.head()
			if !strings.Contains(head, "Connection: Upgrade\r\n") || !strings.Contains(head, "Upgrade: echo\r\n") {
				c.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				return
			}
			c.say("HTTP/1.1 103 Early Hints\r\n\r\n" + switching + early)
			_, _ = io.Copy(c, c.r) // until the client's side has closed its half
			c.say("!")
		})
		l := newUpgrade(t, u)
		l.serve(newTransport(t, e, wire.TransportOptions{}))
		r := &l.Response
		if r.Status != 101 || r.Conn == nil || r.Body != nil || r.Header.Get("Upgrade") != "echo" {
			t.Fatalf("response: %+v", r)
		}
		_, _ = io.WriteString(r.Conn, "world")
		if err := r.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r.Conn); string(b) != early+"world!" || err != nil {
			t.Errorf("read %d bytes, %v", len(b), err)
		}
		_ = r.Conn.Close()
		l.end()
	}
}

// An upstream that doesn't want to answers as always.
func testUpgradeRefused(t *testing.T, e Engine) {
	u := newUpstream(t, answering(ok))
	tr := newTransport(t, e, wire.TransportOptions{})
	for range 2 {
		l := newUpgrade(t, u)
		l.serve(tr).expect(200, "ok")
		if l.Response.Conn != nil {
			t.Error("there is a connection")
		}
		l.end()
	}
	if n := u.count(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// The connection is closed with the response's, and nobody else gets it.
func testUpgradeIsClosed(t *testing.T, e Engine) {
	u := newUpstream(t, func(c *conn) {
		if !strings.Contains(c.head(), "Upgrade") {
			c.say(ok)
			return
		}
		c.say(switching)
		_, _ = c.ends()
	})
	tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: 1})
	l := newUpgrade(t, u).serve(tr)
	_ = l.Response.Conn.Close()
	u.wait(t, 0)
	l.end()
	get(t, tr, u.url()) // and its place is free
}

func testUpgradeOutlivesTimeouts(t *testing.T, e Engine) {
	const d = 200 * time.Millisecond
	proceed := make(chan struct{})
	u := newUpstream(t, func(c *conn) {
		_ = c.head()
		c.say(switching)
		receive(t, proceed)
		c.say("late")
	})
	l := newUpgrade(t, u).serve(newTransport(t, e, wire.TransportOptions{ResponseHeaderTimeout: d, IdleConnTimeout: d, ExpectContinueTimeout: d}))
	defer l.end()
	pause(3 * d / 2)
	close(proceed)
	if b, err := io.ReadAll(l.Response.Conn); string(b) != "late" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	_ = l.Response.Conn.Close()
}
