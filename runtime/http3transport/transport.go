// Package http3transport sends exchanges to upstreams by HTTP/3 (RFC 9114), over quic-go.
//
// A [Transport] is a [gateway.Handler] of legs, as that of package transport is. Upstreams are https ones; no
// proxy is used. Requests with Upgrade, such as those of WebSocket, become extended CONNECTs (RFC 9220), and consent to
// them becomes a 101 (Switching Protocols).
package http3transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"

	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/transport"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// Options are those of a transport.
type Options struct {
	// TLS is used for all upstreams. Its NextProtos aren't looked at.
	TLS tlsconf.Options
	// QUIC are the options of the connections. An idle one is kept for MaxIdleTimeout, or as long as the upstream
	// likes with a KeepAlivePeriod. Upstreams can't begin requests, whatever MaxIncomingStreams says.
	QUIC quicconf.Options
	// MaxResponseHeaderBytes is the greatest size of a response's head, with 32 bytes more for each
	// field (RFC 9114, section 4.2.2); 0 or less is 10 MiB.
	MaxResponseHeaderBytes int64
}

// A Transport is the end of a chain: it serves a leg by asking the upstream. It keeps a connection to each
// upstream, and more if that has too many requests at a time for one; it is safe for concurrent use.
type Transport struct {
	inner *transport.Transport
	pool  *pool

	datagrams bool // those of HTTP are taken
}

// New returns a Transport for o. It fails if a file in o is unusable.
func New(o Options) (*Transport, error) {
	client, err := tlsconf.NewClient(o.TLS, func(c *tls.Config) { c.NextProtos = []string{http3.NextProtoH3} })
	if err != nil {
		return nil, fmt.Errorf("transport: TLS configuration: %w", err)
	}
	q := quicconf.New(o.QUIC)
	q.MaxIncomingStreams = -1
	p := newPool(&dialer{tls: client, quic: q, http: &http3.Transport{
		EnableDatagrams:        o.QUIC.EnableDatagrams,
		MaxResponseHeaderBytes: int(min(max(o.MaxResponseHeaderBytes, 0), math.MaxInt32)),
		DisableCompression:     true, // package gunzip sees to it
	}})
	return &Transport{inner: transport.Over(p), pool: p, datagrams: o.QUIC.EnableDatagrams}, nil
}

var errScheme = errors.New("HTTP/3 is spoken to https upstreams only")

// Serve sends the request of leg and fills in the response once its head has come;
// the body is still to be read. The context of leg bounds all of it.
//
// The error is a *[gateway.UpstreamError]. [gateway.IsTimeout] tells whether the upstream was too slow;
// errors of reading the request's body are in its chain as they came.
func (t *Transport) Serve(leg *gateway.Exchange) error {
	q := &leg.Request
	switch {
	case q.Scheme != "https":
		return transport.Failure(leg, gateway.PhasePrepare, false, errScheme)
	case q.Header.Has("Upgrade") && q.Header.HasToken("Connection", "upgrade"):
		return t.connect(leg)
	}
	return t.inner.Serve(leg)
}

// Measure returns what tells of the connections to an upstream.
func (t *Transport) Measure(_, host string) func() upstreamstats.Conns {
	return t.pool.origin(host).measure
}

// Close closes the connections that are idle. The transport can still be used.
func (t *Transport) Close() error {
	t.pool.CloseIdleConnections()
	return nil
}
