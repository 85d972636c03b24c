package compress_test

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/compress"
	"github.com/aileron-gateway/aileronc/runtime/compress/brotli"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func ExampleNew() {
	page := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Set("Content-Type", "text/html")
		x.Response.Bytes = []byte(strings.Repeat("<p>again", 1000))
		return nil
	})
	compressed := compress.New(compress.Options{
		Codings:     []compress.Coding{brotli.Coding(4), compress.Gzip(6)},
		MIMETypes:   []string{"text/html"},
		MinimumSize: 1024,
	})(page)

	var x gateway.Exchange
	x.Request.Header.Set("Accept-Encoding", "gzip, br;q=0.5")
	_ = compressed.Serve(&x)
	fmt.Println(x.Response.Header.Get("Content-Encoding"), len(x.Response.Bytes) < 100)
	// Output: gzip true
}
