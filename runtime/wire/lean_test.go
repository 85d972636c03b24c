package wire

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/listen"
)

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(testpki.New(t).Issue(t, "gw.test"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// A connection that has become lean is as good as before, in the middle of a record, too.
func TestMakeLean(t *testing.T) {
	near, far := net.Pipe()
	server := tls.Server(near, certificate(t))
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	defer far.Close()
	text := strings.Repeat("0123456789abcdef", 2000)
	go func() {
		for range 3 {
			_, _ = io.WriteString(client, text)
		}
	}()
	b, from := make([]byte, len(text)), 0
	read := func(n int) {
		t.Helper()
		if _, err := io.ReadFull(server, b[:n]); err != nil {
			t.Fatal(err)
		}
		if want := (text + text)[from : from+n]; string(b[:n]) != want {
			t.Fatalf("%d bytes are others", n)
		}
		from = (from + n) % len(text)
	}
	sizes := func() (all int) {
		for _, offset := range tlsBuffers {
			all += (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(server), offset)).Cap()
		}
		return all
	}
	read(len(text))
	if len(tlsBuffers) != 2 || sizes() == 0 {
		t.Errorf("crypto/tls has %d of the buffers, with room for %d bytes", len(tlsBuffers), sizes())
	}
	makeLean(server)
	if n := sizes(); n != 0 {
		t.Errorf("room for %d bytes is left", n)
	}
	read(100) // of a record that is there as a whole
	makeLean(server)
	read(len(text))
}

// Clients that come back after a while are served as ever.
func TestServerGoesLean(t *testing.T) {
	s := testServer(t, ServerOptions{Listen: listen.Options{TLS: certificate(t)}, IdleTimeout: patience}, func(x *gateway.Exchange) error {
		x.Response.Status = 200
		if b := x.Request.Body; b != nil {
			_, err := io.Copy(io.Discard, b)
			return err
		}
		return nil
	})
	c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	for _, request := range []string{smallHead, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("x", 40000), smallHead + smallHead, smallHead} {
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(request, "HTTP/1.1") {
			p, err := http.ReadResponse(r, nil)
			if err != nil || p.StatusCode != 200 {
				t.Fatal(p, err)
			}
		}
		eventually(t, "a lean connection", func() bool { return leanConns(s) == 1 })
	}
	c.Close()
	eventually(t, "the end of the connection", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0
	})
}

func leanConns(s *Server) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.mu.Lock()
		if c.lean && c.sock.rd.limit.Load() == 0 {
			n++
		}
		c.mu.Unlock()
	}
	return n
}
