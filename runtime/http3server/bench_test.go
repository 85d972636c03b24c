package http3server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
)

// BenchmarkServed is a request and its answer, client included, and the same with a handler of quic-go alone.
func BenchmarkServed(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1024)
	b.Run("engine", func(b *testing.B) {
		p := &pair{ca: testpki.New(b)}
		p.url = p.serve(b, "h3", gateway.HandlerFunc(func(x *gateway.Exchange) error {
			x.Response.Status, x.Response.Bytes = 200, body
			x.Response.Header.Add("Content-Type", "text/plain")
			return nil
		}))
		p.client = &http.Client{Transport: p.transport(b, "h3")}
		p.benchmark(b)
	})
	b.Run("quic-go", func(b *testing.B) {
		p := &pair{ca: testpki.New(b)}
		p.url = p.upstream3(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{"text/plain"}
			_, _ = w.Write(body)
		})
		p.client = &http.Client{Transport: p.transport(b, "h3")}
		p.benchmark(b)
	})
}

// BenchmarkProxied is the same through a proxy, with the upstream included.
func BenchmarkProxied(b *testing.B) {
	for _, names := range pairs {
		b.Run(names.client+"-to-"+names.upstream, func(b *testing.B) {
			body := bytes.Repeat([]byte("x"), 1024)
			newPair(b, names.client, names.upstream, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{"text/plain"}
				_, _ = w.Write(body)
			}).benchmark(b)
		})
	}
}

func (p *pair) benchmark(b *testing.B) {
	ask := func() {
		res, err := p.client.Get(p.url + "/a")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != 1024 || err != nil {
			b.Fatal(n, err)
		}
		_ = res.Body.Close()
	}
	ask()
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

// BenchmarkIdleConnection tells how much memory of the heap a connection without a request takes, on both sides together.
func BenchmarkIdleConnection(b *testing.B) {
	p := &pair{ca: testpki.New(b)}
	p.url = p.serve(b, "h3", gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	const n = 100
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		conns := make([]*quic.Conn, n)
		for i := range conns {
			c, err := quic.DialAddr(context.Background(), strings.TrimPrefix(p.url, "https://"),
				&tls.Config{RootCAs: p.ca.Pool, NextProtos: []string{"h3"}}, nil)
			if err != nil {
				b.Fatal(err)
			}
			conns[i] = c
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/n, "B/conn")
		for _, c := range conns {
			_ = c.CloseWithError(0, "")
		}
	}
}
