package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

var prometheusMeter = Kind{
	APIVersion: "app/v1",
	Name:       "PrometheusMeter",
	Roles:      []Role{Handler, Middleware, Tripperware},
	Methods:    map[Role]string{Middleware: "Middleware", Tripperware: "Tripperware"},
	New:        func() Spec { return &PrometheusMeterSpec{Patterns: []string{metricsPath}} },
}

const metricsPath = "/metrics"

// PrometheusMeterSpec is the spec of a PrometheusMeter, which counts and times requests, and shows the figures to Prometheus. As middleware it
// counts those of clients, as tripperware those to upstreams, and as handler it shows what both have
// counted, with the metrics of the Go runtime and of the process.
//
// http_requests_total and http_client_requests_total are by host, path, code and method. Clients can ask for what they like, but
// not fill the memory: when there are maxSeries of them, the path of new ones becomes "other", and later the host, too, as do methods that
// nobody knows and what is longer than 256 bytes. (In AILERON Gateway they have no limit.) Beyond AILERON Gateway there
// are histograms of durations (http_request_duration_seconds by code and method, http_client_request_duration_seconds by host and code)
// and the numbers of requests that are under way. A code of 0 means that there was no response. What is known of each upstream is by handler and upstream: http_upstream_requests_total, _requests_in_flight,
// _responses_total by class, _failures_total by reason, _response_duration_seconds, _up, _ejections_total, _connections by state and _connections_opened_total.
// Who asks for OpenMetrics, or for protocol buffers, gets exemplars: the ids of traces that an OpenTelemetryTracer of this gateway records.
type PrometheusMeterSpec struct {
	// Patterns are the paths that the handler wants to be mounted at. Empty is the default.
	Patterns []string `json:"patterns" fixed:"true"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// MaxSeries is how many combinations of host, path, code and method are counted apart. 0 stands for 10000.
	MaxSeries int32 `json:"maxSeries" min:"0"`
}

// MeasuresUpstreams reports whether the counts of upstreams are shown.
func (s *PrometheusMeterSpec) MeasuresUpstreams() bool { return true }

// TimesUpstreams reports whether their times are, too.
func (s *PrometheusMeterSpec) TimesUpstreams() bool { return true }

// Route returns where the handler wants to be mounted.
func (s *PrometheusMeterSpec) Route() ([]string, []HTTPMethod) {
	if len(s.Patterns) == 0 {
		return []string{metricsPath}, s.Methods
	}
	return s.Patterns, s.Methods
}

// Lower returns the meter.
func (s *PrometheusMeterSpec) Lower(l *Lower) ir.Expr {
	return l.Call("prometheus.New", l.Struct("prometheus.Options",
		ir.Set("MaxSeries", l.Int(&s.MaxSeries)),
		ir.Set("Upstreams", l.Link.UpstreamStats())))
}
