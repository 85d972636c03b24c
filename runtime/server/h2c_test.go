package server_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// both runs a test with each engine of HTTP/1.1.
func both(t *testing.T, o server.Options, h gateway.HandlerFunc, test func(t *testing.T, g *gatewayUnderTest)) {
	t.Run("net/http", func(t *testing.T) { test(t, start(t, o, h)) })
	t.Run("wire", func(t *testing.T) {
		s := wire.NewServer(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}, MaxHeaderBytes: o.MaxHeaderBytes, HTTP2: o.HTTP2}, h)
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		runUntilCleanup(t, s.Run)
		test(t, &gatewayUnderTest{addr: s.Addr()})
	})
}

const upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"

// TestUpgradeToHTTP2 asks for HTTP/2 in HTTP/1.1, gets the answer in it, and asks again.
func TestUpgradeToHTTP2(t *testing.T) {
	long := strings.Repeat("x", 20_000) // more than a frame
	h := func(x *gateway.Exchange) error {
		q := &x.Request
		if q.Header.Has("HTTP2-Settings") || q.Header.Has("Upgrade") || q.Header.Has("Connection") || q.Header.Get("X-Long") != long {
			t.Errorf("%d fields: %.300v", len(q.Header), q.Header)
		}
		return text(200, q.Proto+" "+q.Method+" "+q.Host+" "+q.RawPath+"?"+q.RawQuery)(x)
	}
	both(t, server.Options{HTTP2: &server.HTTP2{H2C: true}, MaxHeaderBytes: 100_000}, h, func(t *testing.T, g *gatewayUnderTest) {
		for _, early := range []bool{false, true} {
			c := g.dial(t)
			request := "GET /%61?b HTTP/1.1\r\nHost: gw.test\r\nX-Long: " + long + "\r\n" + upgrade + "\r\n"
			begin := h2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
			if early { // not allowed, but the client has read ahead
				request += begin
			}
			c.send(request)
			resp, err := http.ReadResponse(c.r, nil)
			if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "h2c" {
				t.Fatalf("%v, %v", resp, err)
			}
			if !early {
				c.send(begin)
			}
			f := &frames{h2.NewFramer(c, c.r), t, c}
			f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			acks := 0
			read := func(id uint32) string {
				body := ""
				for {
					got, err := f.ReadFrame()
					if err != nil {
						t.Fatal(err)
					}
					switch got := got.(type) {
					case *h2.SettingsFrame:
						if got.IsAck() {
							acks++
						}
					case *h2.MetaHeadersFrame:
						if got.StreamID != id || got.PseudoValue("status") != "200" {
							t.Errorf("%v", got)
						}
					case *h2.DataFrame:
						if body += string(got.Data()); got.StreamEnded() {
							return body
						}
					case *h2.GoAwayFrame:
						t.Fatalf("%v", got)
					}
				}
			}
			if got := read(1); got != "HTTP/2.0 GET gw.test /%61?b" {
				t.Errorf("%q", got)
			}
			f.get(3, true, hpack.HeaderField{Name: "x-long", Value: long})
			if got := read(3); got != "HTTP/2.0 POST gw.test /?" {
				t.Errorf("%q", got)
			}
			if acks != 1 {
				t.Errorf("%d acknowledgements of one SETTINGS", acks)
			}
		}
	})
}

// What isn't a proper wish for HTTP/2 is a request of HTTP/1.1.
func TestNoUpgradeToHTTP2(t *testing.T) {
	h := func(x *gateway.Exchange) error {
		b, _ := io.ReadAll(body(x))
		return text(200, x.Request.Proto+string(b))(x)
	}
	for name, tt := range map[string]struct {
		off     bool
		request string
	}{
		"switched off":      {true, "GET / HTTP/1.1\r\nHost: gw.test\r\n" + upgrade + "\r\n"},
		"a body":            {false, "POST / HTTP/1.1\r\nHost: gw.test\r\n" + upgrade + "Content-Length: 2\r\n\r\nab"},
		"no settings":       {false, "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"},
		"settings twice":    {false, "GET / HTTP/1.1\r\nHost: gw.test\r\n" + upgrade + "HTTP2-Settings: AAMAAABk\r\n\r\n"},
		"no settings frame": {false, "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"},
		"not of the hop":    {false, "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"},
		"or a WebSocket":    {false, "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, server.Options{HTTP2: &server.HTTP2{H2C: !tt.off}}, h, func(t *testing.T, g *gatewayUnderTest) {
				c := g.dial(t)
				c.send(tt.request)
				resp, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				if resp.StatusCode != 200 || err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1")) {
					t.Errorf("%d, %q, %v", resp.StatusCode, b, err)
				}
			})
		})
	}
}

func body(x *gateway.Exchange) io.Reader {
	if x.Request.Body == nil {
		return strings.NewReader("")
	}
	return x.Request.Body
}
