package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

var openTelemetryMeter = Kind{
	APIVersion: "app/v1",
	Name:       "OpenTelemetryMeter",
	Roles:      []Role{Middleware, Tripperware, Finalizer},
	Methods:    map[Role]string{Middleware: "Middleware", Tripperware: "Tripperware"},
	Lifecycle:  true,
	New: func() Spec {
		return &OpenTelemetryMeterSpec{PeriodicReader: PeriodicReaderSpec{Interval: 5, Timeout: 30}}
	},
}

// OpenTelemetryMeterSpec is the spec of an OpenTelemetryMeter, which counts and times requests, and exports the figures at intervals, with those of upstreams and of the Go runtime. As middleware it
// counts those of clients, as tripperware those to upstreams.
//
// http_requests_total and http_client_requests_total are by host, path, code and method, and as bounded as those of a PrometheusMeter; a code of 0 means that there was no response. Beyond AILERON Gateway there
// are the metrics of OpenTelemetry's semantic conventions (http.server.request.duration and http.client.request.duration, whose examples are traces that a tracer of this gateway records, http.server.active_requests and
// http.client.active_requests), and what is known of each upstream (gateway.upstream.requests, .active_requests, .responses, .failures, .response.duration, .usable, .ejections, .connections and .connections.opened).
// The last figures are exported when the gateway ends, for 5 s at most, whether finalizers name the meter or not, and the log tells when they can't be.
//
// Exporters of OTLP make the program larger by 10 MB, since they need gRPC; the other one by less than 2 MB.
type OpenTelemetryMeterSpec struct {
	// ServiceName is the service.name. Empty is what OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say, or else gateway. Other attributes of the resource come from OTEL_RESOURCE_ATTRIBUTES.
	ServiceName string `json:"serviceName"`
	// LibraryName is the name of the instrumentation scope. Empty is the Go package of the meter.
	LibraryName string `json:"libraryName"`
	// PeriodicReader says how often figures are exported.
	PeriodicReader PeriodicReaderSpec `json:"periodicReader"`
	// HTTPExporter exports by OTLP over HTTP.
	HTTPExporter *HTTPExporterSpec `json:"httpExporter" alt:"HTTPExporterSpec" oneof:"exporter"`
	// GRPCExporter exports by OTLP over gRPC. It's the default.
	GRPCExporter *GRPCExporterSpec `json:"grpcExporter" alt:"GRPCExporterSpec" oneof:"exporter"`
	// StdoutExporter writes figures to the standard output, as JSON.
	StdoutExporter *StdoutMetricsExporterSpec `json:"stdoutExporter" alt:"StdoutExporterSpec" oneof:"exporter"`
	// MaxSeries is how many combinations of host, path, code and method are counted apart. 0 stands for 10000. AILERON Gateway has no such field.
	MaxSeries int32 `json:"maxSeries" min:"0"`
}

// PeriodicReaderSpec says how often figures are exported.
type PeriodicReaderSpec struct {
	// Interval is the time between exports, in seconds. 0 stands for the default.
	Interval int32 `json:"interval" min:"0" max:"600"`
	// Timeout limits an export, with all its retries, in seconds. 0 stands for the default.
	Timeout int32 `json:"timeout" min:"0" max:"300"`
}

// StdoutMetricsExporterSpec is an exporter to the standard output.
type StdoutMetricsExporterSpec struct {
	// PrettyPrint breaks and indents lines.
	PrettyPrint bool `json:"prettyPrint"`
	// WithoutTimestamps leaves times out. Its name in configs is timestamps, as in AILERON Gateway, though true means without.
	WithoutTimestamps bool `json:"timestamps" alt:"WithoutTimestamps"`
}

// MeasuresUpstreams reports whether the counts of upstreams are shown.
func (s *OpenTelemetryMeterSpec) MeasuresUpstreams() bool { return true }

// TimesUpstreams reports whether their times are, too.
func (s *OpenTelemetryMeterSpec) TimesUpstreams() bool { return true }

// Check reports exporters that can't work.
func (s *OpenTelemetryMeterSpec) Check(c *Check) {
	switch {
	case s.HTTPExporter != nil:
		s.HTTPExporter.otlp().check(c)
	case s.GRPCExporter != nil:
		s.GRPCExporter.otlp().check(c)
	}
}

// Lower returns the meter.
func (s *OpenTelemetryMeterSpec) Lower(l *Lower) ir.Expr {
	return l.Try("otel/meter.New", l.Struct("otel/meter.Options",
		ir.Set("Exporter", s.exporter(l)),
		ir.Set("ServiceName", l.String(&s.ServiceName)),
		ir.Set("LibraryName", l.String(&s.LibraryName)),
		ir.Set("Interval", l.ifSet(&s.PeriodicReader.Interval, l.Seconds(&s.PeriodicReader.Interval))),
		ir.Set("Timeout", l.ifSet(&s.PeriodicReader.Timeout, l.Seconds(&s.PeriodicReader.Timeout))),
		ir.Set("MaxSeries", l.Int(&s.MaxSeries)),
		ir.Set("Upstreams", l.Link.UpstreamStats()),
		ir.Set("Logger", l.Logger()),
	))
}

func (s *OpenTelemetryMeterSpec) exporter(l *Lower) ir.Expr {
	switch {
	case s.HTTPExporter != nil:
		return s.HTTPExporter.otlp().lower(l, "metrichttp")
	case s.StdoutExporter != nil:
		e := s.StdoutExporter
		return l.Link.Part(l, "exporter", true, l.Call("otel/metricstdout.New", l.Struct("otel/metricstdout.Options",
			ir.Set("Pretty", l.Bool(&e.PrettyPrint)),
			ir.Set("WithoutTimestamps", l.Bool(&e.WithoutTimestamps)))))
	case s.GRPCExporter != nil:
		return s.GRPCExporter.otlp().lower(l, "metricgrpc")
	}
	return new(GRPCExporterSpec).otlp().lower(l, "metricgrpc")
}
