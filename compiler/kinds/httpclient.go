package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var httpClient = Kind{
	APIVersion: "core/v1",
	Name:       "HTTPClient",
	Roles:      []Role{RoundTripper},
	New:        func() Spec { return &HTTPClientSpec{} },
}

// HTTPClientSpec is the spec of an HTTPClient, which sends requests to upstreams and keeps
// connections to them. It speaks TLS to https upstreams and no TLS to http ones, whatever else
// is configured. (AILERON Gateway with a dialConfig speaks TLS to all or to none.)
//
// Names are looked up again while they are used, every 5 s. New connections are spread over the addresses of a name, and pass over those
// that can't be reached; kept ones are not used any more once their address has been missing from six answers in a row.
//
// Without a transport config it's the default client, with the proxies of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY),
// HTTP/1.1, 10 s to connect and for a TLS handshake, 1024 idle connections to an upstream, for 60 s, and no compression of its own.
type HTTPClientSpec struct {
	// Tripperwares are what requests pass, the first outermost.
	Tripperwares []resource.Ref `json:"tripperwares" role:"Tripperware"`
	// RetryConfig sends requests again when the upstream fails. Tripperwares see one request, however often it's sent.
	RetryConfig *RetryConfig `json:"retryConfig"`
	// HTTPTransportConfig makes it a client of HTTP/1.1, and of HTTP/2 if allowed.
	HTTPTransportConfig *HTTPTransportConfig `json:"httpTransportConfig" alt:"HTTPTransportConfig" oneof:"transport"`
	// HTTP2TransportConfig makes it a client of HTTP/2 alone.
	HTTP2TransportConfig *HTTP2TransportConfig `json:"http2TransportConfig" alt:"HTTP2TransportConfig" oneof:"transport"`
	// HTTP3TransportConfig makes it a client of HTTP/3 alone, to https upstreams.
	HTTP3TransportConfig *HTTP3TransportConfig `json:"http3TransportConfig" alt:"HTTP3TransportConfig" oneof:"transport"`

	lowered ir.Expr // the transport, in a variable
}

// RetryConfig says which requests are sent again: those that get no response, and those
// that get one of retryStatusCodes. Methods aren't looked at: POST is sent again, too.
//
// There is a short pause before each try, doubled each time on average, or what the upstream asks for by Retry-After if that's
// not more than 10 s. The outcome is that of the last try. (AILERON Gateway hides the response of the last try behind
// an error of its own, and doesn't retry requests with a body unless maxContentLength is set.)
type RetryConfig struct {
	// MaxRetry is how many tries may follow the first one.
	MaxRetry uint32 `json:"maxRetry" max:"100"`
	// MaxContentLength is the greatest body of a request that's sent again, in bytes. It's held in memory. Requests with a body of unknown length are sent once.
	MaxContentLength int32 `json:"maxContentLength" min:"0" max:"16777216"`
	// RetryStatusCodes are the statuses of responses that aren't accepted while there are tries left.
	RetryStatusCodes []int32 `json:"retryStatusCodes" unique:"true"`
}

// SetDefaults sets what the documentation promises.
func (r *RetryConfig) SetDefaults() { r.MaxRetry, r.MaxContentLength = 1, 1<<20 }

// Check reports what has no effect, or can't work.
func (s *HTTPClientSpec) Check(c *Check) {
	if r := s.RetryConfig; r != nil {
		r.check(c)
	}
	if t := s.HTTPTransportConfig; t != nil {
		t.TLSConfig.checkClient(c)
		t.DialConfig.check(c, &t.TLSConfig)
	}
	if t := s.HTTP2TransportConfig; t != nil {
		t.TLSConfig.checkClient(c)
		t.DialConfig.check(c, &t.TLSConfig)
		if c.IsSet(&t.MinLookupInterval) && !t.MultiIPConnPool && !c.Deferred(&t.MultiIPConnPool) {
			c.Warnf(&t.MinLookupInterval, diag.NoEffect, "minLookupInterval has no effect without multiIPConnPool")
		}
	}
	if t := s.HTTP3TransportConfig; t != nil {
		t.check(c)
	}
}

func (r *RetryConfig) check(c *Check) {
	if r.MaxRetry == 0 {
		c.Warnf(&r.MaxRetry, diag.NoEffect, "with a maxRetry of 0, retryConfig has no effect")
	}
	for i := range r.RetryStatusCodes {
		if n := r.RetryStatusCodes[i]; n < 200 && n != 101 || n > 999 {
			c.Warnf(&r.RetryStatusCodes[i], diag.NoEffect, "no response has the status %d", n)
		}
	}
}

// Lower returns the client: the transport, within what decodes gzip, within the retries, within the tripperwares.
func (s *HTTPClientSpec) Lower(l *Lower) ir.Expr {
	transport, fails := s.transport(l)
	gunzip := s.gunzip(l)
	retries := s.RetryConfig != nil && (s.RetryConfig.MaxRetry > 0 || l.Deferred(&s.RetryConfig.MaxRetry))
	if gunzip == nil && len(s.Tripperwares) == 0 && !retries {
		l.Fails = fails
		return transport
	}
	if fails {
		transport = l.Link.Part(l, "transport", true, transport)
	}
	s.lowered = transport
	if gunzip != nil {
		transport = ir.Call{Fun: gunzip, Args: []ir.Expr{transport}}
	}
	if retries {
		transport = ir.Call{Fun: s.RetryConfig.lower(l), Args: []ir.Expr{transport}}
	}
	return l.Chain(s.Tripperwares, Tripperware, transport)
}

// transport is what sends the requests, and whether making it may fail.
func (s *HTTPClientSpec) transport(l *Lower) (e ir.Expr, fails bool) {
	switch {
	case s.HTTPTransportConfig != nil:
		return s.HTTPTransportConfig.lower(l), true
	case s.HTTP2TransportConfig != nil:
		return s.HTTP2TransportConfig.lower(l), true
	case s.HTTP3TransportConfig != nil:
		return s.HTTP3TransportConfig.lower(l), true
	}
	return standardTransport(l), false
}

// gunzip is what asks for gzip and decodes it around a transport that doesn't do so itself, nil for nothing.
func (s *HTTPClientSpec) gunzip(l *Lower) ir.Expr {
	var disabled *bool
	switch {
	case s.HTTP3TransportConfig != nil:
		disabled = &s.HTTP3TransportConfig.DisableCompression
	case s.HTTPTransportConfig.onWire(l):
		disabled = &s.HTTPTransportConfig.DisableCompression
	default:
		return nil
	}
	switch {
	case l.Deferred(disabled):
		return l.Call("gunzip.Unless", l.Bool(disabled))
	case *disabled:
		return nil
	}
	return l.Call("gunzip.New")
}

func (r *RetryConfig) lower(l *Lower) ir.Expr {
	codes := ir.List{Elem: ir.Name{Ident: "int"}}
	for i := range r.RetryStatusCodes {
		codes.Items = append(codes.Items, l.Int(&r.RetryStatusCodes[i]))
	}
	return l.Call("retry.New", l.Struct("retry.Options",
		ir.Set("Max", l.Int(&r.MaxRetry)),
		ir.Set("MaxBodyBytes", l.Int64(&r.MaxContentLength)),
		ir.Set("StatusCodes", codes),
	))
}
