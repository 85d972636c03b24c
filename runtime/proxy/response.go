package proxy

import (
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

const switchingProtocols = 101

// answer moves the response of the upstream to the client's exchange.
func (l *leg) answer(x *gateway.Exchange, to *lb.Target) error {
	in := &l.Response
	upgrade := ""
	if in.Status == switchingProtocols {
		upgrade, _ = in.Header.Joined("Upgrade", ", ")
		if in.Conn == nil || !asked(l.upgrade, upgrade) {
			return errProtocol(to)
		}
	}
	if in.Trailer != nil && losesLength(x, in) {
		in.Trailer = nil
	}
	stripHopByHop(&in.Header, in.Trailer != nil)
	if upgrade != "" {
		in.Header.Add("Upgrade", upgrade)
	}
	own := x.Response.Header
	x.Response = *in
	*in = gateway.Response{Header: own[:0]} // for the next request that uses this leg
	if len(own) > 0 {
		// Middleware has put fields already.
		in.Header, x.Response.Header = x.Response.Header[:0], append(own, x.Response.Header...)
	}
	return nil
}

// losesLength reports whether trailers, which in HTTP/2 may come without a word before, would cost the client of HTTP/1.1 the
// length of the response, which is known: behind a body of that length there are none (RFC 9112, section 7.1.2). Those that are
// announced are worth it.
func losesLength(x *gateway.Exchange, in *gateway.Response) bool {
	return in.ContentLength > 0 && !in.Header.Has("Trailer") && (x.Request.Proto == "HTTP/1.1" || x.Request.Proto == "HTTP/1.0")
}

// asked reports whether the client has asked for the protocols that the upstream has
// switched to (RFC 9110, section 7.8).
func asked(wanted, got string) bool {
	ok := false
	for protocol := range gateway.SplitList(got) {
		if !hasToken(wanted, protocol) {
			return false
		}
		ok = true
	}
	return ok
}
