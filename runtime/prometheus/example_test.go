package prometheus_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/prometheus"
)

func ExampleNew() {
	meter := prometheus.New(prometheus.Options{})
	hello := meter.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Bytes = []byte("hello")
		return nil
	}))

	var x gateway.Exchange
	x.Request.Method, x.Request.Host, x.Request.Path = "GET", "example.com", "/hello"
	_ = hello.Serve(&x)
	x.Finish() // as the server does when the response is out

	var page gateway.Exchange
	page.Request.Method, page.Request.Proto, page.Request.RawPath = "GET", "HTTP/1.1", "/metrics"
	_ = meter.Serve(&page)
	figures, _ := io.ReadAll(page.Response.Body)
	for line := range strings.Lines(string(figures)) {
		if strings.HasPrefix(line, "http_requests_total{") {
			fmt.Print(line)
		}
	}
	// Output: http_requests_total{code="200",host="example.com",method="GET",path="/hello"} 1
}
