// Package metricstdout writes metrics to the standard output, all of them as a JSON object each time.
package metricstdout

import (
	"os"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Options are the settings of an exporter.
type Options struct {
	Pretty            bool // with line feeds and indentation
	WithoutTimestamps bool // times are zero, so that the same requests give the same output
}

// New returns an exporter.
func New(o Options) (sdkmetric.Exporter, error) {
	options := []stdoutmetric.Option{stdoutmetric.WithWriter(os.Stdout)}
	if o.Pretty {
		options = append(options, stdoutmetric.WithPrettyPrint())
	}
	if o.WithoutTimestamps {
		options = append(options, stdoutmetric.WithoutTimestamps())
	}
	return stdoutmetric.New(options...)
}
