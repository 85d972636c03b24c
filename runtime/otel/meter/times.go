package meter

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// times exports how long upstreams take to answer. That is counted already, for which the SDK has no instrument.
type times struct {
	set   *upstreamstats.Set
	scope instrumentation.Scope
	start time.Time
}

// bounds are the buckets in seconds.
var bounds = func() (b []float64) {
	for _, d := range upstreamstats.Buckets {
		b = append(b, d.Seconds())
	}
	return b
}()

// Produce returns the figures as they are.
func (t *times) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	now := time.Now()
	var points []metricdata.HistogramDataPoint[float64]
	for _, s := range t.set.Merged() {
		if !s.Timed {
			continue
		}
		p := metricdata.HistogramDataPoint[float64]{
			Attributes:   attribute.NewSet(attribute.String("handler", s.Handler), attribute.String("upstream", text(s.Upstream))),
			StartTime:    t.start,
			Time:         now,
			Bounds:       bounds,
			BucketCounts: s.Latency[:],
			Sum:          s.LatencySum.Seconds(),
		}
		for _, n := range s.Latency {
			p.Count += n
		}
		points = append(points, p)
	}
	if points == nil {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: t.scope, Metrics: []metricdata.Metrics{{
		Name: "gateway.upstream.response.duration", Unit: "s", Description: "Duration of requests to the upstream until the response began",
		Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
	}}}}, nil
}
