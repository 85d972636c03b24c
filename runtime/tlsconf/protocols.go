package tlsconf

import (
	"crypto/tls"
	"slices"
	"sync/atomic"
)

// WithProtocols returns c, of a server, with the protocols in its list that the server speaks, and without
// those that it doesn't; HTTP/2 comes first unless the list says otherwise. A server of
// HTTP/1.1 alone that lists nothing takes no part in ALPN (RFC 7301), so that no client is turned
// away for what it offers.
func WithProtocols(c *tls.Config, http2 bool) *tls.Config {
	if c == nil {
		return nil
	}
	out := withProtocols(c, http2)
	if next := c.GetConfigForClient; next != nil {
		var last atomic.Pointer[adjusted]
		out.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			own, err := next(hello)
			if own == nil || err != nil {
				return own, err
			}
			a := last.Load()
			if a == nil || a.from != own {
				a = &adjusted{own, withProtocols(own, http2)}
				last.Store(a)
			}
			return a.to, nil
		}
	}
	return out
}

// adjusted is a configuration that another one was made of.
type adjusted struct{ from, to *tls.Config }

func withProtocols(c *tls.Config, http2 bool) *tls.Config {
	protos := slices.DeleteFunc(slices.Clone(c.NextProtos), func(p string) bool { return p == "h2" && !http2 })
	if http2 && !slices.Contains(protos, "h2") {
		protos = slices.Insert(protos, 0, "h2")
	}
	if http2 && !slices.Contains(protos, "http/1.1") {
		protos = append(protos, "http/1.1")
	}
	c = c.Clone()
	c.NextProtos = protos
	return c
}
