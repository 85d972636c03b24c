// Package tracer records what becomes of requests as spans of OpenTelemetry.
//
// As middleware it makes a span of kind server for a request, from when it comes until the response is out, as tripperware one
// of kind client for a request to an upstream, and hands the context of the trace on in the fields of both. A tracer that stands several times in the
// way of a request makes internal spans within the first one. For others, [Tracer.Trace] makes spans of what they do.
//
// Attributes have the names that AILERON Gateway gives them (http.method, http.path, net.addr), and those of OpenTelemetry's semantic
// conventions (http.request.method, url.path, client.address), so that dashboards made for either go on.
package tracer

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
)

// Options are the settings of a Tracer.
type Options struct {
	// Exporter is where spans go to. Nil exports none.
	Exporter sdktrace.SpanExporter
	// ServiceName is the service.name; empty is what the environment says, or "gateway".
	ServiceName string
	// LibraryName is the name of the instrumentation scope; empty is [otel.Library].
	LibraryName string
	// Propagation are the formats in which the context of traces comes and goes; none is W3C Trace Context and Baggage. OTEL_PROPAGATORS
	// takes precedence.
	Propagation []propagate.Format
	// Ratio is the part of the traces that begin here which is recorded: all from 1 on, none up to 0. Nil is all. A trace that began somewhere else is
	// recorded if it is there.
	Ratio *float64
	// Headers are fields of requests that are recorded, whatever secrets are in them.
	Headers []string
	Batch   Batch
	Limits  Limits
	// Logger is told when spans can't be exported. Nil is the standard logger.
	Logger gateway.Logger
}

// Batch says how spans are gathered before they are exported. 0 stands for the default of each field.
type Batch struct {
	MaxQueueSize       int           // spans that wait; 2048. What comes then is lost, unless Blocking is set
	Timeout            time.Duration // how long a span waits for others; 5 s
	ExportTimeout      time.Duration // of an export, with all its retries; 30 s
	MaxExportBatchSize int           // spans in an export; 512
	Blocking           bool          // requests wait while the queue is full
}

// Limits are those of a span. Nil, and less than 0, is none.
type Limits struct {
	AttributeValueLength, Attributes, Events, Links, AttributesPerEvent, AttributesPerLink *int
}

// A Tracer makes spans.
type Tracer struct {
	provider   *sdktrace.TracerProvider
	tracer     trace.Tracer
	propagator *propagate.Propagator
	headers    []header
	report     otel.Report
	exporter   *exporter // nil if there is none
}

// New returns a tracer.
func New(o Options) *Tracer {
	t := &Tracer{headers: newHeaders(o.Headers), report: otel.Report{What: "spans", Logger: o.Logger}}
	var unknown []string
	if t.propagator, unknown = propagate.New(o.Propagation); len(unknown) > 0 && o.Logger != nil {
		for _, name := range unknown {
			o.Logger.Log(nil, gateway.LevelWarn, "OTEL_PROPAGATORS has a format that nobody knows", gateway.String("format", name))
		}
	}
	ratio := 1.0
	if o.Ratio != nil {
		ratio = *o.Ratio
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(otel.Resource(o.ServiceName)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))),
		sdktrace.WithRawSpanLimits(o.Limits.spanLimits()),
	}
	if o.Exporter != nil {
		e := &exporter{SpanExporter: o.Exporter, report: &t.report, queue: int64(o.Batch.queue())}
		options = append(options, sdktrace.WithSpanProcessor(&counter{e}), sdktrace.WithBatcher(e, o.Batch.options()...))
		t.exporter = e
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	library := o.LibraryName
	if library == "" {
		library = otel.Library + "/tracer"
	}
	t.tracer = t.provider.Tracer(library)
	return t
}

func (b *Batch) queue() int {
	if b.MaxQueueSize > 0 {
		return b.MaxQueueSize
	}
	return 2048
}

func (b *Batch) options() []sdktrace.BatchSpanProcessorOption {
	or := func(n, def int) int {
		if n > 0 {
			return n
		}
		return def
	}
	orTime := func(d, def time.Duration) time.Duration {
		if d > 0 {
			return d
		}
		return def
	}
	queue := b.queue()
	options := []sdktrace.BatchSpanProcessorOption{
		sdktrace.WithMaxQueueSize(queue),
		sdktrace.WithBatchTimeout(orTime(b.Timeout, 5*time.Second)),
		sdktrace.WithExportTimeout(orTime(b.ExportTimeout, 30*time.Second)),
		sdktrace.WithMaxExportBatchSize(min(or(b.MaxExportBatchSize, 512), queue)),
	}
	if b.Blocking {
		options = append(options, sdktrace.WithBlocking())
	}
	return options
}

func (l *Limits) spanLimits() sdktrace.SpanLimits {
	of := func(p *int) int {
		if p == nil {
			return -1
		}
		return *p
	}
	return sdktrace.SpanLimits{
		AttributeValueDepthLimit:    sdktrace.DefaultAttributeValueDepthLimit,
		AttributeValueLengthLimit:   of(l.AttributeValueLength),
		AttributeCountLimit:         of(l.Attributes),
		EventCountLimit:             of(l.Events),
		LinkCountLimit:              of(l.Links),
		AttributePerEventCountLimit: of(l.AttributesPerEvent),
		AttributePerLinkCountLimit:  of(l.AttributesPerLink),
	}
}

// Initialize has the log told of what goes wrong.
func (t *Tracer) Initialize() error {
	t.report.Errors()
	return nil
}

// Finalize exports what hasn't been exported, and ends the Tracer. It takes no longer than [otel.FlushTimeout].
func (t *Tracer) Finalize() error {
	t.report.Flush(t.provider.Shutdown)
	if t.exporter != nil {
		t.exporter.tell(0)
	}
	return nil
}
