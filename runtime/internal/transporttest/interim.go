package transporttest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var interimTests = []test{
	{"Interim", testInterim},
	{"InterimFails", testInterimFails},
	{"TooManyInterims", testTooManyInterims},
	{"ContinueAtMostOnce", testContinueAtMostOnce},
	{"ExpectContinue", testExpectContinue},
	{"ExpectContinueTimeout", testExpectContinueTimeout},
}

type interim struct {
	Status int
	Header gateway.Header
}

// keep keeps the informational responses to l in got.
func (l *leg) keep(got *[]interim) {
	l.Interim = func(status int, h gateway.Header) error {
		*got = append(*got, interim{status, sorted(h)})
		return nil
	}
}

func testInterim(t *testing.T, e Engine) {
	const response = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nlink: </b.css>\r\n\r\n" +
		"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </c.css>\r\n\r\n" + ok
	u := newUpstream(t, answering(response))
	tr := newTransport(t, e, wire.TransportOptions{})
	for range 2 {
		var got []interim
		l := newLeg(t, "GET", u.url())
		l.keep(&got)
		l.serve(tr)
		want := []interim{{103, fields("Link", "</style.css>", "Link", "</b.css>")}, {102, nil}, {103, fields("Link", "</c.css>")}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if l.Response.Header.Has("Link") {
			t.Errorf("fields of the response: %v", l.Response.Header)
		}
		l.expect(200, "ok")
		l.end()
		if status, body := get(t, tr, u.url()); status != 200 || body != "ok" {
			t.Errorf("with nobody to send them to: %d %s", status, body)
		}
	}
	if n := u.count(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func testInterimFails(t *testing.T, e Engine) {
	u := newUpstream(t, answering("HTTP/1.1 103 Early Hints\r\n\r\n"+ok))
	gone := errors.New("client has gone")
	tr := newTransport(t, e, wire.TransportOptions{})
	l := newLeg(t, "GET", u.url())
	l.Interim = func(int, gateway.Header) error { return gone }
	if err := tr.Serve(l.Exchange); err == nil || !strings.Contains(err.Error(), gone.Error()) {
		t.Errorf("the error is %v", err)
	}
	l.end()
	if _, body := get(t, tr, u.url()); body != "ok" || u.count() != 2 {
		t.Errorf("the next response is %q, on connection %d", body, u.count())
	}
}

func testTooManyInterims(t *testing.T, e Engine) {
	u := newUpstream(t, func(c *conn) {
		_ = c.head()
		_, _ = io.Copy(c, &endless{part: "HTTP/1.1 102 Processing\r\n\r\n"})
	})
	l := newLeg(t, "GET", u.url())
	defer l.end()
	n := 0
	l.Interim = func(int, gateway.Header) error { n++; return nil }
	if err := newTransport(t, e, wire.TransportOptions{}).Serve(l.Exchange); err == nil || gateway.IsTimeout(err) || n > 1000 {
		t.Errorf("%d interim responses, then %v", n, err)
	}
	u.wait(t, 0)
}

// Whatever the upstream sends, the client is told to go on once.
func testContinueAtMostOnce(t *testing.T, e Engine) {
	u := newUpstream(t, func(c *conn) {
		head := c.head()
		c.say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
		if strings.HasPrefix(head, "POST") {
			_, _ = io.CopyN(io.Discard, c.r, 3)
		}
		c.say("HTTP/1.1 100 Continue\r\n\r\n" + ok)
	})
	for _, tt := range []struct {
		method string
		expect bool
	}{{"GET", false}, {"POST", false}, {"POST", true}} {
		var got []interim
		l := newLeg(t, tt.method, u.url())
		l.keep(&got)
		if tt.method == "POST" {
			l.setBody("abc", 3)
		}
		if tt.expect {
			l.Request.Header.Add("Expect", "100-continue")
		}
		l.serve(newTransport(t, e, wire.TransportOptions{ExpectContinueTimeout: patience})).expect(200, "ok")
		l.end()
		others, continues := []int(nil), 0
		for _, i := range got {
			if i.Status == 100 {
				continues++
			} else {
				others = append(others, i.Status)
			}
		}
		if diff := cmp.Diff([]int{103, 102}, others); diff != "" || continues > 1 {
			t.Errorf("%+v: %d times 100; %s", tt, continues, diff)
		}
	}
}

// With Expect, the body is read, and so asked for, only when the upstream wants it.
func testExpectContinue(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		answer string
		status int
		read   bool
	}{
		"wanted":        {"HTTP/1.1 100 Continue\r\n\r\n", 200, true},
		"hints before":  {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", 200, true},
		"refused":       {"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 417, false},
		"refused, kept": {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, false},
	} {
		if name == "refused, kept" && e.SendsRefusedBody {
			continue
		}
		for _, length := range []int64{3, -1} {
			t.Run(fmt.Sprint(name, " ", length), func(t *testing.T) {
				t.Parallel()
				asked := make(chan struct{})
				u := newUpstream(t, func(c *conn) {
					head := c.head()
					if strings.HasPrefix(head, "GET") {
						c.say(ok)
						return
					}
					if !strings.Contains(head, "Expect: 100-continue") {
						c.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
						return
					}
					close(asked)
					c.say(tt.answer)
					if tt.read {
						for b := byte(0); b != 'c'; {
							b, _ = c.r.ReadByte()
						}
						c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
					_, _ = c.ends()
				})
				tr := newTransport(t, e, wire.TransportOptions{ExpectContinueTimeout: patience})
				l := newLeg(t, "POST", u.url())
				b := &watched{Reader: strings.NewReader("abc"), asked: asked}
				l.Request.Body, l.Request.ContentLength = b, length
				l.Request.Header.Add("Expect", "100-continue")
				l.serve(tr)
				if l.Response.Status != tt.status || b.read != tt.read || b.early {
					t.Errorf("status %d, read: %v, before it was asked for: %v", l.Response.Status, b.read, b.early)
				}
				l.end()
				if !tt.read { // the upstream can't know whether the body still comes
					get(t, tr, u.url())
					u.wait(t, 0)
				}
			})
		}
	}
}

// A watched body tells whether it was read before the upstream had seen the head.
type watched struct {
	io.Reader
	asked       chan struct{}
	read, early bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.read = true
	select {
	case <-w.asked:
	default:
		w.early = true
	}
	return w.Reader.Read(p)
}

func (w *watched) Close() error { return nil }

// The body goes out without the upstream's word when that is too long in coming.
func testExpectContinueTimeout(t *testing.T, e Engine) {
	for name, timeout := range map[string]time.Duration{"some": soon, "none": 0} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, func(c *conn) {
				_ = c.head()
				_, _ = io.CopyN(io.Discard, c.r, 3)
				c.say("HTTP/1.1 204 No Content\r\n\r\n")
			})
			l := newLeg(t, "POST", u.url())
			defer l.end()
			l.Request.Header.Add("Expect", "100-continue")
			l.setBody("abc", 3)
			l.serve(newTransport(t, e, wire.TransportOptions{ExpectContinueTimeout: timeout})).expect(204, "")
		})
	}
}
