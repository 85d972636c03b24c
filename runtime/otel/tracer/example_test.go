package tracer_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
)

// printer is an exporter that prints the names of spans.
type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Println(s.Name(), s.SpanKind())
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

func ExampleNew() {
	t := tracer.New(tracer.Options{Exporter: printer{}, ServiceName: "shop"})
	hello := t.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		return nil
	}))

	var x gateway.Exchange
	x.Request.Method, x.Request.Path = "GET", "/hello"
	_ = hello.Serve(&x)
	x.Finish() // as the server does when the response is out

	_ = t.Finalize() // exports what is left
	// Output: 0:middleware server
}
