package kinds

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var openTelemetryTracer = Kind{
	APIVersion: "app/v1",
	Name:       "OpenTelemetryTracer",
	Roles:      []Role{Middleware, Tripperware, Tracer, Finalizer},
	Methods:    map[Role]string{Middleware: "Middleware", Tripperware: "Tripperware"},
	Lifecycle:  true,
	New: func() Spec {
		return &OpenTelemetryTracerSpec{
			TraceIDRatioBased:   1,
			TracerProviderBatch: TracerProviderBatchSpec{MaxQueueSize: 2048, BatchTimeout: 5, ExportTimeout: 30, MaxExportBatchSize: 512},
			TracerProviderLimit: TracerProviderLimitSpec{-1, -1, -1, -1, -1, -1},
		}
	},
}

// OpenTelemetryTracerSpec is the spec of an OpenTelemetryTracer, which records what becomes of requests as spans, and exports them. As middleware it makes spans of
// requests of clients, as tripperware of those to upstreams, each try by itself, and hands the context of the trace on. One that stands several times in the way of a request numbers its spans: 0:middleware, 1:middleware.
//
// Unlike in AILERON Gateway, whether a request is recorded is up to where its trace begins; the first middleware makes spans of kind server, the first tripperware of kind client, and the others
// internal ones; failures are recorded; spans last until the response is out; attributes have the names of OpenTelemetry's semantic conventions, too; what isn't exported yet is when
// the gateway ends, for 5 s at most, whether finalizers name the tracer or not; and the log tells when spans can't be exported. Log lines of requests that are recorded have the ids of the trace and of the span.
//
// Clients can send the context of a trace, and so have their requests recorded: a HeaderPolicyMiddleware before the tracer can remove it. Exporters of OTLP make the program larger by
// 10 MB, since they need gRPC; the others by less than 2 MB.
type OpenTelemetryTracerSpec struct {
	// ServiceName is the service.name. Empty is what OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say, or else gateway. Other attributes of the resource come from OTEL_RESOURCE_ATTRIBUTES.
	ServiceName string `json:"serviceName"`
	// LibraryName is the name of the instrumentation scope. Empty is the Go package of the tracer.
	LibraryName string `json:"libraryName"`
	// PropagationTypes are the formats in which the context of traces is read and written. Empty is W3CTraceContext and W3CBaggage. The environment variable OTEL_PROPAGATORS takes precedence. OpenCensus is in Base64, as in gRPC. (In AILERON Gateway it can't be sent.)
	PropagationTypes []PropagationType `json:"propagationTypes"`
	// TraceIDRatioBased is the part of the traces that is recorded of those that begin here: all from 1 on, none up to 0.
	TraceIDRatioBased float64 `json:"traceIDRatioBased" alt:"TraceIDRatioBased"`
	// TracerProviderBatch says how spans are gathered before they are exported.
	TracerProviderBatch TracerProviderBatchSpec `json:"tracerProviderBatch"`
	// TracerProviderLimit are limits of a span.
	TracerProviderLimit TracerProviderLimitSpec `json:"tracerProviderLimit"`
	// Headers are fields of requests that become attributes, as http.header.name, whatever secrets are in them.
	Headers []string `json:"headers" format:"header-name"`
	// HTTPExporter exports by OTLP over HTTP.
	HTTPExporter *HTTPExporterSpec `json:"httpExporter" alt:"HTTPExporterSpec" oneof:"exporter"`
	// GRPCExporter exports by OTLP over gRPC. It's the default.
	GRPCExporter *GRPCExporterSpec `json:"grpcExporter" alt:"GRPCExporterSpec" oneof:"exporter"`
	// StdoutExporter writes spans to the standard output, as JSON.
	StdoutExporter *StdoutTraceExporterSpec `json:"stdoutExporter" alt:"StdoutExporterSpec" oneof:"exporter"`
	// ZipkinExporter exports to Zipkin.
	ZipkinExporter *ZipkinExporterSpec `json:"zipkinExporter" alt:"ZipkinExporterSpec" oneof:"exporter"`
}

// PropagationType is a format of the context of traces.
type PropagationType string

// Values lists the formats in the order of their numbers.
func (PropagationType) Values() []string {
	return []string{"W3CTraceContext", "W3CBaggage", "B3", "Jaeger", "XRay", "OpenCensus", "OpenTracing"}
}

// TracerProviderBatchSpec says how spans are gathered before they are exported. 0 stands for the default of each number.
type TracerProviderBatchSpec struct {
	// MaxQueueSize is how many spans may wait. What comes then is lost, unless blocking is set.
	MaxQueueSize int32 `json:"maxQueueSize" min:"0"`
	// BatchTimeout is how long a span waits for others, in seconds.
	BatchTimeout int32 `json:"batchTimeout" min:"0"`
	// ExportTimeout limits an export, with all its retries, in seconds.
	ExportTimeout int32 `json:"exportTimeout" min:"0"`
	// MaxExportBatchSize is how many spans are exported at once.
	MaxExportBatchSize int32 `json:"maxExportBatchSize" min:"0"`
	// Blocking makes requests wait while the queue is full.
	Blocking bool `json:"blocking"`
}

// TracerProviderLimitSpec are limits of a span. -1 is none; 0 is one, too. (In AILERON Gateway it's none.)
type TracerProviderLimitSpec struct {
	// AttributeValueLengthLimit is the length of texts, in characters. What is longer is cut off.
	AttributeValueLengthLimit int32 `json:"attributeValueLengthLimit"`
	// AttributeCountLimit is how many attributes there may be.
	AttributeCountLimit int32 `json:"attributeCountLimit"`
	// EventCountLimit is how many events there may be: failures.
	EventCountLimit int32 `json:"eventCountLimit"`
	// LinkCountLimit is how many links to other spans there may be. (Only Go plugins make any.)
	LinkCountLimit int32 `json:"linkCountLimit"`
	// AttributePerEventCountLimit is how many attributes an event may have.
	AttributePerEventCountLimit int32 `json:"attributePerEventCountLimit"`
	// AttributePerLinkCountLimit is how many attributes a link may have.
	AttributePerLinkCountLimit int32 `json:"attributePerLinkCountLimit"`
}

// StdoutTraceExporterSpec is an exporter to the standard output.
type StdoutTraceExporterSpec struct {
	// PrettyPrint breaks and indents lines.
	PrettyPrint bool `json:"prettyPrint"`
	// WithoutTimestamps leaves times out, so that the same requests give the same output.
	WithoutTimestamps bool `json:"withoutTimestamps"`
}

// ZipkinExporterSpec is an exporter to Zipkin.
type ZipkinExporterSpec struct {
	// EndpointURL is where to export to. Empty is what OTEL_EXPORTER_ZIPKIN_ENDPOINT says, or else http://localhost:9411/api/v2/spans.
	EndpointURL string `json:"endpointURL" alt:"EndpointURL" format:"url"`
	// Headers are added to each request. Write ${NAME} to read keys from the environment when the gateway starts.
	Headers decode.Map `json:"headers" keys:"header-name" format:"header-value" secret:"true"`
}

// Check reports secrets that are recorded, and exporters that can't work.
func (s *OpenTelemetryTracerSpec) Check(c *Check) {
	for i := range s.Headers {
		switch strings.ToLower(s.Headers[i]) {
		case "authorization", "proxy-authorization", "cookie", "x-api-key":
			c.Warnf(&s.Headers[i], diag.Insecure, "whoever sees the traces sees the credentials of clients in %s", s.Headers[i])
		}
	}
	if b := &s.TracerProviderBatch; b.MaxExportBatchSize > b.MaxQueueSize && b.MaxQueueSize > 0 && c.IsSet(&b.MaxExportBatchSize) && !c.Deferred(&b.MaxQueueSize) {
		c.Warnf(&b.MaxExportBatchSize, diag.NoEffect, "no more than maxQueueSize, %d, are exported at once", b.MaxQueueSize)
	}
	switch {
	case s.HTTPExporter != nil:
		s.HTTPExporter.otlp().check(c)
	case s.GRPCExporter != nil:
		s.GRPCExporter.otlp().check(c)
	case s.ZipkinExporter != nil:
		checkSecretHeaders(c, s.ZipkinExporter.Headers)
	}
}

// Lower returns the tracer.
func (s *OpenTelemetryTracerSpec) Lower(l *Lower) ir.Expr {
	var ratio ir.Expr
	if s.TraceIDRatioBased < 1 || l.Deferred(&s.TraceIDRatioBased) {
		ratio = newValue(l.Float(&s.TraceIDRatioBased))
	}
	formats := ir.List{Elem: ir.Runtime("otel/propagate.Format")}
	for _, f := range s.PropagationTypes {
		formats.Items = append(formats.Items, ir.Runtime("otel/propagate."+string(f)))
	}
	return l.Call("otel/tracer.New", l.Struct("otel/tracer.Options",
		ir.Set("Exporter", s.exporter(l)),
		ir.Set("ServiceName", l.String(&s.ServiceName)),
		ir.Set("LibraryName", l.String(&s.LibraryName)),
		ir.Set("Propagation", formats),
		ir.Set("Ratio", ratio),
		ir.Set("Headers", l.Strings(s.Headers)),
		ir.Set("Batch", s.TracerProviderBatch.lower(l)),
		ir.Set("Limits", s.TracerProviderLimit.lower(l)),
		ir.Set("Logger", l.Logger()),
	))
}

func (s *OpenTelemetryTracerSpec) exporter(l *Lower) ir.Expr {
	switch {
	case s.HTTPExporter != nil:
		return s.HTTPExporter.otlp().lower(l, "tracehttp")
	case s.StdoutExporter != nil:
		e := s.StdoutExporter
		return l.Link.Part(l, "exporter", true, l.Call("otel/tracestdout.New", l.Struct("otel/tracestdout.Options",
			ir.Set("Pretty", l.Bool(&e.PrettyPrint)),
			ir.Set("WithoutTimestamps", l.Bool(&e.WithoutTimestamps)))))
	case s.ZipkinExporter != nil:
		e := s.ZipkinExporter
		return l.Link.Part(l, "exporter", true, l.Call("otel/tracezipkin.New", l.Struct("otel/tracezipkin.Options",
			ir.Set("Endpoint", l.String(&e.EndpointURL)),
			ir.Set("Headers", l.Fields(e.Headers)))))
	case s.GRPCExporter != nil:
		return s.GRPCExporter.otlp().lower(l, "tracegrpc")
	}
	return new(GRPCExporterSpec).otlp().lower(l, "tracegrpc")
}

func (b *TracerProviderBatchSpec) lower(l *Lower) ir.Expr {
	return structure(l, "otel/tracer.Batch",
		ir.Set("MaxQueueSize", l.ifSet(&b.MaxQueueSize, l.Int(&b.MaxQueueSize))),
		ir.Set("Timeout", l.ifSet(&b.BatchTimeout, l.Seconds(&b.BatchTimeout))),
		ir.Set("ExportTimeout", l.ifSet(&b.ExportTimeout, l.Seconds(&b.ExportTimeout))),
		ir.Set("MaxExportBatchSize", l.ifSet(&b.MaxExportBatchSize, l.Int(&b.MaxExportBatchSize))),
		ir.Set("Blocking", l.Bool(&b.Blocking)))
}

func (t *TracerProviderLimitSpec) lower(l *Lower) ir.Expr {
	limit := func(p *int32) ir.Expr {
		if *p < 0 && !l.Deferred(p) {
			return nil
		}
		return newValue(l.Int(p))
	}
	return structure(l, "otel/tracer.Limits",
		ir.Set("AttributeValueLength", limit(&t.AttributeValueLengthLimit)),
		ir.Set("Attributes", limit(&t.AttributeCountLimit)),
		ir.Set("Events", limit(&t.EventCountLimit)),
		ir.Set("Links", limit(&t.LinkCountLimit)),
		ir.Set("AttributesPerEvent", limit(&t.AttributePerEventCountLimit)),
		ir.Set("AttributesPerLink", limit(&t.AttributePerLinkCountLimit)))
}

// newValue is a pointer to a value.
func newValue(e ir.Expr) ir.Expr { return ir.Call{Fun: ir.Name{Ident: "new"}, Args: []ir.Expr{e}} }

// structure is l.Struct, or nil if no field is set.
func structure(l *Lower, typ string, fields ...ir.Field) ir.Expr {
	for _, f := range fields {
		if !ir.IsZero(f.Value) {
			return l.Struct(typ, fields...)
		}
	}
	return nil
}
