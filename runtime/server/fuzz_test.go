package server_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// FuzzConnection sends arbitrary bytes to a server whose handler uses all that a
// request has. Nothing may panic, and each connection must come to its end.
func FuzzConnection(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /a%2Fb?x=%zz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X, Y\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n",
		"GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	lines := &logger{}
	s := server.New(server.Options{
		Listen: listen.Options{Addr: "unix://" + filepath.Join(f.TempDir(), "s")}, MaxHeaderBytes: 4096, Errors: &errorHandler{}, Logger: lines, HTTP2: &server.HTTP2{H2C: true},
	}, gateway.HandlerFunc(mirror))
	if err := s.Listen(); err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := net.Dial("unix", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write(data)
		_ = c.(*net.UnixConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); gateway.IsTimeout(err) {
			t.Errorf("the connection doesn't end")
		}
		if lines.has("panic") {
			t.Errorf("logged %q", lines.lines)
		}
	})
}

// mirror answers with all there is in a request.
func mirror(x *gateway.Exchange) error {
	q := &x.Request
	var b bytes.Buffer
	if q.Body != nil {
		if _, err := io.Copy(&b, q.Body); err != nil {
			return &gateway.Error{Status: 400, Cause: err}
		}
	}
	if q.Path == "/up" {
		x.Response.Status, x.Response.Conn = 101, &loop{}
		return nil
	}
	x.Response.Header = append(x.Response.Header, q.Header...)
	x.Response.Trailer = q.Trailer
	x.Response.Body, x.Response.ContentLength = io.NopCloser(&b), q.ContentLength
	return nil
}

// loop is an upstream that ends at once.
type loop struct{}

func (*loop) Read([]byte) (int, error)    { return 0, io.EOF }
func (*loop) Write(p []byte) (int, error) { return len(p), nil }
func (*loop) Close() error                { return nil }
