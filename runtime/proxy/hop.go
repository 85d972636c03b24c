package proxy

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// A kind is what a proxy does with a field.
type kind uint8

const (
	endToEnd kind = iota
	hopByHop      // dropped
	connectionField
	upgradeField
	teField
	trailerField
	forwardedForField
	forwardedField // X-Forwarded-*, which the proxy sets itself
)

// kindOf tells fields apart by their length first: that settles it for most.
// The hop-by-hop ones are those of RFC 9110, section 7.6.1, those of HTTP
// authentication with a proxy, and Content-Length, which goes with the body.
func kindOf(name string) kind {
	switch len(name) {
	case 2:
		return oneOf(name, "Te", teField)
	case 7:
		if k := oneOf(name, "Trailer", trailerField); k != endToEnd {
			return k
		}
		return oneOf(name, "Upgrade", upgradeField)
	case 10:
		if k := oneOf(name, "Connection", connectionField); k != endToEnd {
			return k
		}
		return oneOf(name, "Keep-Alive", hopByHop)
	case 14:
		return oneOf(name, "Content-Length", hopByHop)
	case 15:
		return oneOf(name, "X-Forwarded-For", forwardedForField)
	case 16:
		if k := oneOf(name, "Proxy-Connection", hopByHop); k != endToEnd {
			return k
		}
		if k := oneOf(name, "X-Forwarded-Host", forwardedField); k != endToEnd {
			return k
		}
		return oneOf(name, "X-Forwarded-Port", forwardedField)
	case 17:
		if k := oneOf(name, "Transfer-Encoding", hopByHop); k != endToEnd {
			return k
		}
		return oneOf(name, "X-Forwarded-Proto", forwardedField)
	case 18:
		return oneOf(name, "Proxy-Authenticate", hopByHop)
	case 19:
		return oneOf(name, "Proxy-Authorization", hopByHop)
	}
	return endToEnd
}

func oneOf(name, want string, k kind) kind {
	if gateway.EqualName(name, want) {
		return k
	}
	return endToEnd
}

// stripHopByHop removes from a response what concerned only the connection that it came
// on. The announcement of trailers stays if there are any, and so do the X-Forwarded
// fields of an upstream that sends some.
func stripHopByHop(h *gateway.Header, trailers bool) {
	connection := ""
	h.DelFunc(func(f gateway.Field) bool {
		switch kindOf(f.Name) {
		case endToEnd, forwardedForField, forwardedField:
			return false
		case trailerField:
			return !trailers
		case connectionField:
			connection = join(connection, ",", f.Value)
		}
		return true
	})
	if connection != "" {
		removeListed(h, connection)
	}
}

// removeListed removes the fields that a Connection field names. Most name none.
func removeListed(h *gateway.Header, connection string) {
	if gateway.EqualName(connection, "keep-alive") || gateway.EqualName(connection, "close") {
		return
	}
	for name := range gateway.SplitList(connection) {
		h.Del(name)
	}
}

func hasToken(list, token string) bool {
	for t := range gateway.SplitList(list) {
		if gateway.EqualName(t, token) {
			return true
		}
	}
	return false
}
