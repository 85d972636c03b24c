package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A body is handed on unread: what the upstream writes comes out one by one, and the
// request's body goes up at the same time.
func TestStreaming(t *testing.T) {
	fromClient, client := io.Pipe()
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		up := leg.Request.Body
		down, upstream := io.Pipe()
		go func() { // echo
			_, err := io.Copy(upstream, up)
			_ = upstream.CloseWithError(err)
		}()
		leg.Response.Status, leg.Response.Body, leg.Response.ContentLength = 200, down, -1
		return nil
	})
	x := get("/")
	x.Request.Body, x.Request.ContentLength = fromClient, -1
	if err := newProxy(t, transport, everything("http://a")...).Serve(x); err != nil {
		t.Fatal(err)
	}
	if x.Response.ContentLength != -1 {
		t.Errorf("length %d, want it unknown", x.Response.ContentLength)
	}
	for _, word := range []string{"one", "two"} {
		if _, err := io.WriteString(client, word); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(word))
		if _, err := io.ReadFull(x.Response.Body, got); err != nil || string(got) != word {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = client.CloseWithError(io.ErrUnexpectedEOF)
	if _, err := x.Response.Body.Read(make([]byte, 1)); err != io.ErrUnexpectedEOF {
		t.Errorf("a broken body ends with %v", err)
	}
}

func TestTrailers(t *testing.T) {
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		if _, err := io.Copy(io.Discard, leg.Request.Body); err != nil {
			return err
		}
		up := leg.Request.Trailer()
		leg.Response.Status, leg.Response.Bytes = 200, []byte("x")
		leg.Response.Trailer = func() gateway.Header { return up }
		return nil
	})
	x := get("/")
	x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader("x")), -1
	x.Request.Trailer = func() gateway.Header { return fields("X-Sum", "7") }
	if err := newProxy(t, transport, everything("http://a")...).Serve(x); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields("X-Sum", "7"), x.Response.Trailer()); diff != "" {
		t.Error(diff)
	}
}

func TestInterim(t *testing.T) {
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		if leg.Interim == nil {
			return nil
		}
		return leg.Interim(103, fields("Link", "</a.css>", "Connection", "X-A", "X-A", "1"))
	})
	p := newProxy(t, transport, everything("http://a")...)
	x := get("/")
	var got gateway.Header
	x.Interim = func(status int, h gateway.Header) error {
		if status != 103 {
			t.Errorf("status %d", status)
		}
		got = h
		return nil
	}
	if err := p.Serve(x); err != nil {
		t.Fatal(err)
	}
	x.Finish()
	if diff := cmp.Diff(fields("Link", "</a.css>"), got); diff != "" {
		t.Error(diff)
	}
	if err := p.Serve(get("/")); err != nil { // on behalf of one that takes none
		t.Fatal(err)
	}
}

// conn tells whether it was closed.
type conn struct {
	net.Conn
	closed bool
}

func (c *conn) Close() error { c.closed = true; return nil }

func TestUpgrade(t *testing.T) {
	cases := []struct {
		name         string
		asked        string
		got          gateway.Header
		noConnection bool
		ok           bool
	}{
		{"as asked", "websocket", fields("Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", "x"), false, true},
		{"in another case", "websocket", fields("upgrade", "WebSocket", "Connection", "upgrade", "Sec-WebSocket-Accept", "x"), false, true},
		{"one of several", "a/1, b", fields("Upgrade", "b", "Sec-WebSocket-Accept", "x"), false, true},
		{"another", "websocket", fields("Upgrade", "tcp"), false, false},
		{"one more", "websocket", fields("Upgrade", "tcp, websocket"), false, false},
		{"none", "websocket", nil, false, false},
		{"unasked", "", fields("Upgrade", "websocket"), false, false},
		{"unasked and none", "", nil, false, false},
		{"without a connection", "websocket", fields("Upgrade", "websocket"), true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			up := &conn{}
			transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				leg.Response.Status = 101
				if !c.noConnection {
					leg.Response.Conn = up
				}
				leg.Response.Header = append(leg.Response.Header, c.got...)
				return nil
			})
			x := get("/")
			if c.asked != "" {
				x.Request.Header = fields("Connection", "Upgrade", "Upgrade", c.asked)
			}
			err := newProxy(t, transport, everything("http://a")...).Serve(x)
			x.Finish()
			if !c.ok {
				if e, _ := gateway.AsError(err); e == nil || e.Status != 502 || e.Code != "E2125" {
					t.Errorf("err is %v", err)
				}
				if !up.closed && !c.noConnection || x.Response.Conn != nil {
					t.Error("the connection is not closed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if x.Response.Status != 101 || x.Response.Conn != up || up.closed {
				t.Errorf("the connection isn't handed on: %+v", x.Response)
			}
			want := fields("Sec-WebSocket-Accept", "x", "Upgrade", c.got[0].Value)
			if diff := cmp.Diff(want, x.Response.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An upgrade that was asked for by the last user of a leg doesn't count for the next.
func TestUpgradeIsForgotten(t *testing.T) {
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status, leg.Response.Conn = 101, &conn{}
		leg.Response.Header.Add("Upgrade", "websocket")
		return nil
	})
	p := newProxy(t, transport, everything("http://a")...)
	for range 10 {
		x := get("/")
		x.Request.Header = fields("Connection", "Upgrade", "Upgrade", "websocket")
		if err := p.Serve(x); err != nil {
			t.Fatal(err)
		}
		x.Finish()
		if err := p.Serve(get("/")); gateway.StatusOf(err) != 502 {
			t.Fatalf("err is %v", err)
		}
	}
}

func TestResponseMovesOver(t *testing.T) {
	b := &body{Reader: strings.NewReader("hello")}
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status, leg.Response.Body, leg.Response.ContentLength, leg.Response.NoDate = 404, b, 5, true
		return nil
	})
	x := get("/")
	if err := newProxy(t, transport, everything("http://a")...).Serve(x); err != nil {
		t.Fatal(err)
	}
	r := &x.Response
	if r.Status != 404 || r.Body != io.ReadCloser(b) || r.ContentLength != 5 || !r.NoDate {
		t.Errorf("got %+v", r)
	}
	x.Finish()
	if b.closed != 0 {
		t.Error("the body is closed by the proxy, though it's the engine's")
	}
}
