package server_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

const benchRequest = "GET /api/users?page=2 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nX-Request-Id: 0123456789\r\n\r\n"

var benchFields = gateway.Header{
	{Name: "Content-Type", Value: "application/json"},
	{Name: "Cache-Control", Value: "no-store"},
	{Name: "X-Content-Type-Options", Value: "nosniff"},
	{Name: "Vary", Value: "Accept"},
}

// BenchmarkServer compares the engine with a handler of net/http that answers the same.
func BenchmarkServer(b *testing.B) {
	for _, size := range []int{5, 1 << 10, 64 << 10} {
		body := make([]byte, size)
		length := strconv.Itoa(size)
		plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for _, f := range benchFields {
				h.Add(f.Name, f.Value)
			}
			h.Set("Content-Length", length)
			_, _ = w.Write(body)
		})
		b.Run("nethttp/"+length, func(b *testing.B) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			hs := &http.Server{Handler: plain}
			go func() { _ = hs.Serve(l) }()
			defer func() { _ = hs.Close() }()
			drive(b, l.Addr(), size)
		})
		b.Run("engine/"+length, func(b *testing.B) {
			serveBench(b, size, gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response.Status = 200
				x.Response.Header = append(x.Response.Header, benchFields...)
				x.Response.Bytes = body
				return nil
			}))
		})
		b.Run("engine-stream/"+length, func(b *testing.B) {
			serveBench(b, size, gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response.Status = 200
				x.Response.Header = append(x.Response.Header, benchFields...)
				x.Response.Body = io.NopCloser(&endless{left: size})
				x.Response.ContentLength = int64(size)
				return nil
			}))
		})
	}
}

// endless is a body that ends with its last byte, as those of transports do.
type endless struct{ left int }

func (r *endless) Read(p []byte) (n int, err error) {
	n = min(len(p), r.left)
	if r.left -= n; r.left == 0 {
		err = io.EOF
	}
	return n, err
}

func serveBench(b *testing.B, size int, h gateway.Handler) {
	s := server.New(server.Options{Listen: listen.Options{Addr: "127.0.0.1:0"}, MaxHeaderBytes: 8192}, h)
	if err := s.Listen(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	drive(b, s.Addr(), size)
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// drive sends requests on one connection.
func drive(b *testing.B, addr net.Addr, size int) {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	r := bufio.NewReaderSize(c, 128<<10)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(c, benchRequest); err != nil {
			b.Fatal(err)
		}
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := r.Discard(size); err != nil {
			b.Fatal(err)
		}
	}
}
