package throttle

import (
	"net/netip"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// append appends the part that counts of the address of q's client. A client without an address, on a
// unix socket, has none.
func (a *Address) append(b []byte, q *gateway.Request) []byte {
	if i := strings.IndexByte(q.RemoteAddr, ':'); i > 0 && q.RemoteAddr[0] != '[' && a.IPv4 == 32 && len(a.TrustedProxies) == 0 {
		return append(b, q.RemoteAddr[:i]...) // most often; there is one way to write an address of IPv4
	}
	ip := parseIP(q.RemoteAddr)
	if len(a.TrustedProxies) > 0 {
		ip = a.client(ip, q.Header)
	}
	if !ip.IsValid() {
		return b
	}
	n := a.IPv4
	if ip.Is6() {
		n = a.IPv6
	}
	if p, err := ip.Prefix(n); err == nil {
		ip = p.Addr()
	}
	if ip.Is4() {
		return ip.AppendTo(b)
	}
	bytes := ip.As16()
	return append(b, bytes[:]...)
}

// client is the address of the client behind trusted proxies. Each of them has added the address that it
// has seen to the right; what stands to the left of one that isn't trusted may be invented.
func (a *Address) client(peer netip.Addr, h gateway.Header) netip.Addr {
	for i := len(h) - 1; i >= 0 && a.trusts(peer); i-- {
		if !gateway.EqualName(h[i].Name, "X-Forwarded-For") {
			continue
		}
		for list := h[i].Value; list != "" && a.trusts(peer); {
			entry := list
			if j := strings.LastIndexByte(list, ','); j >= 0 {
				list, entry = list[:j], list[j+1:]
			} else {
				list = ""
			}
			if entry = strings.Trim(entry, " \t"); entry == "" {
				continue // an empty element of a list (RFC 9110, section 5.6.1)
			}
			ip := parseIP(entry)
			if !ip.IsValid() {
				return peer // "unknown", or nonsense: the last proxy answers for it
			}
			peer = ip
		}
	}
	return peer
}

func (a *Address) trusts(ip netip.Addr) bool {
	for i := range a.TrustedProxies {
		if a.TrustedProxies[i].Contains(ip) {
			return true
		}
	}
	return false
}

// parseIP reads an address, perhaps in brackets, perhaps with a port. A zone doesn't count, and IPv4 is IPv4 also if it's written as IPv6.
func parseIP(s string) netip.Addr {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		s, _, _ = strings.Cut(rest, "]")
	} else if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		s = s[:i]
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return ip.WithZone("").Unmap()
}
