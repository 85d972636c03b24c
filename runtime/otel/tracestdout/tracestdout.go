// Package tracestdout writes spans to the standard output, as a JSON object each.
package tracestdout

import (
	"os"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Options are the settings of an exporter.
type Options struct {
	Pretty            bool // with line feeds and indentation
	WithoutTimestamps bool // times are zero, so that the same requests give the same output
}

// New returns an exporter.
func New(o Options) (sdktrace.SpanExporter, error) {
	options := []stdouttrace.Option{stdouttrace.WithWriter(os.Stdout)}
	if o.Pretty {
		options = append(options, stdouttrace.WithPrettyPrint())
	}
	if o.WithoutTimestamps {
		options = append(options, stdouttrace.WithoutTimestamps())
	}
	return stdouttrace.New(options...)
}
