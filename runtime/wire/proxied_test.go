//go:build !race

package wire_test

import (
	"context"
	"net"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

const (
	smallGet  = "GET /a HTTP/1.1\r\nHost: gw.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
	smallPost = "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
)

// newProxied starts a gateway in front of an upstream that answers each read, and returns a function that sends a
// request and reads the response. Neither client nor upstream allocates.
func newProxied(tb testing.TB) (ask func(request []byte)) {
	up, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { up.Close() })
	go func() {
		for {
			c, err := up.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, answer := make([]byte, 4<<10), []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
				for {
					if _, err := c.Read(b); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	tr, err := wire.NewTransport(wire.TransportOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := proxy.New(proxy.Options{Transport: tr, Balancers: []proxy.Balancer{{
		Paths: []proxy.Path{{Match: match.Prefix("/")}}, Upstreams: lb.RoundRobin(lb.Upstream{URL: "http://" + up.Addr().String()}),
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	s := wire.NewServer(wire.ServerOptions{Listen: listen.Options{Addr: "127.0.0.1:0"}}, p)
	if err := s.Listen(); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		tr.Close()
	})
	b := make([]byte, 4<<10)
	return func(request []byte) {
		if _, err := c.Write(request); err != nil {
			tb.Fatal(err)
		}
		n, err := c.Read(b)
		if err != nil || string(b[:len("HTTP/1.1 200")]) != "HTTP/1.1 200" || string(b[n-5:n]) != "hello" {
			tb.Fatalf("%q, %v", b[:n], err)
		}
	}
}

// TestProxiedAllocations holds what a request costs on its whole way: the two heads, and with a body the
// two objects that others may hold on to.
func TestProxiedAllocations(t *testing.T) {
	for _, tt := range []struct {
		name, request string
		most          float64
	}{{"GET", smallGet, 2}, {"POST", smallPost, 4}} {
		t.Run(tt.name, func(t *testing.T) {
			ask, request := newProxied(t), []byte(tt.request)
			ask(request)
			got := testing.AllocsPerRun(500, func() { ask(request) })
			if got > tt.most {
				t.Errorf("%v allocations, more than %v", got, tt.most)
			}
		})
	}
}

func BenchmarkProxied(b *testing.B) {
	for name, request := range map[string]string{"GET": smallGet, "POST": smallPost} {
		b.Run(name, func(b *testing.B) {
			ask, request := newProxied(b), []byte(request)
			ask(request)
			b.ReportAllocs()
			for b.Loop() {
				ask(request)
			}
		})
	}
}
