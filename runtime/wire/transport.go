package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/envproxy"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// A Transport is the end of a chain: it serves a leg by asking the upstream, in HTTP/1.1. It keeps connections for
// further requests and is safe for concurrent use.
//
// Request.Scheme and Request.Host say where to connect, and Host is the Host field, too. The request is sent as it is: the
// path and query byte for byte, the fields in their order and spelling, and no other field than those that
// frame the message.
type Transport struct {
	options TransportOptions
	dialer  *dial.Dialer
	tls     *tlsconf.Client
	proxies *envproxy.Proxies // nil if there are none
	err     error             // why there can be no connection

	mu        sync.RWMutex
	upstreams map[origin]*upstream
	measured  map[origin]*atomic.Uint64   // connections opened, to those that somebody measures
	few       atomic.Pointer[[]*upstream] // of upstreams: see upstream

	idle     atomic.Int64 // how many connections are, at all upstreams, if that is limited
	sweeping atomic.Bool  // sweeper is set
	sweeper  *time.Timer
}

const (
	// defaultIdlePerHost is MaxIdleConnsPerHost if it isn't given. A busy proxy with fewer opens a
	// connection for most requests.
	defaultIdlePerHost = 1024
	// defaultMaxHead is MaxResponseHeaderBytes if it isn't given.
	defaultMaxHead = 10 << 20
)

// NewTransport returns a Transport for o. It fails if a file or an address in o, or a proxy of the
// environment, is unusable.
func NewTransport(o TransportOptions) (*Transport, error) {
	dialer, err := dial.NewDialer(o.Dial)
	if err != nil {
		return nil, err
	}
	config, err := tlsconf.NewClient(o.TLS, func(c *tls.Config) {
		// An upstream that chose it would be spoken to in HTTP/1.1 all the same.
		c.NextProtos = slices.DeleteFunc(slices.Clone(c.NextProtos), func(p string) bool { return p == "h2" })
	})
	if err != nil {
		return nil, fmt.Errorf("transport: TLS configuration: %w", err)
	}
	proxies, err := envproxy.FromEnvironment()
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	if o.MaxIdleConnsPerHost == 0 {
		o.MaxIdleConnsPerHost = defaultIdlePerHost
	}
	if o.MaxResponseHeaderBytes <= 0 {
		o.MaxResponseHeaderBytes = defaultMaxHead
	}
	t := &Transport{options: o, dialer: dialer, tls: config, proxies: proxies, upstreams: make(map[origin]*upstream)}
	t.sweeper = time.AfterFunc(time.Hour, t.sweep)
	t.sweeper.Stop()
	return t, nil
}

// DefaultTransport returns the transport for where none is configured. All calls return the same one:
// proxies of the environment, 10 s to dial and for a TLS handshake, 1 s for 100 (Continue), up to 1024 idle
// connections to an upstream, for 60 s.
func DefaultTransport() *Transport { return defaultTransport() }

var defaultTransport = sync.OnceValue(func() *Transport {
	t, err := NewTransport(TransportOptions{
		TLSHandshakeTimeout:   10 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		ExpectContinueTimeout: time.Second,
		Dial:                  dial.Options{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second},
	})
	if err != nil { // of the environment: there is nothing in the options that could be wrong
		t = &Transport{err: err}
	}
	return t
})

// Serve sends the request of leg and fills in the response once its head has come; the body is still to be
// read. The context of leg bounds all of it.
//
// The error is a *[gateway.UpstreamError]. [gateway.IsTimeout] tells whether the upstream was too slow; errors of
// reading the request's body are in its chain as they came, and so is the [Fault] of a malformed response.
func (t *Transport) Serve(leg *gateway.Exchange) error {
	c := call{t: t, leg: leg}
	if err := c.serve(); err != nil {
		return upstreamError(leg, c.phase, c.sent, err)
	}
	return nil
}

func upstreamError(leg *gateway.Exchange, phase gateway.Phase, sent bool, err error) error {
	r := &leg.Request
	return &gateway.UpstreamError{Method: r.Method, Scheme: r.Scheme, Host: r.Host, Phase: phase, Sent: sent, Err: err}
}

// Close closes the connections that are idle. The transport can still be used.
func (t *Transport) Close() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, u := range t.upstreams {
		u.closeIdle(0, now())
	}
	return nil
}

// A timeoutError is the end of a time limit of the transport's own.
type timeoutError string

// Error says what took too long.
func (e timeoutError) Error() string { return string(e) }

// Timeout is true: see [gateway.IsTimeout].
func (timeoutError) Timeout() bool { return true }

// Temporary is true as with all timeouts of package net.
func (timeoutError) Temporary() bool { return true }

const (
	errHandshake = timeoutError("TLS handshake timeout")
	errAwaiting  = timeoutError("timeout awaiting response headers")
	errNoSlot    = timeoutError("timeout waiting for one of the upstream's connections")
)

var (
	errScheme   = errors.New("unsupported protocol scheme")
	errInterims = errors.New("too many informational responses")
	errSwitch   = errors.New("101 (Switching Protocols) without an upgrade")
	errNotHTTP  = errors.New("malformed HTTP response")
	errHeadSize = errors.New("the response's head exceeded the maximum size")
	errClosed   = errors.New("the response's body has been closed")
)
