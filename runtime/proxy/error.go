package proxy

import (
	"context"
	"errors"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

func errNoBalancer(x *gateway.Exchange) error {
	return &gateway.Error{Status: 404, Code: "E2122", Kind: "CoreProxyNoUpstream",
		Message: "no load balancer is for " + x.Request.Path}
}

// errConnect is for CONNECT, which is for a proxy that the client has chosen itself (RFC 9110, section 9.3.6).
func errConnect() error {
	return &gateway.Error{Status: 501, Code: "E2122", Kind: "CoreProxyNoUpstream",
		Message: "CONNECT is not for a reverse proxy"}
}

func errUnavailable(x *gateway.Exchange, b *lb.Balancer) error {
	message := "no upstream is usable for " + x.Request.Path
	if why := b.Unusable(); why != "" {
		message += ": " + why
	}
	return &gateway.Error{Status: 503, Code: "E2121", Kind: "CoreProxyUpstreamUnavailable", Message: message}
}

func errProtocol(to *lb.Target) error {
	return &gateway.Error{Status: 502, Code: "E2125", Kind: "CoreProxyProtocolSwitch",
		Message: address(to) + " has switched to a protocol that was not asked for"}
}

// isProtocol reports whether e is of errProtocol.
func isProtocol(e *gateway.Error) bool { return e.Code == "E2125" }

func errClientGone(to *lb.Target, cause error) error {
	return &gateway.Error{Status: gateway.LogOnly, Code: "E2126", Kind: "CoreProxyBidirectionalCom",
		Message: "the client went away before " + address(to) + " answered", Cause: cause}
}

// failure says what became of a request that the transport could not get an answer to, and whether
// that's the fault of the upstream.
func (l *leg) failure(x *gateway.Exchange, to *lb.Target, err error) (final error, upstream bool) {
	e, ok := gateway.AsError(err)
	fault := l.body.failure(to, err)
	tooLarge := errors.Is(err, gateway.ErrTooLarge)
	switch {
	case tooLarge && (!ok || e.Status != 413):
		return &gateway.Error{Status: 413, Code: "E3205", Kind: "AppMiddleBodyTooLarge",
			Message: "the request body is too large", Cause: err}, false
	case ok:
		return err, isProtocol(e) // a tripperware, or what reads the body, knows better
	case fault != nil && gateway.StatusOf(fault) == 408:
		return fault, false // engines end the context when reading from the client fails
	case clientGone(x):
		return errClientGone(to, err), false
	case fault != nil:
		return fault, false
	}
	at := phaseOf(err)
	// Who is slow in sending, or while it waits for a connection, may be the client, or the others.
	upstream = at != gateway.PhasePrepare
	if gateway.IsTimeout(err) || x.Context().Err() != nil {
		return &gateway.Error{Status: 504, Code: "E2123", Kind: "CoreProxyTimeout",
			Message: address(to) + " did not answer in time: " + at.String(), Cause: err}, upstream && at != gateway.PhaseSend
	}
	return &gateway.Error{Status: 502, Code: "E2124", Kind: "CoreProxyRoundtrip",
		Message: "no answer from " + address(to) + ": " + at.String(), Cause: err}, upstream
}

// phaseOf tells what was being done when err came. Transports that don't tell wait for the response.
func phaseOf(err error) gateway.Phase {
	if e, ok := errors.AsType[*gateway.UpstreamError](err); ok {
		return e.Phase
	}
	return gateway.PhaseWait
}

// clientGone tells a client that has left from a deadline that has passed.
func clientGone(x *gateway.Exchange) bool {
	ctx := x.Context()
	return errors.Is(ctx.Err(), context.Canceled) && !gateway.IsTimeout(context.Cause(ctx))
}

func address(to *lb.Target) string { return to.Scheme + "://" + to.Host }
