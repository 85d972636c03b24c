package transporttest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var cancelTests = []test{
	{"Cancel", testCancel},
	{"CancelBeforeTheStart", testCancelBeforeTheStart},
	{"CancelWhileDialling", testCancelWhileDialling},
	{"CancelAfterTheEnd", testCancelAfterTheEnd},
}

// soonGone is how late a transport may be in giving up: a second, and some for a busy machine.
const soonGone = 1500 * time.Millisecond

// Whoever gives up is let go at once, in whatever phase, the connection is closed, and nobody else gets it.
func testCancel(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		scheme string
		serve  func(c *conn, reached func()) // what the upstream does until it waits for the end
		body   io.Reader
		expect bool
	}{
		"handshake":                {scheme: "https", serve: func(c *conn, reached func()) { _, _ = c.r.Peek(1); reached() }},
		"waiting for the head":     {serve: func(c *conn, reached func()) { _ = c.head(); reached() }},
		"within the head":          {serve: func(c *conn, reached func()) { _ = c.head(); c.say("HTTP/1.1 200 OK\r\nX: "); reached() }},
		"after informational ones": {serve: func(c *conn, reached func()) { _ = c.head(); c.say("HTTP/1.1 103 Early Hints\r\n\r\n"); reached() }},
		"waiting for a 100":        {serve: func(c *conn, reached func()) { _ = c.head(); reached() }, body: strings.NewReader("abc"), expect: true},
		"waiting for the client":   {serve: func(c *conn, reached func()) { _ = c.head(); reached() }, body: untilClosed{}},
		"the upload is stuck": {serve: func(c *conn, reached func()) {
			_ = c.head()
			_, _ = io.CopyN(io.Discard, c.r, 1<<20)
			time.AfterFunc(soon, reached)
			<-time.After(10 * soon) // meanwhile nobody reads
		}, body: zeros{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := make(chan struct{})
			u := newUpstream(t, func(c *conn) {
				if c.n == 0 {
					tt.serve(c, func() { close(reached) })
					_, _ = io.Copy(io.Discard, c.r)
					return
				}
				_ = c.request()
				c.say(ok)
			})
			tr := newTransport(t, e, wire.TransportOptions{ExpectContinueTimeout: time.Hour, MaxConnsPerHost: 1})
			scheme := "http"
			if tt.scheme != "" {
				scheme = tt.scheme
			}
			l := newLeg(t, "POST", scheme+"://"+u.addr)
			ctx, cancel := context.WithCancel(l.Context())
			l.SetContext(ctx)
			if b, ok := tt.body.(untilClosed); ok {
				b.Reader, b.PipeWriter = io.Pipe()
				l.Request.Body, l.Request.ContentLength = b, 1<<20
				context.AfterFunc(ctx, func() { _ = b.PipeWriter.CloseWithError(ctx.Err()) }) // as an engine does
			} else if tt.body != nil {
				l.Request.Body, l.Request.ContentLength = &body{Reader: tt.body}, 1<<40
			}
			if tt.expect {
				l.Request.ContentLength = 3
				l.Request.Header.Add("Expect", "100-continue")
			}
			done := make(chan error, 1)
			go func() { done <- tr.Serve(l.Exchange) }()
			receive(t, reached)
			begun := time.Now()
			cancel()
			if err := receive(t, done); !errors.Is(err, context.Canceled) || gateway.IsTimeout(err) {
				t.Errorf("the error is %v", err)
			}
			if d := time.Since(begun); d > soonGone {
				t.Errorf("it took %v", d)
			}
			l.end()
			if name != "handshake" || !e.KeepsConnecting {
				u.wait(t, 0)
			}
			if _, body := get(t, tr, u.url()); body != "ok" {
				t.Errorf("the next response is %q", body)
			}
		})
	}
	t.Run("in the response's body", func(t *testing.T) {
		t.Parallel()
		u := newUpstream(t, func(c *conn) {
			_ = c.request()
			if c.n > 0 {
				c.say(ok)
				return
			}
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			_, _ = c.ends()
		})
		tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: 1})
		l := newLeg(t, "GET", u.url())
		ctx, cancel := context.WithCancel(l.Context())
		l.SetContext(ctx)
		l.serve(tr)
		time.AfterFunc(soon, cancel)
		begun := time.Now()
		if b, err := io.ReadAll(l.Response.Body); string(b) != "abc" || !errors.Is(err, context.Canceled) {
			t.Errorf("read %q, %v", b, err)
		}
		if d := time.Since(begun); d > soonGone {
			t.Errorf("it took %v", d)
		}
		l.end()
		u.wait(t, 0)
		get(t, tr, u.url())
	})
}

// untilClosed is a body that ends with the exchange.
type untilClosed struct {
	io.Reader
	*io.PipeWriter
}

func (untilClosed) Close() error { return nil }

func testCancelBeforeTheStart(t *testing.T, e Engine) {
	u := newUpstream(t, answering(ok))
	tr := newTransport(t, e, wire.TransportOptions{})
	for i := range 2 { // without an idle connection, and with one
		l := newLeg(t, "GET", u.url())
		ctx, cancel := context.WithCancel(l.Context())
		cancel()
		l.SetContext(ctx)
		if err := tr.Serve(l.Exchange); !errors.Is(err, context.Canceled) {
			t.Errorf("%d: the error is %v", i, err)
		}
		l.end()
		get(t, tr, u.url())
	}
}

func testCancelWhileDialling(t *testing.T, e Engine) {
	addr, connect := stalled(t)
	tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: 1})
	for _, deadline := range []bool{false, true} {
		l := newLeg(t, "GET", "http://"+addr)
		ctx, cancel := context.WithCancel(l.Context())
		want := context.Canceled
		if deadline {
			ctx, cancel = context.WithTimeout(l.Context(), 2*soon)
			want = context.DeadlineExceeded
		} else {
			time.AfterFunc(2*soon, cancel)
		}
		l.SetContext(ctx)
		begun := time.Now()
		if err := tr.Serve(l.Exchange); !errors.Is(err, want) || gateway.IsTimeout(err) != deadline {
			t.Errorf("the error is %v, not %v", err, want)
		}
		if d := time.Since(begun); d > soonGone {
			t.Errorf("it took %v", d)
		}
		l.end()
		cancel()
	}
	connect()
}

// What ends after the response has been read doesn't spoil the connection.
func testCancelAfterTheEnd(t *testing.T, e Engine) {
	for _, response := range []string{ok, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"} {
		u := newUpstream(t, answering(response))
		tr := newTransport(t, e, wire.TransportOptions{})
		for range 20 {
			l := newLeg(t, "GET", u.url())
			l.serve(tr).text()
			l.end() // which cancels
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
	}
}
