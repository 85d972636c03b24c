package http3transport

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// newUpgrade makes a leg as a proxy does for a WebSocket handshake of HTTP/1.1.
func newUpgrade(t *testing.T, url string) *leg {
	l := newLeg(t, "GET", url)
	l.Request.Header = fields("Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Version", "13", "Te", "trailers", "X-Foo", "1")
	return l
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	requests, ended := make(chan *http.Request, 1), make(chan error, 1)
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		w.WriteHeader(103)
		w.Header().Set("Sec-WebSocket-Protocol", "chat")
		w.WriteHeader(200)
		s, err := w.(http3.HTTPStreamer).HTTPStream()
		if err != nil {
			t.Error(err)
			return
		}
		b := make([]byte, 5)
		_, _ = io.ReadFull(s, b)
		_, _ = s.Write([]byte("you said " + string(b)))
		_ = s.Close()
		_, err = io.Copy(io.Discard, s)
		ended <- err
	})
	tr := u.transport(t)
	l := newUpgrade(t, u.url()+"/chat?x=1")
	interims := 0
	l.Interim = func(int, gateway.Header) error { interims++; return nil }
	l.serve(tr)
	p := &l.Response
	if p.Status != 101 || p.Conn == nil || p.Header.Get("Upgrade") != "websocket" || interims != 1 ||
		p.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || p.Header.Get("Sec-WebSocket-Protocol") != "chat" {
		t.Fatalf("%d interim responses, then %+v", interims, p)
	}
	r := receive(t, requests)
	if r.Method != "CONNECT" || r.Proto != "websocket" || r.RequestURI != "/chat?x=1" || r.Header.Get("X-Foo") != "1" ||
		r.Header.Get("Sec-WebSocket-Key") != "" || r.Header.Get("Sec-WebSocket-Version") != "13" || r.UserAgent() != "" {
		t.Errorf("the upstream sees %+v", r)
	}
	if _, err := io.WriteString(p.Conn, "hello"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(p.Conn); string(b) != "you said hello" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
	if err := receive(t, ended); err != nil {
		t.Errorf("the upstream sees the end %v", err)
	}
	_ = p.Conn.Close()
	l.end()
}

// A tunnel that ends abruptly is seen to.
func TestTunnelIsCut(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		s, _ := w.(http3.HTTPStreamer).HTTPStream()
		_, err := io.Copy(io.Discard, s)
		ended <- err
	})
	l := newUpgrade(t, u.url()).serve(u.transport(t))
	_ = l.Response.Conn.Close()
	if e, ok := errors.AsType[*http3.Error](receive(t, ended)); !ok || e.ErrorCode != http3.ErrCodeRequestCanceled {
		t.Errorf("the upstream sees %v", e)
	}
}

func TestUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(403)
		_, _ = io.WriteString(w, "no")
	})
	newUpgrade(t, u.url()).serve(u.transport(t)).expect(403, "no")

	old := newRaw(t, nil, func(c *quic.Conn, _ int) { streams(c, func(s *quic.Stream, _ int) { ok(s) }) })
	if err := old.transport(t).Serve(newUpgrade(t, old.url()).Exchange); !errors.Is(err, errNoConnect) {
		t.Errorf("got %v", err)
	}
}
