package transport

import (
	"net/http"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A RoundTripper sends requests by a protocol that net/http doesn't have.
type RoundTripper interface {
	// RoundTrip is that of [http.RoundTripper]. It calls the hooks of package httptrace that are in the
	// request's context: GotConn before each attempt, WroteHeaders, WroteRequest and Got1xxResponse. begun is
	// set by WroteHeaders: without it, the upstream can't have seen anything of the request. If it fails before
	// there is a connection, the error is a *[gateway.UpstreamError].
	RoundTrip(req *http.Request, begun *atomic.Bool) (*http.Response, error)
	// CloseIdleConnections closes the connections without a request.
	CloseIdleConnections()
}

// Over returns a Transport that sends its requests by rt. Like HTTP/2, the protocol of rt has no
// fields about the connection (RFC 9113, section 8.2.2). Upstreams are https ones.
func Over(rt RoundTripper) *Transport { return &Transport{other: rt, conns: new(conns), only2: true} }

// Fill makes resp the response of leg.
func Fill(leg *gateway.Exchange, resp *http.Response) error { return fill(leg, resp) }

// Failure is the *[gateway.UpstreamError] for leg, about err.
func Failure(leg *gateway.Exchange, phase gateway.Phase, sent bool, err error) error {
	return failure(leg, phase, sent, err)
}

// failure says what was being done when err came.
func (m *message) failure(t *Transport, leg *gateway.Exchange, err error) error {
	if t.other == nil {
		return m.progress.failure(leg, err)
	}
	if _, ok := err.(*gateway.UpstreamError); ok {
		return err
	}
	return failure(leg, gateway.Phase(m.progress.phase.Load()), m.begun.Load(), err)
}
