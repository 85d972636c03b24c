// Package tracegrpc exports spans by OTLP over gRPC.
package tracegrpc

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/otel/otlp"
)

// New returns an exporter. It connects when there is something to export, and fails only if o can't be.
func New(o otlp.Options) (sdktrace.SpanExporter, error) {
	target, err := o.Target("gRPC")
	if err != nil {
		return nil, err
	}
	var options []otlptracegrpc.Option
	if target.Host != "" {
		options = append(options, otlptracegrpc.WithEndpoint(target.Host))
	}
	switch {
	case target.Insecure:
		options = append(options, otlptracegrpc.WithInsecure())
	case target.Host != "" || o.TLS != nil: // whatever the environment says
		options = append(options, otlptracegrpc.WithTLSCredentials(o.Credentials()))
	}
	if headers := o.HeaderMap("gRPC"); headers != nil {
		options = append(options, otlptracegrpc.WithHeaders(headers))
	}
	if o.Compress {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	if o.Timeout > 0 {
		options = append(options, otlptracegrpc.WithTimeout(o.Timeout))
	}
	if o.Retry != nil {
		enabled, initial, longest, elapsed := o.Retry.Intervals()
		options = append(options, otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: enabled, InitialInterval: initial, MaxInterval: longest, MaxElapsedTime: elapsed,
		}))
	}
	if o.ReconnectionPeriod > 0 {
		options = append(options, otlptracegrpc.WithReconnectionPeriod(o.ReconnectionPeriod))
	}
	if o.ServiceConfig != "" {
		options = append(options, otlptracegrpc.WithServiceConfig(o.ServiceConfig))
	}
	return otlptracegrpc.New(context.Background(), options...)
}
