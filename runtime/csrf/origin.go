package csrf

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// crossSite reports whether a browser says that another origin sent the request, as http.CrossOriginProtection does.
func (c *CSRF) crossSite(q *gateway.Request) bool {
	origin := q.Header.Get("Origin")
	switch q.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		// An old browser, or no browser at all. The scheme isn't compared: it may have been
		// https before a proxy.
		_, host, ok := strings.Cut(origin, "://")
		if origin == "" || ok && gateway.EqualName(host, q.Host) {
			return false
		}
	}
	return origin == "" || !slices.Contains(c.TrustedOrigins, origin)
}
