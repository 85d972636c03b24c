package tracestdout_test

import (
	"fmt"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracestdout"
)

func ExampleNew() {
	exporter, err := tracestdout.New(tracestdout.Options{Pretty: true, WithoutTimestamps: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	t := tracer.New(tracer.Options{Exporter: exporter, ServiceName: "shop"})
	hello := t.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("traceparent:", len(x.Request.Header.Get("traceparent")), "characters")
		return nil
	}))

	var x gateway.Exchange
	x.Request.Header.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00") // not recorded
	_ = hello.Serve(&x)
	x.Finish() // as the server does when the response is out

	_ = t.Finalize() // exports what is left
	// Output: traceparent: 55 characters
}
