package adapter_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func bench(b *testing.B, h gateway.Handler) {
	x := exchange(field("User-Agent", "bench"), field("Accept", "*/*"), field("Accept-Encoding", "gzip"), field("X-A", "1"))
	q := x.Request
	buf := make([]byte, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		if body := x.Response.Body; body != nil {
			for {
				if _, err := body.Read(buf); err == io.EOF {
					break
				}
			}
			_ = body.Close()
		}
		x.Finish()
		x.Reset()
		x.Request = q
	}
}

func BenchmarkHandler(b *testing.B) {
	bench(b, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello")
	})))
}

func BenchmarkHandlerStream(b *testing.B) {
	p := make([]byte, 32<<10)
	bench(b, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for range 10 {
			_, _ = w.Write(p)
		}
	})))
}

func BenchmarkMiddleware(b *testing.B) { bench(b, adapter.Middleware(passThrough)(hello)) }

func BenchmarkTripperware(b *testing.B) {
	bench(b, adapter.Tripperware(func(next http.RoundTripper) http.RoundTripper { return next })(upstream))
}
