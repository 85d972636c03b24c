package proxy

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// spliceFrom is from which length on splicing a body is worth while.
const spliceFrom = 32 << 10

// request fills in what goes up.
func (l *leg) request(x *gateway.Exchange, to *lb.Target, b *balancer, w way) {
	in, out := &x.Request, &l.Request
	out.Method, out.Scheme, out.Host, out.Proto = in.Method, to.Scheme, to.Host, in.Proto
	out.Path, out.RawPath = w.target(to)
	out.RawQuery = joinQuery(to.RawQuery, in.RawQuery)
	out.RemoteAddr = in.RemoteAddr
	if in.Body != nil && in.ContentLength != 0 {
		l.body = &clientBody{ReadCloser: in.Body} // not reused: a transport may hold on to it
		l.body.keep = b.several
		out.Body, out.ContentLength, out.Trailer = l.body, in.ContentLength, in.Trailer
		if from, ok := in.Body.(gateway.SplicedBody); ok && in.ContentLength >= spliceFrom {
			out.Body = splicedBody{l.body, from}
		}
	}
	l.Errors = x.Errors
	if x.Interim != nil {
		l.Interim = l.interim
	}
	l.header(x)
}

// header makes the fields that go up out of those that came.
func (l *leg) header(x *gateway.Exchange) {
	out := l.Request.Header[:0]
	var connection, upgrade, forwardedFor string
	trailers := false
	for i := range x.Request.Header {
		f := &x.Request.Header[i]
		switch kindOf(f.Name) {
		case connectionField:
			connection = join(connection, ",", f.Value)
		case upgradeField:
			upgrade = join(upgrade, ", ", f.Value)
		case teField:
			trailers = trailers || hasToken(f.Value, "trailers")
		case forwardedForField:
			forwardedFor = join(forwardedFor, ", ", f.Value)
		case trailerField:
			if l.Request.Trailer != nil {
				out = append(out, *f)
			}
		case endToEnd:
			out = append(out, *f)
		}
	}
	if connection != "" {
		removeListed(&out, connection)
	}
	if trailers {
		// The client takes trailers, and we pass them on (RFC 9110, section 10.1.4).
		out = append(out, gateway.Field{Name: "Te", Value: "trailers"})
	}
	if upgrade != "" && hasToken(connection, "upgrade") && mayUpgrade(&x.Request, upgrade) {
		l.upgrade = upgrade
		out = append(out, gateway.Field{Name: "Connection", Value: "Upgrade"}, gateway.Field{Name: "Upgrade", Value: upgrade})
	}
	out = appendForwarded(out, &x.Request, forwardedFor)
	for i := range x.Upstream {
		out.Del(x.Upstream[i].Name)
	}
	l.Request.Header = append(out, x.Upstream...)
}

// mayUpgrade reports whether a request for another protocol is passed on. HTTP/1.0 has none
// (RFC 9110, section 7.8). h2c is HTTP again, whose requests would go to the upstream
// past all checks; RFC 9113, section 3.1, has abolished it.
func mayUpgrade(r *gateway.Request, protocols string) bool {
	return r.Proto != "HTTP/1.0" && !hasToken(protocols, "h2c")
}

// appendForwarded adds what the upstream can't see by itself. Only X-Forwarded-For keeps
// what came: the list of proxies on the way.
func appendForwarded(out gateway.Header, r *gateway.Request, earlier string) gateway.Header {
	if ip, port, ok := splitAddr(r.RemoteAddr); ok {
		out = append(out,
			gateway.Field{Name: "X-Forwarded-For", Value: join(earlier, ", ", ip)},
			gateway.Field{Name: "X-Forwarded-Port", Value: port})
	}
	if r.Host != "" { // HTTP/1.0 may have none
		out = append(out, gateway.Field{Name: "X-Forwarded-Host", Value: r.Host})
	}
	return append(out, gateway.Field{Name: "X-Forwarded-Proto", Value: r.Scheme})
}

// splitAddr splits "ip:port" or "[ip]:port"; the peer of a unix socket has neither.
func splitAddr(addr string) (ip, port string, ok bool) {
	i := strings.LastIndexByte(addr, ':')
	if i < 1 {
		return "", "", false
	}
	ip, port = addr[:i], addr[i+1:]
	if ip[0] == '[' && ip[len(ip)-1] == ']' {
		ip = ip[1 : len(ip)-1]
	}
	return ip, port, true
}

func join(list, sep, value string) string {
	if list == "" {
		return value
	}
	return list + sep + value
}
