package http3transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/quicconf"
)

func TestOneConnectionForMany(t *testing.T) {
	t.Parallel()
	var waiting sync.WaitGroup
	waiting.Add(50)
	u := newUpstream(t, nil, func(http.ResponseWriter, *http.Request) {
		waiting.Done()
		waiting.Wait() // all at a time
	})
	tr := u.transport(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { get(t, tr, u.url()) })
	}
	all.Wait()
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// More requests than the upstream allows on one connection go to others, and then to the same ones.
func TestConnectionIsFull(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	var begun atomic.Int32
	u := newUpstream(t, &quic.Config{MaxIncomingStreams: 2}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		begun.Add(1)
		<-goOn
	})
	tr := u.transport(t)
	var all sync.WaitGroup
	for i := range 7 {
		all.Go(func() {
			l := newLeg(t, "POST", u.url())
			defer l.end()
			l.setBody(strings.Repeat("x", i*3000), int64(i*3000))
			if err := tr.Serve(l.Exchange); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, func() bool { return begun.Load() == 7 })
	n := u.conns.Load()
	if n < 4 {
		t.Errorf("7 requests on %d connections", n)
	}
	close(goOn)
	all.Wait()
	for range 10 {
		get(t, tr, u.url())
	}
	if u.conns.Load() != n {
		t.Errorf("%d connections, and then %d", n, u.conns.Load())
	}
}

func TestIdleConnections(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	o := u.options()
	o.QUIC.MaxIdleTimeout = 2 * soon
	tr := newTransport(t, o)
	_, first := get(t, tr, u.url())
	tr.idle(t, u)
	if _, second := get(t, tr, u.url()); second == first {
		t.Error("the connection stays")
	}
	o.QUIC = quicconf.Options{MaxIdleTimeout: 4 * soon, KeepAlivePeriod: soon}
	tr = newTransport(t, o)
	_, first = get(t, tr, u.url())
	time.Sleep(10 * soon)
	if _, second := get(t, tr, u.url()); second != first {
		t.Error("the connection isn't kept alive")
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	if _, second := get(t, tr, u.url()); second == first {
		t.Error("the connection isn't closed")
	}
}

// A server that stops tells so, and the next requests go to its successor.
func TestUpstreamRestarts(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s [%s]", r.Method, b)
		})
		tr := u.transport(t)
		ask := func() {
			l := newLeg(t, method, u.url())
			defer l.end()
			if method == "POST" {
				l.setBody("abc", 3)
			}
			if err := tr.Serve(l.Exchange); err != nil {
				t.Errorf("%s: %v", method, err)
			} else if got := l.text(); got != method+" [abc]" && got != method+" []" {
				t.Errorf("%s: %q", method, got)
			}
		}
		ask()
		u.stop()
		tr.idle(t, u)
		again := newUpstreamAt(t, u)
		ask()
		if again.conns.Load() != 1 {
			t.Errorf("%s: %d connections", method, again.conns.Load())
		}
	}
}

// idle waits until there is no connection to u any more.
func (t *Transport) idle(tb *testing.T, u *upstream) {
	tb.Helper()
	o := t.pool.origin(u.addr)
	eventually(tb, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return !slices.ContainsFunc(o.conns, func(c *conn) bool { return !c.isClosed() })
	})
}

// newUpstreamAt starts one where u has stopped.
func newUpstreamAt(t *testing.T, u *upstream) *upstream {
	t.Helper()
	again := newUpstream(t, nil, u.http.Handler.ServeHTTP)
	again.stop()
	again.http = &http3.Server{Handler: u.http.Handler, ConnContext: again.http.ConnContext}
	again.ca = u.ca
	cert, key := u.ca.Issue(t, "localhost")
	again.listen(t, u.addr, serverTLS(t, cert, key), nil)
	return again
}

// What the upstream has not processed is sent again; what it may have, only if that does no harm (RFC 9110, section 9.2.2).
func TestRepeating(t *testing.T) {
	t.Parallel()
	reset := func(code http3.ErrCode) func(c *quic.Conn, s *quic.Stream) {
		return func(_ *quic.Conn, s *quic.Stream) {
			s.CancelRead(quic.StreamErrorCode(code))
			s.CancelWrite(quic.StreamErrorCode(code))
		}
	}
	closed := func(c *quic.Conn, _ *quic.Stream) {
		_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	}
	for _, tt := range []struct {
		name, method string
		used         bool // there has been a request on the connection
		length       int
		fail         func(c *quic.Conn, s *quic.Stream)
		ok           bool
	}{
		{"refused", "POST", false, 0, reset(http3.ErrCodeRequestRejected), true},
		{"refused, small body", "POST", false, 10, reset(http3.ErrCodeRequestRejected), true},
		{"refused, large body", "POST", false, 10000, reset(http3.ErrCodeRequestRejected), false},
		{"broken", "GET", true, 0, reset(http3.ErrCodeInternalError), false},
		{"closed", "GET", true, 0, closed, true},
		{"closed", "DELETE", true, 0, closed, true},
		{"closed, at the first request", "GET", false, 0, closed, false},
		{"closed", "POST", true, 0, closed, false},
		{"closed, small body", "PUT", true, 10, closed, true},
		{"closed, large body", "PUT", true, 10000, closed, false},
	} {
		t.Run(tt.name+" "+tt.method, func(t *testing.T) {
			t.Parallel()
			u := newRaw(t, nil, func(c *quic.Conn, n int) {
				streams(c, func(s *quic.Stream, i int) {
					if n == 0 && (i == 1 || !tt.used) {
						tt.fail(c, s)
						return
					}
					_, _ = io.Copy(io.Discard, s)
					ok(s)
				})
			})
			tr := u.transport(t)
			if tt.used {
				get(t, tr, u.url())
			}
			l := newLeg(t, tt.method, u.url())
			if tt.length > 0 {
				l.setBody(strings.Repeat("x", tt.length), int64(tt.length))
			}
			err := tr.Serve(l.Exchange)
			if (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			if err == nil {
				l.expect(200, "ok")
			}
		})
	}
}

// An upstream that answers, but neither takes the rest of the request nor says that it doesn't want it, keeps nothing for ever.
func TestStuckUpload(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	u := newRaw(t, nil, func(c *quic.Conn, n int) {
		if n == 0 {
			context.AfterFunc(c.Context(), func() { close(ended) })
		}
		streams(c, func(s *quic.Stream, _ int) { ok(s) })
	})
	tr := u.transport(t)
	l := newLeg(t, "POST", u.url())
	var taken atomic.Int64
	l.Request.Body, l.Request.ContentLength = io.NopCloser(io.TeeReader(zeros{}, counter{&taken})), -1
	l.serve(tr).expect(200, "ok")
	last := int64(-1)
	eventually(t, func() bool { // until it's stuck
		before := last
		last = taken.Load()
		time.Sleep(soon)
		return last == before && last >= 512<<10 // the initial window
	})
	if last > 16<<20 {
		t.Errorf("%d bytes are taken for an upstream that doesn't read", last)
	}
	l.end()
	receive(t, ended)
	if _, body := get(t, tr, u.url()); body != "ok" || u.conns.Load() != 2 {
		t.Errorf("the next one is %q, on connection %d", body, u.conns.Load())
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

// The address of a name that answers is taken, whichever it is: localhost is ::1, too, where nobody listens.
func TestAddresses(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	host := strings.Replace(u.addr, "127.0.0.1", "localhost", 1)
	if _, body := get(t, u.transport(t), "https://"+host); body != host {
		t.Errorf("got %q", body)
	}
}

func TestHostPort(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"a.test": "a.test:443", "a.test:1": "a.test:1", "[::1]": "[::1]:443", "[::1]:1": "[::1]:1", "10.0.0.1": "10.0.0.1:443"} {
		if got := hostPort(host); got != want {
			t.Errorf("%s: %s, not %s", host, got, want)
		}
	}
}
