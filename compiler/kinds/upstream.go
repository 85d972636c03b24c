package kinds

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// UpstreamSpec is a server that requests are sent to. (AILERON Gateway has no health checks, whatever is configured.)
type UpstreamSpec struct {
	// URL is where the server is: http or https, a host, optionally a port, and a path and query that are put in front of those of the request. (AILERON Gateway ignores the path.)
	URL string `json:"url" alt:"URL" required:"true" format:"url"`
	// Weight is the server's share of the requests, relative to that of the others. 0 is 1, and with -1 it gets none.
	Weight int32 `json:"weight" min:"-1" max:"65535"`
	// EnablePassive takes the server out of use for a while when five requests to it have failed in a row, within a minute: it couldn't be reached, it broke off, it took too long, or it answered with a status of 5xx, 501 and 505
	// excepted. After 10 seconds one request tries it; if that fails as well, the next one does after 20 seconds, and so on, up to 5 minutes. The last server of a load balancer that is left stays in use.
	EnablePassive bool `json:"enablePassive"`
	// EnableActive asks the server again and again whether it is well, and takes it out of use when three checks in a row have failed (or the very first one) until two have not. If no server is left, the answer is 503.
	// Checks are made with the TLS settings and the dialConfig of the HTTPClient, without tripperwares; of other round trippers they know nothing.
	EnableActive bool `json:"enableActive"`
	// InitialDelay is how long to wait before the first check, in seconds. Until then the server is in use.
	InitialDelay int32 `json:"initialDelay"`
	// HealthCheckInterval is the time between checks, in seconds, and how long one may take, but not less than 1 second and not more than 5. The time varies by a tenth, so that checks don't come in step. 0 or less is 1.
	HealthCheckInterval int32 `json:"healthCheckInterval"`
	// HealthCheckAddr is what is asked. "http://10.0.0.7:8081/healthz", or "/healthz" for a path at the server itself, is a GET that has to be answered with a status of 2xx or 3xx; "tcp://10.0.0.7:8080" is a connection, which
	// is closed again. Unset, it's a GET of the server's url, and any status below 500 is fine.
	HealthCheckAddr string `json:"healthCheckAddr"`
}

// SetDefaults sets what the documentation promises.
func (s *UpstreamSpec) SetDefaults() { s.HealthCheckInterval = 1 }

func (s *LoadBalancerSpec) checkUpstreams(c *Check) {
	for i := range s.Upstreams {
		u := &s.Upstreams[i]
		u.check(c)
		if u.EnablePassive && u.Weight >= 0 && s.usable() == 1 {
			c.Warnf(&u.EnablePassive, diag.NoEffect, "enablePassive has no effect: there is no other upstream that could be used instead")
		}
	}
}

// usable is how many upstreams get requests.
func (s *LoadBalancerSpec) usable() (n int) {
	for i := range s.Upstreams {
		if s.Upstreams[i].Weight >= 0 {
			n++
		}
	}
	return n
}

func (s *UpstreamSpec) check(c *Check) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil: // reported by the field's format
	case u.User != nil:
		c.Warnf(&s.URL, diag.NoEffect, "a user name and password in the url aren't sent; set an Authorization header instead")
	case u.Fragment != "":
		c.Warnf(&s.URL, diag.NoEffect, "a fragment isn't sent to servers")
	}
	if s.Weight < 0 {
		for _, enabled := range []*bool{&s.EnablePassive, &s.EnableActive} {
			if *enabled {
				c.Warnf(enabled, diag.NoEffect, "health checks have no effect on an upstream of weight -1, which gets no requests")
			}
		}
		return
	}
	s.checkActive(c)
}

// mayBeActive reports whether there are, or may be, active checks.
func (s *UpstreamSpec) mayBeActive(c *Check) bool {
	return s.EnableActive || c.Deferred(&s.EnableActive)
}

func (s *UpstreamSpec) checkActive(c *Check) {
	if !s.mayBeActive(c) {
		for i, field := range []any{&s.InitialDelay, &s.HealthCheckInterval, &s.HealthCheckAddr} {
			if c.IsSet(field) {
				name := []string{"initialDelay", "healthCheckInterval", "healthCheckAddr"}[i]
				c.Warnf(field, diag.NoEffect, "%s has no effect without enableActive", name)
			}
		}
		return
	}
	if s.InitialDelay < 0 {
		c.Warnf(&s.InitialDelay, diag.NoEffect, "a negative initialDelay has no effect: checks begin at once")
	}
	if s.HealthCheckInterval < 1 {
		c.Warnf(&s.HealthCheckInterval, diag.NoEffect, "a healthCheckInterval of %d has no effect: there is a check each second", s.HealthCheckInterval)
	}
	if c.Deferred(&s.HealthCheckAddr) {
		return
	}
	note, err := checkProbe(s.HealthCheckAddr)
	switch {
	case err != nil:
		c.Errorf(&s.HealthCheckAddr, diag.BadAddress, "%q can't be asked: %v", s.HealthCheckAddr, err)
	case note != "":
		c.Warnf(&s.HealthCheckAddr, diag.NoEffect, "%s", note)
	}
}

// checkProbe checks the address of a health check. note tells of a part of it that does nothing.
func checkProbe(addr string) (note string, err error) {
	network, rest, ok := strings.Cut(addr, "://")
	switch {
	case addr == "":
		return "", nil
	case addr[0] == '/':
		_, err := url.Parse("http://a" + addr)
		return "", unwrapped(err)
	case !ok:
		network, rest = "tcp", addr
	case network == "http" || network == "https":
		u, err := url.Parse(addr)
		switch {
		case err != nil:
			return "", unwrapped(err)
		case u.Hostname() == "":
			return "", errors.New("there is no host")
		case u.User != nil:
			note = "a user name and password in healthCheckAddr aren't sent"
		}
		return note, nil
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		if address, path, found := strings.Cut(rest, "/"); found {
			return "", fmt.Errorf("a check by TCP has no path; write http://%s/%s to have it asked for by HTTP", address, path)
		}
		if _, port, err := net.SplitHostPort(rest); err != nil || port == "" {
			return "", fmt.Errorf("it has no port; write tcp://host:port, a URL, or a path that begins with a slash")
		}
	case "unix":
	default:
		return "", fmt.Errorf("there's no way to ask by %q; it must be http, https, tcp, tcp4, tcp6 or unix", network)
	}
	return "", nil
}

// unwrapped is what is wrong with a URL, without the URL.
func unwrapped(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// byHTTP reports whether a check is, or may be, a request.
func (s *UpstreamSpec) byHTTP(c *Check) bool {
	a := s.HealthCheckAddr
	return c.Deferred(&s.HealthCheckAddr) || a == "" || a[0] == '/' || strings.HasPrefix(a, "http://") || strings.HasPrefix(a, "https://")
}

// asksInTheClear reports whether a check is a request without TLS.
func (s *UpstreamSpec) asksInTheClear(c *Check) bool {
	switch a := s.HealthCheckAddr; {
	case c.Deferred(&s.HealthCheckAddr):
		return false
	case a == "" || a[0] == '/':
		return strings.HasPrefix(s.URL, "http://") && !c.Deferred(&s.URL)
	default:
		return strings.HasPrefix(a, "http://")
	}
}

func (s *UpstreamSpec) lower(l *Lower) ir.Expr {
	fields := []ir.Field{
		ir.Set("URL", l.String(&s.URL)),
		ir.Set("Weight", l.Int(&s.Weight)),
		ir.Set("Passive", l.Bool(&s.EnablePassive)),
		ir.Set("Active", l.Bool(&s.EnableActive)),
	}
	if s.mayBeActive(l.Check) {
		fields = append(fields, ir.Set("Check", l.structOrNil("lb.Check",
			ir.Set("Addr", l.String(&s.HealthCheckAddr)),
			ir.Set("Delay", l.Seconds(&s.InitialDelay)),
			ir.Set("Interval", l.ifSet(&s.HealthCheckInterval, l.Seconds(&s.HealthCheckInterval))),
		)))
	}
	return l.Struct("lb.Upstream", fields...)
}

// healthChecks is what checks the upstreams of the balancers.
func (s *ReverseProxyHandlerSpec) healthChecks(l *Lower, balancers ir.List) ir.Expr {
	client, on := s.client(l)
	var byHTTP, byOther bool
	for i := range s.LoadBalancers {
		for j := range s.LoadBalancers[i].Upstreams {
			u := &s.LoadBalancers[i].Upstreams[j]
			if !u.mayBeActive(l.Check) {
				continue
			}
			byHTTP = byHTTP || u.byHTTP(l.Check)
			byOther = byOther || !u.byHTTP(l.Check) || l.Deferred(&u.HealthCheckAddr)
			if client.onlyTLS(on) && u.asksInTheClear(l.Check) {
				l.Warnf(&u.EnableActive, diag.NoEffect, "no health check of this upstream can succeed: they are by http, and %s speaks to https upstreams only", s.RoundTripper.ID().Short())
			}
		}
	}
	fields := []ir.Field{ir.Set("Balancers", balancers)}
	if byHTTP {
		fields = append(fields, ir.Set("Transport", l.Link.Part(l, "health check transport", true, client.probe(on))))
	}
	if byOther {
		fields = append(fields, ir.Set("Dial", client.dial().lower(on)))
	}
	fields = append(fields, ir.Set("Logger", l.Logger()))
	return l.Link.Part(l, "health checks", true, l.Call("healthcheck.New", l.Struct("healthcheck.Options", fields...)))
}

// client is the HTTPClient that requests are sent with, and what lowers its fields. Without one, it's that without
// settings.
func (s *ReverseProxyHandlerSpec) client(l *Lower) (*HTTPClientSpec, *Lower) {
	if !s.RoundTripper.IsZero() {
		if t := l.Link.Target(&s.RoundTripper); t != nil {
			if client, ok := t.Spec.(*HTTPClientSpec); ok {
				on := *l
				on.Check = t.Check
				return client, &on
			}
		}
	}
	return &HTTPClientSpec{}, l
}

// onlyTLS reports whether the client speaks to https upstreams alone.
func (s *HTTPClientSpec) onlyTLS(l *Lower) bool {
	t := s.HTTP2TransportConfig
	return s.HTTP3TransportConfig != nil || t != nil && !t.AllowHTTP && !l.Deferred(&t.AllowHTTP)
}

func (s *HTTPClientSpec) dial() *DialConfig {
	switch {
	case s.HTTPTransportConfig != nil:
		return s.HTTPTransportConfig.DialConfig
	case s.HTTP2TransportConfig != nil:
		return s.HTTP2TransportConfig.DialConfig
	}
	return nil
}

// probe is a transport for health checks, which reaches the same upstreams as s. What is spoken there is what s speaks: an upstream of
// HTTP/3 may have nothing else. Those that can't be told to keep no connections are closed after each check.
func (s *HTTPClientSpec) probe(l *Lower) ir.Expr {
	none := ir.Set("DisableKeepAlives", ir.Bool(true))
	t, t2 := s.HTTPTransportConfig, s.HTTP2TransportConfig
	switch {
	case s.HTTP3TransportConfig != nil:
		return s.HTTP3TransportConfig.lower(l)
	case t2 != nil:
		return l.Call("transport.HTTP2", l.Struct("transport.HTTP2Options",
			ir.Set("TLS", clientTLS(l, t2.TLSConfig, t2.DialConfig)), ir.Set("AllowHTTP", l.Bool(&t2.AllowHTTP)), ir.Set("Dial", t2.DialConfig.lower(l))))
	case t == nil && l.Engine == NetHTTP:
		return l.Call("transport.HTTP1", l.Struct("transport.HTTPOptions", none))
	case t == nil:
		return l.Call("wire.NewTransport", l.Struct("wire.TransportOptions", none))
	}
	fields := []ir.Field{ir.Set("TLS", clientTLS(l, t.TLSConfig, t.DialConfig)), none}
	if t.onWire(l) {
		return l.Call("wire.NewTransport", l.Struct("wire.TransportOptions", append(fields, ir.Set("Dial", t.DialConfig.lower(l)))...))
	}
	return l.Call("transport.HTTP1", l.Struct("transport.HTTPOptions",
		append(fields, ir.Set("AllowHTTP2", l.Bool(&t.AllowHTTP2)), ir.Set("Dial", t.DialConfig.lower(l)))...))
}

// pool is what knows of the connections to upstreams, nil if nothing does.
func (s *ReverseProxyHandlerSpec) pool(l *Lower, transport ir.Expr) ir.Expr {
	if s.RoundTripper.IsZero() {
		return transport
	}
	if t := l.Link.Target(&s.RoundTripper); t != nil {
		if client, ok := t.Spec.(*HTTPClientSpec); ok {
			if client.lowered != nil { // what is around it isn't it
				return client.lowered
			}
			return transport
		}
	}
	return ir.Lit{} // nil
}
