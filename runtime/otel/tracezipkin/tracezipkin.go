// Package tracezipkin exports spans to Zipkin, or to what takes the JSON of its version 2 by HTTP.
package tracezipkin

import (
	"net/http"
	"time"

	//lint:ignore SA1019 a config may ask for it; OTLP is there to be preferred
	"go.opentelemetry.io/otel/exporters/zipkin"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of an exporter.
type Options struct {
	// Endpoint is the URL to export to. Empty is what OTEL_EXPORTER_ZIPKIN_ENDPOINT says, or else http://localhost:9411/api/v2/spans.
	Endpoint string
	// Headers are added to each request.
	Headers gateway.Header
}

// New returns an exporter. It fails if the URL is malformed.
func New(o Options) (sdktrace.SpanExporter, error) {
	headers := make(map[string]string, len(o.Headers))
	for _, f := range o.Headers {
		headers[f.Name] = f.Value
	}
	client := &http.Client{Timeout: 10 * time.Second} // http.DefaultClient has no limit
	return zipkin.New(o.Endpoint, zipkin.WithHeaders(headers), zipkin.WithClient(client))
}
