package server_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// serveWire runs a server of the engine that hands HTTP/2 over, and returns its address.
func serveWire(t *testing.T, o wire.ServerOptions, h gateway.HandlerFunc) string {
	t.Helper()
	o.Listen.Addr, o.HTTP2, o.ShutdownTimeout = "127.0.0.1:0", &server.HTTP2{H2C: true}, patience
	s := wire.NewServer(o, h)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	runUntilCleanup(t, s.Run)
	return s.Addr().String()
}

// Clients find HTTP/2 where they find HTTP/1.1.
func TestWireHandsOver(t *testing.T) {
	ca := testpki.New(t)
	for _, tt := range []struct {
		name, scheme string
		client       func(*http.Protocols, bool)
		want         string
	}{
		{"HTTP/2", "https", http2, "HTTP/2.0 https /%61 alpn=h2 body=four"},
		{"HTTP/1.1 over TLS", "https", http1, "HTTP/1.1 https /%61 alpn= body=four"},
		{"h2c", "http", h2c, "HTTP/2.0 http /%61 alpn= body=four"},
		{"HTTP/1.1", "http", http1, "HTTP/1.1 http /%61 alpn= body=four"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o wire.ServerOptions
			if tt.scheme == "https" {
				o.Listen.TLS = secure(t, ca, tlsconf.Options{}).Listen.TLS
			}
			addr := serveWire(t, o, told)
			if _, body, err := fetch(httpClient(t, ca, tt.client), tt.scheme+"://"+addr+"/%61"); err != nil || body != tt.want {
				t.Errorf("got %q, %v; want %q", body, err, tt.want)
			}
		})
	}
}

// The deadlines of the listener hold for HTTP/2, too, but not while the client waits for an answer.
func TestWireHandsDeadlinesOver(t *testing.T) {
	const deadline = 100 * time.Millisecond
	ca := testpki.New(t)
	late := func(x *gateway.Exchange) error {
		time.Sleep(2 * deadline)
		return told(x)
	}
	for scheme, version := range map[string]func(*http.Protocols, bool){"http": h2c, "https": http2} {
		var o wire.ServerOptions
		o.Listen.ReadDeadline = deadline
		if scheme == "https" {
			o.Listen.TLS = secure(t, ca, tlsconf.Options{}).Listen.TLS
		}
		closed := make(chan struct{})
		c := httpClient(t, ca, version)
		c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &watched{Conn: conn, ended: sync.OnceFunc(func() { close(closed) })}, err
		}
		if _, body, err := fetch(c, scheme+"://"+serveWire(t, o, late)); err != nil {
			t.Errorf("%s: got %q, %v", scheme, body, err)
		}
		select {
		case <-closed:
		case <-time.After(patience):
			t.Errorf("%s: the server waits for a silent client", scheme)
		}
	}
}

// A watched connection tells when the client closes it, which it does when the server has done so.
type watched struct {
	net.Conn
	ended func()
}

func (w *watched) Close() error {
	w.ended()
	return w.Conn.Close()
}
