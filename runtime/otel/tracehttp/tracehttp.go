// Package tracehttp exports spans by OTLP over HTTP.
package tracehttp

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/otel/otlp"
)

// New returns an exporter. It connects when there is something to export, and fails only if o can't be.
func New(o otlp.Options) (sdktrace.SpanExporter, error) {
	target, err := o.Target("HTTP")
	if err != nil {
		return nil, err
	}
	var options []otlptracehttp.Option
	if target.Host != "" {
		options = append(options, otlptracehttp.WithEndpointURL(target.URL("/v1/traces")))
	} else if target.Insecure {
		options = append(options, otlptracehttp.WithInsecure())
	}
	if o.TLS != nil {
		options = append(options, otlptracehttp.WithHTTPClient(o.HTTPClient()))
	}
	if headers := o.HeaderMap("HTTP"); headers != nil {
		options = append(options, otlptracehttp.WithHeaders(headers))
	}
	if o.Compress {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	if o.Timeout > 0 {
		options = append(options, otlptracehttp.WithTimeout(o.Timeout))
	}
	if o.Retry != nil {
		enabled, initial, longest, elapsed := o.Retry.Intervals()
		options = append(options, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: enabled, InitialInterval: initial, MaxInterval: longest, MaxElapsedTime: elapsed,
		}))
	}
	return otlptracehttp.New(context.Background(), options...)
}
