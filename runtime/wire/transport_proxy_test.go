package wire_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// Server, proxy and transport together, many clients at once: each gets its own answer, byte for byte.
func TestTransportBehindServer(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		if r.URL.Query().Has("length") {
			w.Header().Del("Trailer")
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		}
		w.Write(b)
		w.Header().Set("X-Sum", fmt.Sprint(len(b)))
	}))
	defer upstream.Close()
	tr, err := wire.NewTransport(wire.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	p, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: upstream.URL}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := wire.NewServer(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}}, p)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{}}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for k, size := range []int{0, 1, 1000, 8 << 10, 8<<10 + 1, 16 << 10, 40000, 1 << 20, 5, 0} {
				body := strings.Repeat(string(rune('a'+i)), size)
				url := "http://" + s.Addr().String() + "/"
				if k%2 == i%2 {
					url += "?length"
				}
				var content io.Reader = strings.NewReader(body)
				if i < 2 {
					content = struct{ io.Reader }{content} // in chunks
				}
				resp, err := client.Post(url, "text/plain", content)
				if err != nil {
					t.Error(err)
					continue
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(got) != body || k%2 != i%2 && resp.Trailer.Get("X-Sum") != fmt.Sprint(size) {
					t.Errorf("%d of %d bytes, status %d, trailer %v, %v", len(got), size, resp.StatusCode, resp.Trailer, err)
				}
			}
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
