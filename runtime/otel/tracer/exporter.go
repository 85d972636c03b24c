package tracer

import (
	"context"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/otel"
)

// An exporter reports what becomes of exports, and how many spans didn't get there because the queue was full, of which the
// SDK tells nobody.
type exporter struct {
	sdktrace.SpanExporter
	report *otel.Report
	queue  int64 // how many may wait

	ended, got, told atomic.Int64
}

// ExportSpans exports spans.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.got.Add(int64(len(spans)))
	if e.told.Load() == 0 { // once, and then at the end
		e.tell(e.queue)
	}
	return e.report.Outcome(e.SpanExporter.ExportSpans(ctx, spans))
}

// tell reports how many spans are lost, at least, if so many may still wait.
func (e *exporter) tell(waiting int64) {
	if lost := e.ended.Load() - e.got.Load() - waiting; lost > e.told.Load() {
		e.told.Store(lost)
		e.report.Lost(lost)
	}
}

// A counter counts the spans that end.
type counter struct{ *exporter }

func (*counter) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

func (c *counter) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		c.ended.Add(1)
	}
}

func (*counter) ForceFlush(context.Context) error { return nil }
func (*counter) Shutdown(context.Context) error   { return nil }
