package http3server

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
)

// tickets tells when a session ticket has come.
type tickets struct {
	tls.ClientSessionCache
	got chan struct{}
}

func (t *tickets) Put(key string, s *tls.ClientSessionState) {
	t.ClientSessionCache.Put(key, s)
	if s != nil {
		select {
		case t.got <- struct{}{}:
		default:
		}
	}
}

// returning is the TLS configuration of a client that has been here before.
func returning(t *testing.T, g *running) *tls.Config {
	t.Helper()
	c := g.clientTLS()
	cache := &tickets{tls.NewLRUClientSessionCache(1), make(chan struct{}, 1)}
	c.ClientSessionCache = cache
	first := g.dialWith(t, c, &quic.Config{})
	first.get("/").response()
	receive(t, cache.got)
	_ = first.CloseWithError(0, "")
	return c
}

// A deaf socket drops what comes until it hears: the handshake can't be completed. The client that quic-go has must not open a stream while it
// learns the limits of the server.
type deaf struct {
	net.PacketConn // nothing else, or quic-go uses that
	hears          atomic.Bool
}

func (d *deaf) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, a, err := d.PacketConn.ReadFrom(p)
		if err != nil || d.hears.Load() {
			return n, a, err
		}
	}
}

func TestEarlyData(t *testing.T) {
	t.Parallel()
	type call struct{ method, early string }
	calls := make(chan call, 1)
	g := start(t, Options{QUIC: quicconf.Options{Allow0RTT: true}}, func(x *gateway.Exchange) error {
		if x.Request.Body != nil {
			_, _ = io.Copy(io.Discard, x.Request.Body)
		}
		calls <- call{x.Request.Method, x.Upstream.Get("Early-Data")}
		return nil
	})
	dial := func(t *testing.T) (*client, *deaf) {
		c := returning(t, g)
		receive(t, calls)
		socket := &deaf{PacketConn: listenUDP(t)}
		tr := &quic.Transport{Conn: socket}
		t.Cleanup(func() { _ = tr.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		q, err := tr.DialEarly(ctx, g.Addr(), c, &quic.Config{})
		if err != nil {
			t.Fatal(err)
		}
		cl := &client{q, t}
		cl.settings()
		return cl, socket
	}
	ask := func(c *client, method string) {
		s := c.request(method, "/", "content-length", "1")
		s.send(data("x"))
		s.end()
	}
	t.Run("a client that isn't there gets nothing done", func(t *testing.T) {
		silent, _ := dial(t)
		ask(silent, "POST")
		ask(silent, "GET") // which is safe
		if got := receive(t, calls); got != (call{"GET", "1"}) {
			t.Errorf("got %+v", got)
		}
		select {
		case got := <-calls:
			t.Errorf("%+v is answered", got)
		case <-time.After(5 * soon):
		}
	})
	t.Run("a client that is there does", func(t *testing.T) {
		early, socket := dial(t)
		ask(early, "POST")
		socket.hears.Store(true)
		if got := receive(t, calls); got != (call{"POST", ""}) {
			t.Errorf("got %+v", got)
		}
		receive(t, early.HandshakeComplete()) // until then, what it tells of itself changes
		if !early.ConnectionState().Used0RTT {
			t.Error("the request was not early")
		}
		ask(early, "GET")
		if got := receive(t, calls); got != (call{"GET", ""}) {
			t.Errorf("later: %+v", got)
		}
	})
}

// Whoever doesn't complete the handshake in time is told to come back (RFC 8470, section 5.2).
func TestTooEarly(t *testing.T) {
	t.Parallel()
	g := guard{gateway.HandlerFunc(func(x *gateway.Exchange) error { return text(200, "")(x) })}
	for _, tt := range []struct {
		method   string
		header   gateway.Header
		complete bool
		status   int
	}{
		{"GET", nil, false, 200},
		{"POST", nil, false, 425},
		{"POST", nil, true, 200},
		{"GET", fields("Upgrade", "websocket"), false, 425},
	} {
		x := &gateway.Exchange{}
		x.Request = gateway.Request{Method: tt.method, Header: tt.header, TLS: &tls.ConnectionState{HandshakeComplete: tt.complete}}
		status := 0
		if err := g.Serve(x); err != nil {
			status = gateway.StatusOf(err)
		} else {
			status = x.Response.Status
		}
		if status != tt.status {
			t.Errorf("%+v: %d", tt, status)
		}
	}
}

func TestNoEarlyData(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, echo)
	c := returning(t, g)
	q := g.dialWith(t, c, &quic.Config{})
	if s := q.ConnectionState(); s.Used0RTT || !s.TLS.DidResume {
		t.Errorf("early: %v, resumed: %v", s.Used0RTT, s.TLS.DidResume)
	}
}
