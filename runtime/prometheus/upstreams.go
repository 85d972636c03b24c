package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// upstreams shows what is known of each upstream. It's read when somebody asks, so it costs requests nothing.
type upstreams struct {
	set *upstreamstats.Set

	requests, inFlight, responses, failures, seconds *prometheus.Desc
	up, ejections, connections, opened               *prometheus.Desc
}

func newUpstreams(set *upstreamstats.Set) *upstreams {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("http_upstream_"+name, help, append([]string{"handler", "upstream"}, labels...), nil)
	}
	return &upstreams{
		set:         set,
		requests:    desc("requests_total", "Total number of requests sent to the upstream"),
		inFlight:    desc("requests_in_flight", "Number of requests to the upstream that have no end yet"),
		responses:   desc("responses_total", "Total number of responses of the upstream, by the class of their status", "class"),
		failures:    desc("failures_total", "Total number of requests to the upstream that failed, by what failed", "reason"),
		seconds:     desc("response_duration_seconds", "Duration of requests to the upstream until the response began"),
		up:          desc("up", "1 if requests go to the upstream, 0 if not"),
		ejections:   desc("ejections_total", "How often the upstream was taken out of use because requests to it had failed"),
		connections: desc("connections", "Number of connections to the upstream, by their state", "state"),
		opened:      desc("connections_opened_total", "Total number of connections to the upstream"),
	}
}

// Describe tells what there may be.
func (u *upstreams) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{u.requests, u.inFlight, u.responses, u.failures, u.seconds, u.up, u.ejections, u.connections, u.opened} {
		c <- d
	}
}

// Collect shows the counts as they are.
func (u *upstreams) Collect(c chan<- prometheus.Metric) {
	for _, s := range u.set.Merged() {
		u.show(c, s)
	}
}

func (u *upstreams) show(c chan<- prometheus.Metric, s *upstreamstats.Snapshot) {
	upstream := valid(s.Upstream)
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{s.Handler, upstream}, labels...)...)
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), append([]string{s.Handler, upstream}, labels...)...)
	}
	counter(u.requests, s.Requests)
	gauge(u.inFlight, int(s.InFlight))
	for class := 1; class < len(s.Responses); class++ {
		counter(u.responses, s.Responses[class], string(rune('0'+class))+"xx")
	}
	for f, n := range s.Failures {
		counter(u.failures, n, upstreamstats.Failure(f).String())
	}
	counter(u.ejections, s.Ejections)
	up := 0
	if s.Usable {
		up = 1
	}
	gauge(u.up, up)
	if s.Timed {
		u.showTimes(c, s, upstream)
	}
	if !s.ConnsKnown {
		return
	}
	counter(u.opened, s.Conns.Opened)
	if s.Conns.Idle < 0 {
		gauge(u.connections, s.Conns.Open, "open")
		return
	}
	gauge(u.connections, s.Conns.Open-s.Conns.Idle, "used")
	gauge(u.connections, s.Conns.Idle, "idle")
}

func (u *upstreams) showTimes(c chan<- prometheus.Metric, s *upstreamstats.Snapshot, upstream string) {
	counts := make(map[float64]uint64, len(upstreamstats.Buckets))
	var all uint64
	for i, n := range s.Latency {
		all += n
		if i < len(upstreamstats.Buckets) {
			counts[upstreamstats.Buckets[i].Seconds()] = all
		}
	}
	c <- prometheus.MustNewConstHistogram(u.seconds, all, s.LatencySum.Seconds(), counts, s.Handler, upstream)
}
