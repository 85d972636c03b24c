// Package transport sends exchanges to upstreams, by HTTP/1.1 and HTTP/2.
//
// A [Transport] is a [gateway.Handler] of legs: Request.Scheme and Request.Host say
// where to connect, and Host is the Host field, too. The request is sent as it is:
// the path and query byte for byte, no User-Agent and no other field that it doesn't have. The
// response has no Content-Length field (it is Response.ContentLength), its fields are
// sorted by name, and a Trailer field holds the names of the announced trailers.
package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Transport is the end of a chain: it serves a leg by asking the upstream. It keeps
// connections for further requests and is safe for concurrent use.
type Transport struct {
	engines *generations
	conns   *conns
	spread  *spread      // nil if an upstream's name stands for one connection
	other   RoundTripper // nil for net/http

	proxied    bool // requests may go through a forward proxy
	only2      bool // HTTP/2 and nothing else
	cleartext2 bool // only2, for http upstreams as well
}

// Serve sends the request of leg and fills in the response once its head has come;
// the body is still to be read. The context of leg bounds all of it.
//
// The error is a *[gateway.UpstreamError]. [gateway.IsTimeout] tells whether the upstream was too slow;
// errors of reading the request's body are in its chain as they came.
func (t *Transport) Serve(leg *gateway.Exchange) error {
	if t.only2 && !t.cleartext2 && leg.Request.Scheme == "http" {
		return failure(leg, gateway.PhasePrepare, false, errCleartext)
	}
	m := messages.Get().(*message)
	req, err := m.request(t, leg)
	if err != nil {
		return failure(leg, gateway.PhasePrepare, false, err)
	}
	resp, err := t.send(req, m)
	if err != nil && t.other == nil && t.spread == nil && isOthers(leg, err) && canRepeat(req) {
		again := req.WithContext(req.Context())
		if req.GetBody != nil {
			again.Body, _ = req.GetBody()
		}
		resp, err = t.send(again, m)
		m.sent.Store(false) // net/http may still hold m from the first time
	}
	m.endInterim()
	if err != nil {
		return m.failure(t, leg, err) // net/http may still hold m
	}
	m.release()
	if err := fill(leg, resp); err != nil {
		return failure(leg, gateway.PhaseWait, true, err)
	}
	return nil
}

func (t *Transport) send(req *http.Request, m *message) (*http.Response, error) {
	switch {
	case t.other != nil:
		return t.other.RoundTrip(req, &m.begun)
	case t.spread == nil:
		return t.engines.engine().RoundTrip(req)
	}
	return t.spread.RoundTrip(req)
}

// isOthers reports whether err is the end of another request. net/http gives a connection away
// before the response of its last request, if that has no body, has been taken; if that request is
// given up at this moment, the next one on the connection ends as well.
func isOthers(leg *gateway.Exchange, err error) bool {
	return errors.Is(err, context.Canceled) && leg.Context().Err() == nil
}

// canRepeat reports whether req may be sent twice: its method is idempotent (RFC 9110, section
// 9.2.2) and its body at hand.
func canRepeat(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete, http.MethodTrace:
		return req.Body == nil || req.GetBody != nil
	}
	return false
}

// Close closes the connections that are idle. The transport can still be used.
func (t *Transport) Close() error {
	if t.other != nil {
		t.other.CloseIdleConnections()
		return nil
	}
	t.engines.engine().CloseIdleConnections()
	if t.spread != nil {
		t.spread.close()
	}
	return nil
}

var errCleartext = errors.New("HTTP/2 without TLS is not allowed")
