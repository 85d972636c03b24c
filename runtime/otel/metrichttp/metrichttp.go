// Package metrichttp exports metrics by OTLP over HTTP.
package metrichttp

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/aileron-gateway/aileronc/runtime/otel/otlp"
)

// New returns an exporter. It connects when there is something to export, and fails only if o can't be.
func New(o otlp.Options) (sdkmetric.Exporter, error) {
	target, err := o.Target("HTTP")
	if err != nil {
		return nil, err
	}
	var options []otlpmetrichttp.Option
	if target.Host != "" {
		options = append(options, otlpmetrichttp.WithEndpointURL(target.URL("/v1/metrics")))
	} else if target.Insecure {
		options = append(options, otlpmetrichttp.WithInsecure())
	}
	if o.TLS != nil {
		options = append(options, otlpmetrichttp.WithHTTPClient(o.HTTPClient()))
	}
	if headers := o.HeaderMap("HTTP"); headers != nil {
		options = append(options, otlpmetrichttp.WithHeaders(headers))
	}
	if o.Compress {
		options = append(options, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	}
	if o.Timeout > 0 {
		options = append(options, otlpmetrichttp.WithTimeout(o.Timeout))
	}
	if o.Retry != nil {
		enabled, initial, longest, elapsed := o.Retry.Intervals()
		options = append(options, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
			Enabled: enabled, InitialInterval: initial, MaxInterval: longest, MaxElapsedTime: elapsed,
		}))
	}
	return otlpmetrichttp.New(context.Background(), options...)
}
