package protocols

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// bytesEcho switches to a protocol that returns each byte, and when the client has ended says so.
func bytesEcho(w http.ResponseWriter, _ *http.Request, v *visit) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		v.ended <- err
		return
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n")
	if err == nil {
		_, err = io.Copy(c, rw)
	}
	if err == nil {
		_, err = io.WriteString(c, "the end")
	}
	v.ended <- err
}

// A halfCloser is a connection with and without TLS.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// dial connects to a server of the gateway.
func (p *pair) dial(t *testing.T) halfCloser {
	t.Helper()
	c, err := net.Dial("tcp", p.g.ports[p.client.addr])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if p.client.scheme == "http" {
		return c.(*net.TCPConn)
	}
	return tls.Client(c, &tls.Config{RootCAs: p.g.roots, ServerName: "127.0.0.1"})
}

// testUpgrade holds that an upgraded connection is one of bytes, each side of which can be closed by itself.
func (g *gateway) testUpgrade(t *testing.T) {
	g.forWebSockets(t, func(t *testing.T, p *pair) {
		if p.client.version != 1 {
			return // has no Upgrade
		}
		id, v := p.id(t)
		c := p.dial(t)
		want, _ := io.ReadAll(largeBody())
		go func() {
			_, _ = fmt.Fprintf(c, "GET /%s/bytes?id=%s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n", p.upstream.name, id)
			_, _ = c.Write(want)
			_ = c.CloseWrite()
		}()
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "bytes" {
			t.Fatalf("%v, %v", resp, err)
		}
		got, err := io.ReadAll(r)
		if want = append(want, "the end"...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
		}
		if err := receive(t, v.ended); err != nil {
			t.Error(err)
		}
	})
}
