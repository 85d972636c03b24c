package proxy_test

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
)

func Example() {
	upstream := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		r := &leg.Request
		fmt.Printf("%s %s://%s%s\n", r.Method, r.Scheme, r.Host, r.Path)
		leg.Response.Status = 200
		return nil
	})

	api, err := proxy.New(proxy.Options{
		Transport: upstream,
		Balancers: []proxy.Balancer{{
			Paths:     []proxy.Path{{TrimPrefix: "/api", Match: match.Prefix("/")}},
			Upstreams: lb.RoundRobin(lb.Upstream{URL: "http://10.0.0.7:8080", Weight: 2}, lb.Upstream{URL: "http://10.0.0.8:8080"}),
		}},
	})
	if err != nil {
		panic(err)
	}

	for range 2 {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Scheme: "http", Host: "example.com", Path: "/api/users", RawPath: "/api/users"}}
		if err := api.Serve(x); err != nil {
			panic(err)
		}
		x.Finish() // the engine does
	}
	// Output:
	// GET http://10.0.0.7:8080/users
	// GET http://10.0.0.8:8080/users
}
