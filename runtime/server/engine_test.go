package server

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// nowhere is a writer without a connection, so that only the engine itself is measured.
type nowhere struct{ h http.Header }

func (w *nowhere) Header() http.Header         { return w.h }
func (w *nowhere) WriteHeader(int)             { clear(w.h) }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) FlushError() error           { return nil }

func BenchmarkEngine(b *testing.B) {
	const head = "GET /api/users?page=2 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nX-Request-Id: 0123456789\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		b.Fatal(err)
	}
	fields := gateway.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"},
		{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"},
	}
	body := make([]byte, 1024)
	g := NewEngine(&Options{MaxHeaderBytes: 8192}, gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status, x.Response.Bytes = 200, body
		x.Response.Header = append(x.Response.Header, fields...)
		return nil
	}))
	w := &nowhere{h: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		g.ServeHTTP(w, r)
	}
}
