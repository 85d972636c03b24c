package healthcheck_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/healthcheck"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func Example() {
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer ill.Close()

	upstreams := lb.RoundRobin(
		lb.Upstream{URL: ill.URL, Active: true, Check: lb.Check{Addr: "/healthz", Interval: 10 * time.Millisecond}},
	)
	transport, err := wire.NewTransport(wire.TransportOptions{DisableKeepAlives: true})
	if err != nil {
		panic(err)
	}
	checks, err := healthcheck.New(healthcheck.Options{Balancers: []*lb.Balancer{upstreams}, Transport: transport})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- checks.Run(ctx) }()
	for target := upstreams.Targets()[0]; target.Usable(); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	fmt.Println(upstreams.Targets()[0].Why())
	// Output: health check failed: it answered with status 503
}
