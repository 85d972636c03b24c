package http3server

import (
	"encoding/base64"
	"io"
	"net"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/socketkey"
)

// switching consents to an upgrade, with what conn does behind it.
func switching(conn func(c net.Conn)) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		ours, theirs := net.Pipe()
		go conn(theirs)
		x.Response.Status, x.Response.Conn = 101, ours
		x.Response.Header = fields("Upgrade", x.Request.Header.Get("Upgrade"), "Connection", "Upgrade", "X-Foo", "1",
			"Sec-WebSocket-Accept", socketkey.Accept(x.Request.Header.Get("Sec-WebSocket-Key")), "Sec-WebSocket-Protocol", "chat")
		return nil
	}
}

func (c *client) connect(protocol string) *stream {
	c.t.Helper()
	return c.request("CONNECT", "/chat?x=1", ":protocol", protocol, "sec-websocket-version", "13", "sec-websocket-protocol", "chat")
}

// WebSocket over HTTP/3 (RFC 9220) looks like that over HTTP/1.1 to the handler, and like itself to the client.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	requests := make(chan gateway.Request, 1)
	done := make(chan *gateway.Exchange, 1)
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		requests <- x.Request
		x.OnDone(func(x *gateway.Exchange) { done <- &gateway.Exchange{Sent: x.Sent, SendErr: x.SendErr} })
		return switching(func(c net.Conn) {
			b := make([]byte, 5)
			_, _ = io.ReadFull(c, b)
			_, _ = c.Write([]byte("you said " + string(b)))
			_ = c.Close()
		})(x)
	})
	s := g.dial(t).connect("websocket")
	r, err := s.begin()
	if err != nil || r.status != 200 || r.header.Get("sec-websocket-protocol") != "chat" || r.header.Get("x-foo") != "1" {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, name := range []string{"connection", "upgrade", "sec-websocket-accept", "content-length"} {
		if r.header.Has(name) {
			t.Errorf("there is a field %s", name)
		}
	}
	q := receive(t, requests)
	key, _ := base64.StdEncoding.DecodeString(q.Header.Get("Sec-WebSocket-Key"))
	if q.Method != "GET" || q.Target != "/chat?x=1" || q.Proto != "HTTP/3.0" || q.Body != nil || len(key) != 16 ||
		q.Header.Get("Upgrade") != "websocket" || !q.Header.HasToken("Connection", "upgrade") {
		t.Errorf("the handler sees %+v", q)
	}
	s.send(data("he"), data("llo"))
	if _, p, err := s.frame(); err != nil || string(p) != "you said hello" {
		t.Errorf("got %q, %v", p, err)
	}
	if _, _, err := s.frame(); err != io.EOF {
		t.Errorf("the tunnel ends with %v", err)
	}
	s.end()
	if x := receive(t, done); x.Sent != int64(len("you said hello")) || x.SendErr != nil {
		t.Errorf("sent %d, %v", x.Sent, x.SendErr)
	}
}

// An extended CONNECT whose handler doesn't consent must not get a 2xx.
func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler gateway.HandlerFunc
		status  int
	}{
		"as an error":        {func(*gateway.Exchange) error { return &gateway.Error{Status: 403} }, 403},
		"by the handler":     {text(404, "not here"), 404},
		"without knowing it": {text(200, "a page"), 501},
		"to another key": {func(x *gateway.Exchange) error {
			err := switching(func(net.Conn) {})(x)
			x.Response.Header.Set("Sec-WebSocket-Accept", "x")
			return err
		}, 502},
	} {
		g := start(t, Options{}, tt.handler)
		c := g.dial(t)
		if r := c.connect("websocket").response(); r.status != tt.status {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestOtherProtocol(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.Header.Has("Sec-WebSocket-Key") || x.Request.Header.Get("Upgrade") != "connect-udp" {
			t.Errorf("got %v", x.Request.Header)
		}
		return switching(func(c net.Conn) { _, _ = io.Copy(c, c) })(x)
	})
	s := g.dial(t).connect("connect-udp")
	if r, err := s.begin(); err != nil || r.status != 200 {
		t.Fatalf("%+v, %v", r, err)
	}
	s.send(data("hello"))
	if _, p, err := s.frame(); err != nil || string(p) != "hello" {
		t.Errorf("got %q, %v", p, err)
	}
}

// The end of one side is passed on to the other; an abrupt one is seen as such.
func TestTunnelEnds(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	g := start(t, Options{ShutdownTimeout: soon}, switching(func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
		close(closed)
	}))
	c := g.dial(t)
	s := c.connect("websocket")
	if _, err := s.begin(); err != nil {
		t.Fatal(err)
	}
	s.CancelWrite(0x10c)
	receive(t, closed)
	if _, _, err := s.frame(); resetWith(err) != http3.ErrCodeRequestCanceled && resetWith(err) != http3.ErrCodeInternalError {
		t.Errorf("the tunnel ends with %v", err)
	}
}

func TestShutdownCutsTunnels(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	g := start(t, Options{ShutdownTimeout: soon}, switching(func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		close(closed)
	}))
	s := g.dial(t).connect("websocket")
	if _, err := s.begin(); err != nil {
		t.Fatal(err)
	}
	g.stop()
	g.wait(t)
	receive(t, closed)
}
