package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A handover is a listener of connections that something else has accepted.
type handover struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.addr }

// forward accepts connections for h. Those with TLS have shaken hands when they are handed over, and of the
// others the first bytes have been read.
func (h *handover) forward(l net.Listener, config *tls.Config) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		if config != nil {
			c = tls.Server(c, config)
			if c.(*tls.Conn).Handshake() != nil {
				_ = c.Close()
				continue
			}
		} else {
			r := bufio.NewReader(c)
			_, _ = r.Peek(3)
			c = peeked{c, r}
		}
		select {
		case h.conns <- c:
		case <-h.closed:
			_ = c.Close()
		}
	}
}

// A peeked connection is one of which bytes have been read ahead.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// A served is a server of HTTP/2 at work.
type served struct {
	addr   string
	stop   func()
	closed <-chan struct{} // closed when it takes no more connections
}

// serveHandover runs h2 on the connections that come to a port.
func serveHandover(t *testing.T, h2 *server.HTTP2, o wire.ServerOptions, h gateway.HandlerFunc) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := &handover{conns: make(chan net.Conn), closed: make(chan struct{}), addr: l.Addr()}
	var accepting sync.WaitGroup
	accepting.Go(func() { over.forward(l, o.Listen.TLS) })
	stop := runUntilCleanup(t, func(ctx context.Context) error {
		defer accepting.Wait()
		defer l.Close()
		return h2.Serve(ctx, over, &o, h)
	})
	return &served{addr: l.Addr().String(), stop: stop, closed: over.closed}
}

// runUntilCleanup runs f until stop is called or the test ends.
func runUntilCleanup(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serving ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("serving doesn't end")
		}
	})
	return cancel
}

// told answers with what the engine says of the connection.
func told(x *gateway.Exchange) error {
	q := &x.Request
	alpn := ""
	if q.TLS != nil {
		alpn = q.TLS.NegotiatedProtocol
	}
	b, err := io.ReadAll(q.Body)
	x.Response.Status = 200
	x.Response.Bytes = fmt.Appendf(nil, "%s %s %s alpn=%s body=%s", q.Proto, q.Scheme, q.RawPath, alpn, b)
	return err
}

// fetch sends a request and returns what comes.
func fetch(c *http.Client, url string) (*http.Response, string, error) {
	res, err := c.Post(url, "text/plain", strings.NewReader("four"))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

func TestHandover(t *testing.T) {
	ca := testpki.New(t)
	lines := &logger{}
	o := wire.ServerOptions{AltSvc: `h2=":1"`, Logger: lines}
	o.Listen.TLS = secure(t, ca, tlsconf.Options{NextProtos: []string{"h2", "http/1.1"}}).Listen.TLS
	s := serveHandover(t, &server.HTTP2{}, o, told)
	c := httpClient(t, ca, http2)
	for range 2 { // the second request goes over the same connection
		res, body, err := fetch(c, "https://"+s.addr+"/%61")
		if err != nil {
			t.Fatal(err)
		}
		if body != "HTTP/2.0 https /%61 alpn=h2 body=four" || res.Header.Get("Alt-Svc") != `h2=":1"` {
			t.Errorf("got %q, %v", body, res.Header)
		}
	}
	if lines.has("server") { // it's another one that starts and stops
		t.Errorf("logged %q", lines.lines)
	}

	s = serveHandover(t, &server.HTTP2{H2C: true}, wire.ServerOptions{}, told)
	_, body, err := fetch(httpClient(t, nil, h2c), "http://"+s.addr+"/%61")
	if err != nil || body != "HTTP/2.0 http /%61 alpn= body=four" {
		t.Errorf("got %q, %v", body, err)
	}
}

// What speaks HTTP/1.1 gets no answer from a server that is there for HTTP/2.
func TestHandoverOfHTTP1(t *testing.T) {
	ca := testpki.New(t)
	var o wire.ServerOptions
	o.Listen.TLS = secure(t, ca, tlsconf.Options{NextProtos: []string{"http/1.1"}}).Listen.TLS
	s := serveHandover(t, &server.HTTP2{H2C: true}, o, told)
	if res, _, err := fetch(httpClient(t, ca, http1), "https://"+s.addr); err == nil {
		t.Errorf("over TLS: status %d", res.StatusCode)
	}
	for _, h2 := range []*server.HTTP2{{}, {H2C: true}} {
		if h2.Cleartext() != h2.H2C {
			t.Error("Cleartext isn't what H2C says")
		}
		s := serveHandover(t, h2, wire.ServerOptions{}, told)
		if got := exchangeRaw(t, s.addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); got != "" {
			t.Errorf("H2C %t: got %q", h2.H2C, got)
		}
	}
}

// exchangeRaw sends text and returns what comes until the server closes the connection.
func exchangeRaw(t *testing.T, addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	b, err := io.ReadAll(c)
	if err, ok := errors.AsType[net.Error](err); ok && err.Timeout() {
		t.Error("the connection isn't closed")
	}
	return string(b)
}

func TestHandoverDrains(t *testing.T) {
	started, answer := make(chan struct{}, 1), make(chan struct{})
	s := serveHandover(t, &server.HTTP2{H2C: true}, wire.ServerOptions{ShutdownTimeout: time.Hour}, blocking(started, answer))
	got := make(chan string, 1)
	go func() {
		_, body, err := fetch(httpClient(t, nil, h2c), "http://"+s.addr)
		got <- fmt.Sprint(body, err)
	}()
	<-started
	s.stop()
	<-s.closed
	close(answer)
	if got := <-got; got != "late<nil>" {
		t.Errorf("got %s", got)
	}
}

func TestHandoverCutsOff(t *testing.T) {
	started := make(chan struct{}, 1)
	lines := &logger{}
	s := serveHandover(t, &server.HTTP2{H2C: true}, wire.ServerOptions{ShutdownTimeout: 20 * time.Millisecond, Logger: lines}, blocking(started, nil))
	got := make(chan error, 1)
	go func() {
		_, _, err := fetch(httpClient(t, nil, h2c), "http://"+s.addr)
		got <- err
	}()
	<-started
	s.stop()
	if err := <-got; err == nil {
		t.Error("the exchange has ended by itself")
	}
	if !lines.has("cut off") { // it is said before
		t.Errorf("logged %q", lines.lines)
	}
}

func TestHandoverIdleTimeout(t *testing.T) {
	s := serveHandover(t, &server.HTTP2{H2C: true, IdleTimeout: 50 * time.Millisecond}, wire.ServerOptions{IdleTimeout: time.Hour}, told)
	exchangeRaw(t, s.addr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+"\x00\x00\x00\x04\x00\x00\x00\x00\x00") // the preface and empty settings
}
