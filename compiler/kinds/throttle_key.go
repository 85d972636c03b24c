package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// ThrottleKeySpec is what tells clients apart. Exactly one of its fields must be set. Requests that lack it, without the header for example, share one limit. A client that can choose
// the value has as many limits as it likes: headers and cookies are good keys only behind something that refuses wrong ones.
type ThrottleKeySpec struct {
	// ClientAddress is the IP address of the client.
	ClientAddress *ClientAddressKeySpec `json:"clientAddress" oneof:"key"`
	// Header is the first value of the header of that name.
	Header string `json:"header" oneof:"key" format:"header-name"`
	// Cookie is the value of the cookie of that name.
	Cookie string `json:"cookie" oneof:"key"`
	// Claim is what an authentication has found out about the client: a claim of a JWT, for example, never of one that isn't verified.
	Claim *ClaimKeySpec `json:"claim" oneof:"key"`
	// Path is the decoded path.
	Path bool `json:"path" oneof:"key" fixed:"true"`
	// Constant is a text, the same for all requests.
	Constant string `json:"constant" oneof:"key"`
}

// ClientAddressKeySpec is the IP address of the client.
type ClientAddressKeySpec struct {
	// IPv4PrefixLength is how many bits of an IPv4 address count.
	IPv4PrefixLength int32 `json:"ipv4PrefixLength" alt:"IPv4PrefixLength" min:"1" max:"32"`
	// IPv6PrefixLength is how many bits of an IPv6 address count. A client commonly has a network of 64 bits, or fewer, to itself.
	IPv6PrefixLength int32 `json:"ipv6PrefixLength" alt:"IPv6PrefixLength" min:"1" max:"128"`
	// TrustedProxies are the networks of proxies whose X-Forwarded-For is believed, as address/length. The client is the last address in it, from right to left, that isn't in one of them.
	TrustedProxies []string `json:"trustedProxies" unique:"true" format:"cidr" fixed:"true"`
}

// SetDefaults sets the defaults.
func (s *ClientAddressKeySpec) SetDefaults() { s.IPv4PrefixLength, s.IPv6PrefixLength = 32, 64 }

// ClaimKeySpec is a claim about the client.
type ClaimKeySpec struct {
	// ClaimsKey is the key under which the authentication keeps its claims.
	ClaimsKey string `json:"claimsKey"`
	// Path leads to the claim: its name, or names with dots between them for one within others. A claim that's text, a number or a truth value is a key; others count as missing.
	Path string `json:"path" required:"true"`
}

// SetDefaults sets the defaults.
func (s *ClaimKeySpec) SetDefaults() { s.ClaimsKey = "AuthnClaims" }

// check reports a key that is none, and proxies that are everybody.
func (s *ThrottleKeySpec) check(c *Check) {
	if s.ClientAddress == nil && s.Claim == nil && !s.Path && !isSet(c, &s.Header) && !isSet(c, &s.Cookie) && !isSet(c, &s.Constant) {
		c.Errorf(s, diag.MissingField, "a key needs one of the fields clientAddress, header, cookie, claim, path, constant")
	}
	if s.ClientAddress == nil {
		return
	}
	for i := range s.ClientAddress.TrustedProxies {
		if p := &s.ClientAddress.TrustedProxies[i]; *p == "0.0.0.0/0" || *p == "::/0" {
			c.Warnf(p, diag.Insecure, "with %s any client can say by X-Forwarded-For what address it has, and so has as many limits as it likes", *p)
		}
	}
}

// lower returns the throttle.Key.
func (s *ThrottleKeySpec) lower(l *Lower) ir.Expr {
	switch {
	case s.ClientAddress != nil:
		return s.ClientAddress.lower(l)
	case s.Claim != nil:
		return l.Call("throttle.Claim", l.String(&s.Claim.ClaimsKey), l.String(&s.Claim.Path))
	case s.Path:
		return l.Call("throttle.Path")
	case isSet(l.Check, &s.Header):
		return l.Call("throttle.Header", l.String(&s.Header))
	case isSet(l.Check, &s.Cookie):
		return l.Call("throttle.Cookie", l.String(&s.Cookie))
	}
	return l.Call("throttle.Constant", l.String(&s.Constant))
}

func (s *ClientAddressKeySpec) lower(l *Lower) ir.Expr {
	proxies := ir.List{Elem: ir.Std("net/netip.Prefix")}
	for _, p := range s.TrustedProxies {
		proxies.Items = append(proxies.Items, ir.Call{Fun: ir.Std("net/netip.MustParsePrefix"), Args: []ir.Expr{ir.String(p)}})
	}
	return l.Call("throttle.ClientAddress", l.Struct("throttle.Address",
		ir.Set("IPv4", l.ifSet(&s.IPv4PrefixLength, l.Int(&s.IPv4PrefixLength))),
		ir.Set("IPv6", l.ifSet(&s.IPv6PrefixLength, l.Int(&s.IPv6PrefixLength))),
		ir.Set("TrustedProxies", proxies)))
}
