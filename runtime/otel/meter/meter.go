// Package meter counts and times requests, and exports the figures by OpenTelemetry, at intervals.
//
//	http_requests_total{host,path,code,method}          requests of clients
//	http_client_requests_total{host,path,code,method}   requests to upstreams
//	http.server.request.duration                        how long those took, in seconds, until the response was out,
//	http.client.request.duration                        and how long upstreams took to begin an answer
//	http.server.active_requests, http.client.active_requests
//	gateway.upstream.*                                  what is known of each upstream
//	go.*                                                the Go runtime
//
// The first two are those of AILERON Gateway, the next four those of OpenTelemetry's semantic conventions. A code of 0 stands for no response.
package meter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/metrics"
	"github.com/aileron-gateway/aileronc/runtime/otel"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// Options are the settings of a meter.
type Options struct {
	// Exporter is where metrics go to. Nil exports none.
	Exporter sdkmetric.Exporter
	// ServiceName is the service.name; empty is what the environment says, or "gateway".
	ServiceName string
	// LibraryName is the name of the instrumentation scope; empty is [otel.Library].
	LibraryName string
	// Interval is the time between exports; 0 is 5 seconds. Timeout limits one, with all its retries; 0 is 30 seconds.
	Interval, Timeout time.Duration
	// MaxSeries is how many combinations of host, path, method and code are counted apart in each of the two totals; 0 is 10000.
	// Of what comes then, the path becomes "other", and later the host, too.
	MaxSeries int
	// Upstreams are the counts of upstreams; nil is none.
	Upstreams *upstreamstats.Set
	// Logger is told when metrics can't be exported. Nil is the standard logger.
	Logger gateway.Logger
}

// A Meter counts requests.
type Meter struct {
	provider *sdkmetric.MeterProvider
	report   otel.Report
	server   side
	client   side
}

// A side is what is counted of the requests of clients, or of those to upstreams.
type side struct {
	total  metrics.Table[row]
	times  metric.Float64Histogram
	series metrics.Table[[]metric.RecordOption] // of times
	active atomic.Int64
}

// A row is the count of a series.
type row struct {
	n     atomic.Int64
	attrs []metric.ObserveOption
}

// buckets are those that the semantic conventions advise for durations.
var buckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// New returns a meter, which exports from now on.
func New(o Options) (*Meter, error) {
	if o.MaxSeries <= 0 {
		o.MaxSeries = 10000
	}
	if o.Interval <= 0 {
		o.Interval = 5 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	library := o.LibraryName
	if library == "" {
		library = otel.Library + "/meter"
	}
	m := &Meter{report: otel.Report{What: "metrics", Logger: o.Logger}}
	options := []sdkmetric.Option{
		sdkmetric.WithResource(otel.Resource(o.ServiceName)),
		sdkmetric.WithCardinalityLimit(0), // MaxSeries is the limit
	}
	if o.Exporter != nil {
		reader := []sdkmetric.PeriodicReaderOption{sdkmetric.WithInterval(o.Interval), sdkmetric.WithTimeout(o.Timeout)}
		if o.Upstreams != nil && o.Upstreams.Times {
			reader = append(reader, sdkmetric.WithProducer(&times{o.Upstreams, instrumentation.Scope{Name: library}, time.Now()}))
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(&exporter{o.Exporter, &m.report}, reader...)))
	}
	m.provider = sdkmetric.NewMeterProvider(options...)
	meter := m.provider.Meter(library)
	err := errors.Join(
		m.server.register(meter, o, "http_requests_total", "Total number of received http requests", "http.server", serverSeries),
		m.client.register(meter, o, "http_client_requests_total", "Total number of sent http requests", "http.client", clientSeries),
		registerUpstreams(meter, o.Upstreams),
		runtime.Start(runtime.WithMeterProvider(m.provider), runtime.WithMinimumReadMemStatsInterval(time.Second)),
	)
	if err != nil {
		return nil, fmt.Errorf("metrics can't be registered: %w", err)
	}
	return m, nil
}

func (s *side) register(meter metric.Meter, o Options, total, help, prefix string, series func(metrics.Series) *[]metric.RecordOption) error {
	s.total = metrics.Table[row]{Max: o.MaxSeries, New: newRow}
	s.series = metrics.Table[[]metric.RecordOption]{Max: o.MaxSeries, New: series}
	counter, err1 := meter.Int64ObservableCounter(total, metric.WithDescription(help))
	active, err2 := meter.Int64ObservableUpDownCounter(prefix+".active_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Number of requests that have no end yet"))
	times, err3 := meter.Float64Histogram(prefix+".request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of requests"), metric.WithExplicitBucketBoundaries(buckets...))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	s.times = times
	_, err := meter.RegisterCallback(func(_ context.Context, ob metric.Observer) error {
		for r := range s.total.All() {
			ob.ObserveInt64(counter, r.n.Load(), r.attrs...)
		}
		ob.ObserveInt64(active, s.active.Load())
		return nil
	}, counter, active)
	return err
}

func newRow(k metrics.Series) *row {
	return &row{attrs: []metric.ObserveOption{metric.WithAttributeSet(attribute.NewSet(
		attribute.String("host", text(k.Host)),
		attribute.String("path", text(k.Path)),
		attribute.Int("code", k.Code),
		attribute.String("method", k.Method),
	))}}
}

// Initialize has the log told of what goes wrong.
func (m *Meter) Initialize() error {
	m.report.Errors()
	return nil
}

// Finalize exports the last figures, and ends the Meter. It takes no longer than [otel.FlushTimeout].
func (m *Meter) Finalize() error {
	m.report.Flush(m.provider.Shutdown)
	return nil
}

// An exporter reports what becomes of exports.
type exporter struct {
	sdkmetric.Exporter
	report *otel.Report
}

func (e *exporter) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	return e.report.Outcome(e.Exporter.Export(ctx, data))
}
