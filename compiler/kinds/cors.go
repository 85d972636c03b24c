package kinds

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var corsMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "CORSMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New: func() Spec {
		return &CORSMiddlewareSpec{CORSPolicy: CORSPolicySpec{
			AllowedOrigins: []string{"*"},
			AllowedMethods: []HTTPMethod{"POST", "GET", "OPTIONS"},
			AllowedHeaders: []string{"Content-Type", "X-Requested-With"},
		}}
	},
}

// CORSMiddlewareSpec is the spec of a CORSMiddleware, which answers preflight requests and tells browsers
// which sites may read the responses. It belongs before middleware that refuses requests
// without credentials: preflight requests carry none.
//
// Where origins are listed by name, requests without an Origin are refused, as those of other
// origins are. Where any origin is allowed they pass, whatever their method: browsers don't send them
// across sites (AILERON Gateway refuses them, too). Access-Control-Allow-Credentials is never sent
// together with "*", which browsers don't accept, and HEAD is allowed where GET is.
// Access-Control headers of an upstream are replaced by those of the policy.
type CORSMiddlewareSpec struct {
	// CORSPolicy is what is allowed.
	CORSPolicy CORSPolicySpec `json:"corsPolicy" alt:"CORSPolicy"`
}

// CORSPolicySpec is what a CORSMiddleware allows.
type CORSPolicySpec struct {
	// AllowedOrigins are the origins that may read responses, as browsers write them: https://example.com, with a port if it isn't the scheme's. "*" stands for any.
	AllowedOrigins []string `json:"allowedOrigins"`
	// AllowedMethods are the methods that may be used. Requests with others are refused.
	AllowedMethods []HTTPMethod `json:"allowedMethods"`
	// AllowedHeaders are the request headers that scripts may set. A single empty name allows none.
	AllowedHeaders []string `json:"allowedHeaders"`
	// ExposedHeaders are the response headers that scripts may read, beside those that they always may.
	ExposedHeaders []string `json:"exposedHeaders"`
	// AllowCredentials lets browsers send cookies, for the origins that are listed by name, and with disableWildCardOrigin for all.
	AllowCredentials bool `json:"allowCredentials"`
	// MaxAge is how long browsers may keep the answer to a preflight request, in seconds. 0 leaves it to them (AILERON Gateway forbids it then); a negative value forbids it.
	MaxAge int32 `json:"maxAge"`
	// CORSEmbedderPolicy is the Cross-Origin-Embedder-Policy of responses: unsafe-none, require-corp or credentialless.
	CORSEmbedderPolicy EmbedderPolicy `json:"corsEmbedderPolicy" alt:"CORSEmbedderPolicy"`
	// CORSOpenerPolicy is the Cross-Origin-Opener-Policy of responses: unsafe-none, same-origin-allow-popups or same-origin.
	CORSOpenerPolicy OpenerPolicy `json:"corsOpenerPolicy" alt:"CORSOpenerPolicy"`
	// CORSResourcePolicy is the Cross-Origin-Resource-Policy of responses: same-site, same-origin or cross-origin.
	CORSResourcePolicy ResourcePolicy `json:"corsResourcePolicy" alt:"CORSResourcePolicy"`
	// AllowPrivateNetwork lets public sites ask for addresses of a private network.
	AllowPrivateNetwork bool `json:"allowPrivateNetwork"`
	// DisableWildCardOrigin answers with the origin of the request instead of "*".
	DisableWildCardOrigin bool `json:"disableWildCardOrigin"`
}

// EmbedderPolicy is a Cross-Origin-Embedder-Policy.
type EmbedderPolicy string

// Values lists the policies in the order of their numbers.
func (EmbedderPolicy) Values() []string {
	return []string{"EmbedderPolicy_Unknown", "EmbedderUnsafeNone", "EmbedderRequireCorp", "EmbedderCredentialless"}
}

// OpenerPolicy is a Cross-Origin-Opener-Policy.
type OpenerPolicy string

// Values lists the policies in the order of their numbers.
func (OpenerPolicy) Values() []string {
	return []string{"OpenerPolicy_Unknown", "OpenerUnsafeNone", "OpenerSameOriginAllowPopups", "OpenerSameOrigin"}
}

// ResourcePolicy is a Cross-Origin-Resource-Policy.
type ResourcePolicy string

// Values lists the policies in the order of their numbers.
func (ResourcePolicy) Values() []string {
	return []string{"ResourcePolicy_Unknown", "ResourceSameSite", "ResourceSameOrigin", "ResourceCrossOrigin"}
}

// crossOrigin are the values of the headers for the policies.
var crossOrigin = map[string]string{
	"EmbedderUnsafeNone": "unsafe-none", "EmbedderRequireCorp": "require-corp", "EmbedderCredentialless": "credentialless",
	"OpenerUnsafeNone": "unsafe-none", "OpenerSameOriginAllowPopups": "same-origin-allow-popups", "OpenerSameOrigin": "same-origin",
	"ResourceSameSite": "same-site", "ResourceSameOrigin": "same-origin", "ResourceCrossOrigin": "cross-origin",
}

// Check reports what browsers would refuse.
func (s *CORSMiddlewareSpec) Check(c *Check) {
	p := &s.CORSPolicy
	if p.AllowCredentials && slices.Contains(p.AllowedOrigins, "*") && !p.DisableWildCardOrigin {
		c.Warnf(&p.AllowCredentials, diag.NoEffect,
			`browsers send no credentials where the allowed origin is "*"; list the origins, or set disableWildCardOrigin if any site may act for its visitors`)
	}
	if p.AllowCredentials && slices.Contains(p.AllowedOrigins, "*") && p.DisableWildCardOrigin {
		c.Warnf(&p.DisableWildCardOrigin, diag.Insecure, "with allowCredentials any site can read what its visitors may see here; list the origins instead")
	}
	for i, o := range p.AllowedOrigins {
		if o == "null" {
			c.Warnf(&p.AllowedOrigins[i], diag.Insecure, "null is the origin of each page in a sandbox and each local file, whoever made it")
		}
		if o != "*" && o != "null" && !isOrigin(o) {
			c.Warnf(&p.AllowedOrigins[i], diag.NoEffect, "%q is no origin as browsers write it, like https://example.com: it matches nothing", o)
		}
	}
}

// isOrigin reports whether s is a scheme and a host, with nothing behind.
func isOrigin(s string) bool {
	for i := range len(s) - 3 {
		if s[i:i+3] == "://" {
			rest := s[i+3:]
			return i > 0 && rest != "" && !slices.Contains([]byte(rest), '/')
		}
	}
	return false
}

// Lower returns the middleware. What the config doesn't set is the runtime's default.
func (s *CORSMiddlewareSpec) Lower(l *Lower) ir.Expr {
	p := &s.CORSPolicy
	return l.Call("cors.New", l.Struct("cors.Policy",
		ir.Set("AllowedOrigins", l.ifSet(&p.AllowedOrigins, l.Strings(p.AllowedOrigins))),
		ir.Set("AllowedMethods", l.ifSet(&p.AllowedMethods, ir.Strings(methodNames(p.AllowedMethods)))),
		ir.Set("AllowedHeaders", l.ifSet(&p.AllowedHeaders, l.Strings(p.AllowedHeaders))),
		ir.Set("ExposedHeaders", l.Strings(p.ExposedHeaders)),
		ir.Set("AllowCredentials", l.Bool(&p.AllowCredentials)),
		ir.Set("MaxAge", l.Seconds(&p.MaxAge)),
		ir.Set("EchoOrigin", l.Bool(&p.DisableWildCardOrigin)),
		ir.Set("AllowPrivateNetwork", l.Bool(&p.AllowPrivateNetwork)),
		ir.Set("EmbedderPolicy", ir.String(crossOrigin[string(p.CORSEmbedderPolicy)])),
		ir.Set("OpenerPolicy", ir.String(crossOrigin[string(p.CORSOpenerPolicy)])),
		ir.Set("ResourcePolicy", ir.String(crossOrigin[string(p.CORSResourcePolicy)])),
	))
}
