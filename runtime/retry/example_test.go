package retry_test

import (
	"errors"
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/retry"
)

func Example() {
	tries := 0
	flaky := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		if tries++; tries < 3 {
			return errors.New("connection reset by peer")
		}
		leg.Response.Status = 200
		return nil
	})
	h := retry.New(retry.Options{Max: 2})(flaky)

	leg := new(gateway.Exchange)
	err := h.Serve(leg)
	fmt.Println(err, leg.Response.Status, tries)
	// Output: <nil> 200 3
}
