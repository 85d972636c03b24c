package tracer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/otel"
	"github.com/aileron-gateway/aileronc/runtime/otel/propagate"
	"github.com/aileron-gateway/aileronc/runtime/otel/tracer"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
	"github.com/aileron-gateway/aileronc/runtime/tracking"
)

func TestSampling(t *testing.T) {
	unsampled := strings.TrimSuffix(parent, "01") + "00"
	for _, tt := range []struct {
		ratio  float64
		parent string
		want   bool
	}{{1, "", true}, {2, "", true}, {0, "", false}, {-1, "", false}, {1, unsampled, false}, {0, parent, true}} {
		r := newRig(t, tracer.Options{Ratio: new(tt.ratio)})
		x := exchange()
		if tt.parent != "" {
			x.Request.Header.Add("traceparent", tt.parent)
		}
		var leg gateway.Exchange
		run(r.Middleware(r.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
			x.Leg(&leg)
			leg.Request.Header = slices.Concat(x.Request.Header)
			r.Trace(x, "session")(nil)
			return r.Tripperware(answer(200)).Serve(&leg)
		}))), x)
		flag := map[bool]string{true: "01", false: "00"}[tt.want]
		if sent := leg.Request.Header.Get("traceparent"); !strings.HasSuffix(sent, flag) || sent == tt.parent {
			t.Errorf("ratio %v, parent %q: the upstream gets %q", tt.ratio, tt.parent, sent)
		}
		if id := traceid.Of(x); id == nil || id.Sampled != tt.want || !strings.Contains(x.Upstream.Get("traceparent"), id.Trace()+"-"+id.Span()) {
			t.Errorf("ratio %v, parent %q: others see %+v", tt.ratio, tt.parent, id)
		}
		if logged := len(x.Attached()) == 1 && x.Attached()[0].Key == "trace"; logged != tt.want {
			t.Errorf("ratio %v, parent %q: on log lines %v", tt.ratio, tt.parent, x.Attached())
		}
		if n := len(r.spans(t)); n > 0 != tt.want {
			t.Errorf("ratio %v, parent %q: %d spans", tt.ratio, tt.parent, n)
		}
	}
}

// One tracer decides, and another one, of a trace that isn't recorded, tells the upstream in its own format.
func TestTwoTracers(t *testing.T) {
	a := newRig(t, tracer.Options{Ratio: new(0.0)})
	b := newRig(t, tracer.Options{Propagation: []propagate.Format{propagate.B3}})
	var leg gateway.Exchange
	x := exchange()
	run(a.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Leg(&leg)
		return b.Tripperware(answer(200)).Serve(&leg)
	})), x)
	id := traceid.Of(x)
	if got := leg.Request.Header.Get("b3"); !strings.HasPrefix(got, id.Trace()) || !strings.HasSuffix(got, "-0") {
		t.Errorf("the upstream gets %q, in trace %s", got, id.Trace())
	}
	if n := len(a.spans(t)) + len(b.spans(t)); n != 0 {
		t.Errorf("%d spans", n)
	}
}

// The id of a request that gets it further in is recorded, too.
func TestLateRequestID(t *testing.T) {
	r := newRig(t, tracer.Options{})
	x := exchange()
	run(r.Middleware(tracking.New(tracking.Options{})(answer(200))), x)
	id, _ := tracking.RequestID.Get(x)
	if got := attributes(r.spans(t)["0:middleware"])["http.id"]; id == "" || got != id {
		t.Errorf("http.id is %v, not %q", got, id)
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, tracer.Options{Limits: tracer.Limits{Attributes: new(3), AttributeValueLength: new(4), Events: new(0)}, Headers: []string{"X"}})
	run(r.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return errors.New("no") })), exchange())
	s := r.spans(t)["0:middleware"]
	if len(s.Attributes) != 3 || s.DroppedAttributes == 0 || len(s.Events) != 0 {
		t.Errorf("%d attributes (%d dropped), %d events", len(s.Attributes), s.DroppedAttributes, len(s.Events))
	}
	for _, a := range s.Attributes {
		if a.Value.Type() == attribute.STRING && len(a.Value.AsString()) > 4 {
			t.Errorf("%s is %q", a.Key, a.Value.AsString())
		}
	}
}

// Others can add to the span of a request.
func TestSpan(t *testing.T) {
	r := newRig(t, tracer.Options{})
	x := exchange()
	if tracer.Span(x).IsRecording() {
		t.Error("there is a span already")
	}
	run(r.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		tracer.Span(x).SetAttributes(attribute.String("tenant", "a"))
		return nil
	})), x)
	if got := attributes(r.spans(t)["0:middleware"])["tenant"]; got != "a" {
		t.Errorf("tenant is %v", got)
	}
}

func TestTrace(t *testing.T) {
	r := newRig(t, tracer.Options{})
	r.Trace(exchange(), "session", gateway.Field{Name: "operation", Value: "SET"})(errors.New("away"))
	s := r.spans(t)["session"]
	if s.Parent.IsValid() || attributes(s)["operation"] != "SET" || s.Status.Description != "away" || len(s.Events) != 1 {
		t.Errorf("%+v", s)
	}
}

// stuck is an exporter that takes as long as it's allowed to.
type stuck struct{ keeper }

func (s *stuck) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	<-ctx.Done()
	return ctx.Err()
}

// A collector that is away doesn't keep the gateway from ending.
func TestFlushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracer.New(tracer.Options{Exporter: &stuck{}, Batch: tracer.Batch{ExportTimeout: time.Minute}})
		run(tr.Middleware(answer(200)), exchange())
		start := time.Now()
		if err := tr.Finalize(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > otel.FlushTimeout {
			t.Errorf("it took %v", took)
		}
		time.Sleep(2 * time.Minute) // for what is still at it
	})
}

// What there is no place for is told, once while it happens and at the end.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		k := &slow{}
		tr := tracer.New(tracer.Options{Exporter: k, Batch: tracer.Batch{MaxQueueSize: 2, MaxExportBatchSize: 1}, Logger: j})
		h := tr.Middleware(answer(200))
		for range 10 {
			run(h, exchange())
			synctest.Wait() // one is being exported, and two wait
		}
		time.Sleep(10 * time.Second)
		run(h, exchange())
		_ = tr.Finalize()
		if len(k.spans) != 4 {
			t.Errorf("%d spans were exported", len(k.spans))
		}
		if d := cmp.Diff([]string{"6 spans are lost so far, since more of them came than could be exported", "7 spans are lost so far, since more of them came than could be exported"}, j.lines); d != "" {
			t.Error(d)
		}
	})
}

// slow is an exporter that takes a second.
type slow struct{ keeper }

func (s *slow) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	time.Sleep(time.Second)
	return s.keeper.ExportSpans(ctx, spans)
}

// journal is a logger that keeps messages.
type journal struct{ lines []string }

func (*journal) Enabled(gateway.Level) bool { return true }
func (*journal) WriteLine([]byte)           {}
func (j *journal) Log(_ *gateway.Exchange, _ gateway.Level, msg string, _ ...gateway.Attr) {
	j.lines = append(j.lines, msg)
}

// What waits is exported after the timeout of the batch, or when there is enough of it.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		tr := tracer.New(tracer.Options{Exporter: k, Batch: tracer.Batch{Timeout: 2 * time.Second, MaxExportBatchSize: 3, MaxQueueSize: 3}})
		exported := func() int {
			synctest.Wait()
			k.mu.Lock()
			defer k.mu.Unlock()
			return len(k.spans)
		}
		h := tr.Middleware(answer(200))
		run(h, exchange())
		if n := exported(); n != 0 {
			t.Errorf("%d at once", n)
		}
		time.Sleep(3 * time.Second)
		if n := exported(); n != 1 {
			t.Errorf("%d after the timeout", n)
		}
		for range 3 {
			run(h, exchange())
			synctest.Wait()
		}
		if n := exported(); n != 4 {
			t.Errorf("%d when there are three", n)
		}
		_ = tr.Finalize()
	})
}
