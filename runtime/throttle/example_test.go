package throttle_test

import (
	"fmt"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/throttle"
)

func Example() {
	api := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	})
	h := throttle.New(throttle.Options{Rules: []throttle.Rule{{
		Match: match.Prefix("/api/"),
		Limit: throttle.TokenBucket{Size: 2, Rate: 1, Interval: time.Minute},
		Keys:  []throttle.Key{throttle.ClientAddress(throttle.Address{})},
	}}})(api)

	for range 3 {
		x := new(gateway.Exchange)
		x.Request.Path, x.Request.RemoteAddr = "/api/users", "192.0.2.1:4711"
		err := h.Serve(x)
		fmt.Println(x.Response.Status, err)
		if e, ok := gateway.AsError(err); ok {
			fmt.Println("Retry-After:", e.Header.Get("Retry-After"))
		}
	}
	// Output:
	// 200 <nil>
	// 200 <nil>
	// 0 E3213.AppMiddleThrottle too many requests
	// Retry-After: 60
}
