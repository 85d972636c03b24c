package gunzip_test

import (
	"fmt"
	"io"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/gunzip"
)

func Example() {
	transport := answering(func(r *gateway.Response) { r.Bytes = gzipped("less on the wire") })
	h := gunzip.New()(transport)

	leg := new(gateway.Exchange)
	if err := h.Serve(leg); err != nil {
		fmt.Println(err)
		return
	}
	b, err := io.ReadAll(leg.Response.Body)
	fmt.Println(string(b), err)
	// Output: less on the wire <nil>
}
