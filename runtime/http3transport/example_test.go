package http3transport_test

import (
	"time"

	"github.com/aileron-gateway/aileronc/runtime/http3transport"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
)

func Example() {
	upstreams, err := http3transport.New(http3transport.Options{QUIC: quicconf.Options{KeepAlivePeriod: 10 * time.Second}})
	if err != nil {
		panic(err)
	}
	defer upstreams.Close()

	handler, err := proxy.New(proxy.Options{
		Transport: upstreams,
		Balancers: []proxy.Balancer{{
			Paths:     []proxy.Path{{Match: match.Prefix("/")}},
			Upstreams: lb.RoundRobin(lb.Upstream{URL: "https://10.0.0.7"}),
		}},
	})
	if err != nil {
		panic(err)
	}
	_ = handler // for a server
	// Output:
}
