package protocols

//lint:file-ignore SA1019 the client of net/http can't send :protocol, this one can

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	h2 "golang.org/x/net/http2"
)

// An extended opens WebSockets by extended CONNECT (RFC 8441), for a client that knows the Upgrade of HTTP/1.1 only.
type extended struct{ *h2.Transport }

// extended returns a client of HTTP/2 that can do so. That of net/http can't.
func (p *pair) extended() *http.Client {
	tr := &h2.Transport{TLSClientConfig: &tls.Config{RootCAs: p.g.roots}}
	if p.client.scheme == "http" {
		tr.AllowHTTP = true
		tr.DialTLSContext = func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	}
	return &http.Client{Transport: extended{tr}}
}

func (e extended) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") == "" {
		return e.Transport.RoundTrip(r)
	}
	key := r.Header.Get("Sec-Websocket-Key")
	body, w := io.Pipe()
	r = r.Clone(context.WithoutCancel(r.Context())) // the stream outlives the opening
	r.Method, r.Body = http.MethodConnect, body
	r.Header.Set(":protocol", "websocket")
	for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Key"} {
		r.Header.Del(name)
	}
	resp, err := e.Transport.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 {
		return resp, err
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Header.Set("Upgrade", "websocket")
	resp.Header.Set("Connection", "Upgrade")
	if resp.Header.Get("Sec-Websocket-Accept") == "" { // it must not be there
		resp.Header.Set("Sec-Websocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	}
	resp.Body = &stream{resp.Body, w}
	return resp, nil
}

// A stream is both directions of a stream of HTTP/2.
type stream struct {
	io.ReadCloser
	w *io.PipeWriter
}

func (s *stream) Write(p []byte) (int, error) { return s.w.Write(p) }

func (s *stream) Close() error {
	_ = s.w.Close()
	return s.ReadCloser.Close()
}

// testConnect holds what is answered to a CONNECT that opens no WebSocket.
func (g *gateway) testConnect(t *testing.T) {
	g.forPairs(t, func(t *testing.T, p *pair) {
		if p.client.version != 2 {
			return
		}
		p.http = p.extended()
		defer p.http.CloseIdleConnections()
		for _, tt := range []struct {
			method, protocol, path string
			status                 int
		}{
			{"CONNECT", "websocket", "/echo", 501}, // a 200, which would mean that the WebSocket is open
			{"CONNECT", "connect-udp", "/websocket", 501},
			{"CONNECT", "websocket", "/websocket/wrong", 502},
			{"CONNECT", "websocket", "/websocket/refused", 403},
			{"CONNECT", "websocket", "/unmodified", 304},
		} {
			if p.upstream.version == 2 && tt.status == 502 {
				continue // there is no Upgrade in HTTP/2
			}
			r, _ := p.request(t, tt.method, tt.path, strings.NewReader(""))
			r.Header.Set(":protocol", tt.protocol)
			resp, err := p.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%s %s for %s: %d, not %d", tt.method, tt.path, tt.protocol, resp.StatusCode, tt.status)
			}
		}
	})
}

// websocketWrong switches to a WebSocket without having seen the client's key.
func websocketWrong(w http.ResponseWriter, _ *http.Request, v *visit) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		v.ended <- err
		return
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-Websocket-Accept: AAAA\r\n\r\n")
	_, _ = io.Copy(io.Discard, c)
}
