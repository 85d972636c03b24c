package transporttest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/attempt"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var timeoutTests = []test{
	{"Timeouts", testTimeouts},
	{"ResponseHeaderTimeoutBeginsAfterTheRequest", testSlowUpload},
	{"ResponseHeaderTimeoutEndsWithTheHead", testSlowBody},
	{"DeadlineWithCause", testDeadlineWithCause},
	{"DeadlineInBody", testDeadlineInBody},
}

// silent is an upstream that takes connections and never says a word.
func silent(t testing.TB) *upstream {
	return newUpstream(t, func(c *conn) { _, _ = c.ends() })
}

const soon = 20 * time.Millisecond

// pause gives a timeout the time to be wrong.
func pause(d time.Duration) { time.Sleep(d) }

func testTimeouts(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		scheme   string
		options  wire.TransportOptions
		deadline bool
		want     error // in the chain of the error; nil is any timeout
	}{
		"dial":                      {"http", wire.TransportOptions{Dial: dial.Options{Timeout: time.Nanosecond}}, false, nil},
		"handshake":                 {"https", wire.TransportOptions{TLSHandshakeTimeout: soon}, false, nil},
		"response header":           {"http", wire.TransportOptions{ResponseHeaderTimeout: soon}, false, nil},
		"deadline":                  {"http", wire.TransportOptions{}, true, context.DeadlineExceeded},
		"deadline in the handshake": {"https", wire.TransportOptions{TLSHandshakeTimeout: patience}, true, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := silent(t)
			l := newLeg(t, "GET", tt.scheme+"://"+u.addr)
			defer l.end()
			if tt.deadline {
				ctx, cancel := context.WithTimeout(l.Context(), soon)
				defer cancel()
				l.SetContext(ctx)
			}
			err := newTransport(t, e, tt.options).Serve(l.Exchange)
			if !gateway.IsTimeout(err) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("the error is %v", err)
			}
			if name != "dial" && (!tt.deadline || !e.KeepsConnecting) {
				u.wait(t, 0)
			}
		})
	}
}

// A body that is long in coming isn't the upstream's fault.
func testSlowUpload(t *testing.T, e Engine) {
	for _, length := range []int64{6, -1} {
		attempt.Within(t, 600*time.Millisecond, func(t testing.TB, d time.Duration) {
			u := newUpstream(t, answering(ok))
			r, w := io.Pipe()
			go func() {
				for _, part := range []string{"ab", "cd", "ef"} {
					pause(2 * d / 5)
					_, _ = io.WriteString(w, part)
				}
				_ = w.Close()
			}()
			l := newLeg(t, "POST", u.url())
			defer l.end()
			l.Request.Body, l.Request.ContentLength = r, length
			l.serve(newTransport(t, e, wire.TransportOptions{ResponseHeaderTimeout: d})).expect(200, "ok")
		})
	}
}

func testSlowBody(t *testing.T, e Engine) {
	attempt.Within(t, 200*time.Millisecond, func(t testing.TB, d time.Duration) {
		u := newUpstream(t, func(c *conn) {
			_ = c.head()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			pause(3 * d / 2)
			c.say("ok")
		})
		l := newLeg(t, "GET", u.url())
		defer l.end()
		l.serve(newTransport(t, e, wire.TransportOptions{ResponseHeaderTimeout: d, IdleConnTimeout: d})).expect(200, "ok")
	})
}

// A deadline that has a cause of its own is still one.
func testDeadlineWithCause(t *testing.T, e Engine) {
	cause := errors.New("the middleware says so")
	l := newLeg(t, "GET", silent(t).url())
	defer l.end()
	ctx, cancel := context.WithTimeoutCause(l.Context(), soon, cause)
	defer cancel()
	l.SetContext(ctx)
	err := newTransport(t, e, wire.TransportOptions{}).Serve(l.Exchange)
	if !gateway.IsTimeout(err) || !errors.Is(err, cause) {
		t.Errorf("the error is %v", err)
	}
}

// The deadline holds for the body, too.
func testDeadlineInBody(t *testing.T, e Engine) {
	attempt.Within(t, 25*soon, func(t testing.TB, d time.Duration) {
		u := newUpstream(t, func(c *conn) {
			_ = c.head()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			_, _ = c.ends()
		})
		l := newLeg(t, "GET", u.url())
		defer l.end()
		ctx, cancel := context.WithTimeout(l.Context(), d)
		defer cancel()
		l.SetContext(ctx)
		l.serve(newTransport(t, e, wire.TransportOptions{}))
		if b, err := io.ReadAll(l.Response.Body); string(b) != "abc" || !gateway.IsTimeout(err) {
			t.Errorf("read %q, %v", b, err)
		}
		l.end()
		u.wait(t, 0)
	})
}
