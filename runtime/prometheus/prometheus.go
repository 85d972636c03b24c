// Package prometheus counts and times requests, and shows the figures in the formats that Prometheus reads.
//
//	http_requests_total{host,path,code,method}          requests of clients
//	http_request_duration_seconds{code,method}          how long they took, until the response was out
//	http_requests_in_flight                             how many there are
//	http_client_requests_total{host,path,code,method}   requests to upstreams
//	http_client_request_duration_seconds{host,code}     how long upstreams took to begin an answer
//	http_client_requests_in_flight                      how many wait for that
//	http_upstream_*{handler,upstream}                   what is known of each upstream
//
// A code of 0 stands for no response. Beside these are the metrics of the Go runtime and of the process. In the formats that have
// exemplars, those of OpenMetrics and of protocol buffers, counters and histograms of requests name the trace of one of them, if some are traced.
package prometheus

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/metrics"
	"github.com/aileron-gateway/aileronc/runtime/traceid"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// Options are the settings of a meter.
type Options struct {
	// MaxSeries is how many combinations of host, path, method and code are counted apart in each of the two totals; 0 is 10000.
	// Of what comes then, the path becomes "other", and later the host, too.
	MaxSeries int
	// Upstreams are the counts of upstreams; nil is none.
	Upstreams *upstreamstats.Set
}

// A Meter counts requests.
type Meter struct {
	registry *prometheus.Registry
	pages    gateway.Handler
	server   side
	client   side
}

// A side is what is counted of the requests of clients, or of those to upstreams.
type side struct {
	total    metrics.Table[prometheus.Counter]
	times    *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// buckets are from what a gateway itself takes to what people wait for.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// New returns a meter with a registry of its own.
func New(o Options) *Meter {
	if o.MaxSeries <= 0 {
		o.MaxSeries = 10000
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Meter{registry: r}
	m.server.register(r, o, "http_request", "received http requests", "code", "method")
	m.client.register(r, o, "http_client_request", "sent http requests", "host", "code")
	if o.Upstreams != nil {
		r.MustRegister(newUpstreams(o.Upstreams))
	}
	m.pages = adapter.Handler(promhttp.InstrumentMetricHandler(r, promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r, EnableOpenMetrics: true})))
	return m
}

func (s *side) register(r *prometheus.Registry, o Options, name, what string, labels ...string) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name + "s_total", Help: "Total number of " + what}, []string{"host", "path", "code", "method"})
	s.total = metrics.Table[prometheus.Counter]{Max: o.MaxSeries, New: func(k metrics.Series) *prometheus.Counter {
		c := total.WithLabelValues(valid(k.Host), valid(k.Path), metrics.CodeText(k.Code), k.Method)
		return &c
	}}
	s.times = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name + "_duration_seconds", Help: "Duration of " + what, Buckets: buckets,
	}, labels)
	s.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: name + "s_in_flight", Help: "Number of " + what + " that have no end yet"})
	r.MustRegister(total, s.times, s.inFlight)
}

// valid is s as a label: UTF-8. What clients send may be anything.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Registry is where further collectors can be registered.
func (m *Meter) Registry() prometheus.Registerer { return m.registry }

// Serve shows the figures, in the text format or in that of OpenMetrics, as the client asks for.
func (m *Meter) Serve(x *gateway.Exchange) error { return m.pages.Serve(x) }

// Middleware counts requests of clients when the response is out, so that refused ones have the status that
// the client gets.
func (m *Meter) Middleware(next gateway.Handler) gateway.Handler {
	s := &m.server
	done := func(x *gateway.Exchange) {
		s.inFlight.Dec()
		k := metrics.Of(x)
		count(x, *s.total.Get(k), s.times.WithLabelValues(metrics.CodeText(k.Code), k.Method), time.Since(x.Start))
	}
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		s.inFlight.Inc()
		x.OnDone(done)
		return next.Serve(x)
	})
}

// count counts a request and its time, as an exemplar if a tracer records it.
func count(x *gateway.Exchange, total prometheus.Counter, times prometheus.Observer, took time.Duration) {
	span := traceid.Of(x)
	if span == nil || !span.Sampled {
		total.Inc()
		times.Observe(metrics.Seconds(took))
		return
	}
	labels := prometheus.Labels{"trace_id": span.Trace(), "span_id": span.Span()}
	total.(prometheus.ExemplarAdder).AddWithExemplar(1, labels)
	times.(prometheus.ExemplarObserver).ObserveWithExemplar(metrics.Seconds(took), labels)
}

// Tripperware counts requests to upstreams when the head of the response is there.
func (m *Meter) Tripperware(next gateway.Handler) gateway.Handler {
	s := &m.client
	return gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		start := time.Now()
		s.inFlight.Inc()
		defer s.inFlight.Dec() // after a panic, too
		err := next.Serve(leg)
		k := metrics.OfLeg(leg, err)
		count(leg, *s.total.Get(k), s.times.WithLabelValues(k.Host, metrics.CodeText(k.Code)), time.Since(start))
		return err
	})
}
