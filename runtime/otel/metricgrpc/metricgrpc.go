// Package metricgrpc exports metrics by OTLP over gRPC.
package metricgrpc

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/aileron-gateway/aileronc/runtime/otel/otlp"
)

// New returns an exporter. It connects when there is something to export, and fails only if o can't be.
func New(o otlp.Options) (sdkmetric.Exporter, error) {
	target, err := o.Target("gRPC")
	if err != nil {
		return nil, err
	}
	var options []otlpmetricgrpc.Option
	if target.Host != "" {
		options = append(options, otlpmetricgrpc.WithEndpoint(target.Host))
	}
	switch {
	case target.Insecure:
		options = append(options, otlpmetricgrpc.WithInsecure())
	case target.Host != "" || o.TLS != nil: // whatever the environment says
		options = append(options, otlpmetricgrpc.WithTLSCredentials(o.Credentials()))
	}
	if headers := o.HeaderMap("gRPC"); headers != nil {
		options = append(options, otlpmetricgrpc.WithHeaders(headers))
	}
	if o.Compress {
		options = append(options, otlpmetricgrpc.WithCompressor("gzip"))
	}
	if o.Timeout > 0 {
		options = append(options, otlpmetricgrpc.WithTimeout(o.Timeout))
	}
	if o.Retry != nil {
		enabled, initial, longest, elapsed := o.Retry.Intervals()
		options = append(options, otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{
			Enabled: enabled, InitialInterval: initial, MaxInterval: longest, MaxElapsedTime: elapsed,
		}))
	}
	if o.ReconnectionPeriod > 0 {
		options = append(options, otlpmetricgrpc.WithReconnectionPeriod(o.ReconnectionPeriod))
	}
	if o.ServiceConfig != "" {
		options = append(options, otlpmetricgrpc.WithServiceConfig(o.ServiceConfig))
	}
	return otlpmetricgrpc.New(context.Background(), options...)
}
