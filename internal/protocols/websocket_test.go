package protocols

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// websocketUpstreams are those that can be asked for a WebSocket, by an Upgrade of HTTP/1.1.
var websocketUpstreams = upstreams[:2]

// hasty are the servers whose timeouts are a second, by those with longer ones.
var hasty = map[string]string{clearServer: hastyClear, secureServer: hastySecure}

// testWebSocket holds that WebSockets pass, with all that belongs to them.
func (g *gateway) testWebSocket(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, p *pair)
	}{
		{"messages", webSocketMessages},
		{"fragments", webSocketFragments},
		{"ping", webSocketPing},
		{"closed by the client", webSocketClientCloses},
		{"closed by the upstream", webSocketUpstreamCloses},
		{"negotiation", webSocketNegotiation},
		{"refused", webSocketRefused},
		{"upstream gone", webSocketUpstreamGone},
		{"client gone", webSocketClientGone},
		{"idle for longer than a request may take", webSocketIdle},
		{"many", webSocketMany},
	} {
		t.Run(tt.name, func(t *testing.T) { g.forWebSockets(t, tt.run) })
	}
	t.Run("other protocols", g.testUpgrade)
}

// forWebSockets runs test for each pair that a WebSocket can be opened through.
func (g *gateway) forWebSockets(t *testing.T, test func(t *testing.T, p *pair)) {
	for _, c := range clients {
		for _, u := range websocketUpstreams {
			t.Run(c.name+" to "+u.name, func(t *testing.T) {
				t.Parallel()
				p := &pair{g: g, client: c, upstream: u}
				tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.roots}}
				p.http = &http.Client{Transport: tr}
				defer tr.CloseIdleConnections()
				if c.version == 2 {
					p.http = p.extended()
					defer p.http.CloseIdleConnections()
				}
				test(t, p)
			})
		}
	}
}

// websocketEcho returns what it gets. Some texts are orders.
func websocketEcho(w http.ResponseWriter, r *http.Request, v *visit) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"chat.v2"}, CompressionMode: websocket.CompressionContextTakeover, InsecureSkipVerify: true,
	})
	if err != nil {
		v.ended <- err
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(16 << 20)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		kind, b, err := c.Read(ctx)
		if err != nil {
			v.ended <- err
			return
		}
		switch string(b) {
		case "close":
			_ = c.Close(4001, "as you like")
			return
		case "vanish":
			return
		case "ping":
			ctx := c.CloseRead(ctx)
			v.ended <- c.Ping(ctx)
			return
		}
		if err := c.Write(ctx, kind, b); err != nil {
			v.ended <- err
			return
		}
	}
}

// open opens a WebSocket.
func (p *pair) open(t *testing.T, o *websocket.DialOptions) (*websocket.Conn, *http.Response, *visit) {
	t.Helper()
	id, v := p.id(t)
	if o == nil {
		o = new(websocket.DialOptions)
	}
	o.HTTPClient = p.http
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, p.url("/websocket", id), o)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(16 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, resp, v
}

// exchange sends a message and expects it back.
func exchange(t *testing.T, c *websocket.Conn, kind websocket.MessageType, b []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Write(ctx, kind, b); err != nil {
		t.Error(err)
		return
	}
	gotKind, got, err := c.Read(ctx)
	if err != nil || gotKind != kind || !bytes.Equal(got, b) {
		t.Errorf("%v of %d bytes, %v", gotKind, len(got), err)
	}
}

func webSocketMessages(t *testing.T, p *pair) {
	c, _, _ := p.open(t, nil)
	exchange(t, c, websocket.MessageText, []byte("h\u00e9llo"))
	exchange(t, c, websocket.MessageText, nil)
	large, _ := io.ReadAll(io.LimitReader(&counting{}, 1<<20))
	exchange(t, c, websocket.MessageBinary, large)
	exchange(t, c, websocket.MessageText, []byte("bye"))
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func webSocketFragments(t *testing.T, p *pair) {
	c, _, _ := p.open(t, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, err := c.Writer(ctx, websocket.MessageBinary)
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for i := range 20 {
		part := bytes.Repeat([]byte{byte(i)}, 10_000)
		want = append(want, part...)
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func webSocketPing(t *testing.T, p *pair) {
	c, _, v := p.open(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	ctx = c.CloseRead(ctx) // answers pings
	if err := receive(t, v.ended); err != nil {
		t.Errorf("the upstream's ping: %v", err)
	}
	_ = ctx

	c, _, _ = p.open(t, nil)
	ctx = c.CloseRead(t.Context())
	if err := c.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func webSocketClientCloses(t *testing.T, p *pair) {
	c, _, v := p.open(t, nil)
	if err := c.Close(4000, "enough"); err != nil {
		t.Error(err)
	}
	e, ok := errors.AsType[websocket.CloseError](receive(t, v.ended))
	if !ok || e.Code != 4000 || e.Reason != "enough" {
		t.Errorf("the upstream sees %v", e)
	}
}

func webSocketUpstreamCloses(t *testing.T, p *pair) {
	c, _, _ := p.open(t, nil)
	if err := c.Write(t.Context(), websocket.MessageText, []byte("close")); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.Read(t.Context())
	e, ok := errors.AsType[websocket.CloseError](err)
	if !ok || e.Code != 4001 || e.Reason != "as you like" {
		t.Errorf("the client sees %v", err)
	}
}

func webSocketNegotiation(t *testing.T, p *pair) {
	c, resp, _ := p.open(t, &websocket.DialOptions{
		Subprotocols: []string{"chat.v1", "chat.v2"}, CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: 1,
	})
	if got := c.Subprotocol(); got != "chat.v2" {
		t.Errorf("subprotocol %q", got)
	}
	if got := resp.Header.Get("Sec-Websocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Errorf("extensions %q", got)
	}
	for range 3 { // each message refers to those before
		exchange(t, c, websocket.MessageText, bytes.Repeat([]byte("again and "), 1000))
	}
}

func webSocketRefused(t *testing.T, p *pair) {
	id, _ := p.id(t)
	_, resp, err := websocket.Dial(t.Context(), p.url("/websocket/refused", id), &websocket.DialOptions{HTTPClient: p.http})
	if err == nil || resp == nil || resp.StatusCode != 403 {
		t.Errorf("%v, %v", resp, err)
	}
}

func webSocketUpstreamGone(t *testing.T, p *pair) {
	c, _, _ := p.open(t, nil)
	if err := c.Write(t.Context(), websocket.MessageText, []byte("vanish")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("the client sees %v", err)
	}
}

func webSocketClientGone(t *testing.T, p *pair) {
	c, _, v := p.open(t, nil)
	exchange(t, c, websocket.MessageText, []byte("hello"))
	_ = c.CloseNow()
	if err := receive(t, v.ended); err == nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("the upstream sees %v", err)
	}
}

func webSocketIdle(t *testing.T, p *pair) {
	p.client.addr = hasty[p.client.addr]
	c, _, _ := p.open(t, nil)
	for range 2 {
		time.Sleep(1300 * time.Millisecond)
		exchange(t, c, websocket.MessageText, []byte("still here"))
	}
}

func webSocketMany(t *testing.T, p *pair) {
	var all sync.WaitGroup
	for i := range 50 {
		c, _, _ := p.open(t, nil)
		all.Go(func() {
			for k := range 20 {
				exchange(t, c, websocket.MessageText, fmt.Appendf(nil, "%d/%d", i, k))
			}
		})
	}
	all.Wait()
}
