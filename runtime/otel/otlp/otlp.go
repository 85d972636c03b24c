// Package otlp has what the exporters of OTLP, for spans and for metrics, over HTTP and over gRPC, have in common.
//
// All of them link gRPC and html/template, those over HTTP as well: the package of the protocol's messages does.
package otlp

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// Options are the settings of an exporter. What isn't set is up to the environment variables that OpenTelemetry defines (OTEL_EXPORTER_OTLP_ENDPOINT
// and the others), and then to the defaults here.
type Options struct {
	// Endpoint is where to export to: "http://host:port" without TLS, "https://host:port" with it, with a path after it if it isn't the
	// usual one (over HTTP), or "host:port" with TLS unless Insecure is set. Over gRPC it may be any other target of gRPC, too. The default is
	// localhost:4318 over HTTP, and localhost:4317 over gRPC.
	Endpoint string
	// Insecure leaves TLS out, if Endpoint doesn't say.
	Insecure bool
	// Headers are added to each request.
	Headers gateway.Header
	// Compress compresses requests with gzip.
	Compress bool
	// TLS is the configuration of TLS. Nil trusts the authorities of the system. New connections follow changes of its files.
	TLS *tlsconf.Client
	// Timeout limits a request; 0 is 10 seconds.
	Timeout time.Duration
	// Retry says when requests are sent again; nil is after 5 seconds at first, and for a minute.
	Retry *Retry
	// ReconnectionPeriod is how long connecting may take at least, before it's tried again (gRPC only); 0 is 20 seconds.
	ReconnectionPeriod time.Duration
	// ServiceConfig is a service config of gRPC, in JSON (gRPC only).
	ServiceConfig string
}

// Retry says when requests are sent again that failed for a reason that may pass. 0 stands for the default of each interval.
type Retry struct {
	Enabled         bool
	InitialInterval time.Duration // before the first retry; 5 seconds. It grows with each
	MaxInterval     time.Duration // 30 seconds
	MaxElapsedTime  time.Duration // for all tries; a minute
}

// Intervals returns the settings with the defaults, in the order of the fields. Of a nil Retry it's the defaults.
func (r *Retry) Intervals() (enabled bool, initial, longest, elapsed time.Duration) {
	initial, longest, elapsed = 5*time.Second, 30*time.Second, time.Minute
	if r == nil {
		return true, initial, longest, elapsed
	}
	for _, f := range []struct {
		set time.Duration
		to  *time.Duration
	}{{r.InitialInterval, &initial}, {r.MaxInterval, &longest}, {r.MaxElapsedTime, &elapsed}} {
		if f.set > 0 {
			*f.to = f.set
		}
	}
	return r.Enabled, initial, max(longest, initial), elapsed
}

// A Target is what Endpoint says.
type Target struct {
	Host     string // empty if Endpoint is
	Path     string // empty is the usual one
	Insecure bool
}

// Target returns what Endpoint and Insecure say. over is "HTTP" or "gRPC".
func (o *Options) Target(over string) (Target, error) {
	scheme, _, isURL := strings.Cut(o.Endpoint, "://")
	scheme = strings.ToLower(scheme)
	if !isURL || over == "gRPC" && scheme != "http" && scheme != "https" {
		return Target{Host: o.Endpoint, Insecure: o.Insecure}, nil
	}
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("the endpoint can't be used: %w", err)
	case scheme != "http" && scheme != "https":
		return Target{}, fmt.Errorf("the endpoint %s can't be used over %s: its scheme must be http or https", u.Redacted(), over)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return Target{}, fmt.Errorf("the endpoint %s must be scheme://host:port, or with a path after it", u.Redacted())
	}
	t := Target{Host: u.Host, Path: strings.TrimSuffix(u.Path, "/"), Insecure: scheme == "http"}
	if t.Path != "" && over == "gRPC" {
		return Target{}, fmt.Errorf("the endpoint %s has a path, which gRPC doesn't have", u.Redacted())
	}
	return t, nil
}

// URL is the target over HTTP. usual is the path of the kind of what is exported.
func (t *Target) URL(usual string) string {
	scheme, path := "https", t.Path
	if t.Insecure {
		scheme = "http"
	}
	if path == "" {
		path = usual
	}
	return scheme + "://" + t.Host + path
}

// HeaderMap is Headers as the exporters take them, or nil. Over gRPC names are in lower case.
func (o *Options) HeaderMap(over string) map[string]string {
	if len(o.Headers) == 0 {
		return nil
	}
	m := make(map[string]string, len(o.Headers))
	for _, f := range o.Headers {
		name := f.Name
		if over == "gRPC" {
			name = strings.ToLower(name)
		}
		m[name] = f.Value
	}
	return m
}

// HTTPClient is a client whose connections follow changes of the files of TLS.
func (o *Options) HTTPClient() *http.Client {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	return &http.Client{Transport: &transport{tls: o.TLS}, Timeout: timeout}
}

// A transport is one for the files as they are.
type transport struct {
	tls *tlsconf.Client

	mu     sync.Mutex
	config *tls.Config // what current was made with
	now    *http.Transport
}

// RoundTrip sends a request.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.current().RoundTrip(r)
}

// CloseIdleConnections closes those that nobody uses.
func (t *transport) CloseIdleConnections() { t.current().CloseIdleConnections() }

func (t *transport) current() *http.Transport {
	config := t.tls.Config()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.config != config {
		if t.now != nil {
			t.now.CloseIdleConnections()
		}
		t.now = http.DefaultTransport.(*http.Transport).Clone()
		t.now.TLSClientConfig = config.Clone() // which the transport completes
		t.config = config
	}
	return t.now
}
