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

func errUnavailable(x *gateway.Exchange) error {
	return &gateway.Error{Status: 503, Code: "E2121", Kind: "CoreProxyUpstreamUnavailable",
		Message: "no upstream is usable for " + x.Request.Path}
}

func errProtocol(to *lb.Target) error {
	return &gateway.Error{Status: 502, Code: "E2125", Kind: "CoreProxyProtocolSwitch",
		Message: address(to) + " has switched to a protocol that was not asked for"}
}

func errClientGone(to *lb.Target, cause error) error {
	return &gateway.Error{Status: gateway.LogOnly, Code: "E2126", Kind: "CoreProxyBidirectionalCom",
		Message: "the client went away before " + address(to) + " answered", Cause: cause}
}

// failure says what became of a request that the transport could not get an answer to.
func (l *leg) failure(x *gateway.Exchange, to *lb.Target, err error) error {
	e, ok := gateway.AsError(err)
	fault := l.body.failure(to, err)
	tooLarge := errors.Is(err, gateway.ErrTooLarge)
	switch {
	case tooLarge && (!ok || e.Status != 413):
		return &gateway.Error{Status: 413, Code: "E3205", Kind: "AppMiddleBodyTooLarge",
			Message: "the request body is too large", Cause: err}
	case ok:
		return err // a tripperware, or what reads the body, knows better
	case fault != nil && gateway.StatusOf(fault) == 408:
		return fault // engines end the context when reading from the client fails
	case clientGone(x):
		return errClientGone(to, err)
	case fault != nil:
		return fault
	}
	if gateway.IsTimeout(err) || x.Context().Err() != nil {
		return &gateway.Error{Status: 504, Code: "E2123", Kind: "CoreProxyTimeout",
			Message: address(to) + " did not answer in time", Cause: err}
	}
	return &gateway.Error{Status: 502, Code: "E2124", Kind: "CoreProxyRoundtrip",
		Message: "no answer from " + address(to), Cause: err}
}

// clientGone tells a client that has left from a deadline that has passed.
func clientGone(x *gateway.Exchange) bool {
	ctx := x.Context()
	return errors.Is(ctx.Err(), context.Canceled) && !gateway.IsTimeout(context.Cause(ctx))
}

func address(to *lb.Target) string { return to.Scheme + "://" + to.Host }
