package kinds

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var csrfMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "CSRFMiddleware",
	Roles:      []Role{Middleware, Handler},
	Methods:    map[Role]string{Middleware: "Middleware"},
	New: func() Spec {
		return &CSRFMiddlewareSpec{
			Patterns: []string{csrfPath}, SkipMethods: []HTTPMethod{"GET", "HEAD", "TRACE", "OPTIONS"}, SeedSize: 20, HashAlg: "SHA256",
			CustomRequestHeader: &CustomRequestHeaderSpec{HeaderName: "X-Requested-With"},
		}
	},
}

const csrfPath = "/token"

// CSRFMiddlewareSpec is the spec of a CSRFMiddleware, which refuses requests, with 403, that another site may have had a browser send (cross-site request forgery). As
// a handler, it gives pages the tokens that their requests have to bring.
//
// A token is a random seed and its HMAC, in hexadecimal. The handler answers with it as plain text, as {"token":"…"} or as <token>…</token>, whichever the Accept header
// names first in this order. Other sites mustn't be able to read it, so a CORSMiddleware around the handler must not allow them to.
//
// Without a secret it is a random one: then tokens end with the process, and those of one gateway aren't good at another. (In AILERON Gateway it can be computed from the
// name of the host; all methods are checked, whatever skipMethods says; seedSize does nothing; and a client without a token gets a 500 with synchronizerToken.)
type CSRFMiddlewareSpec struct {
	// Patterns are the paths that the handler wants to be mounted at. Empty is the default.
	Patterns []string `json:"patterns" fixed:"true"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods"`
	// SkipMethods are the methods of requests that aren't checked, since they change nothing. An empty list checks all.
	SkipMethods []HTTPMethod `json:"skipMethods"`
	// CheckOrigin refuses requests, too, of which the browser says that another origin sent them: by Sec-Fetch-Site or, if there is none, by Origin. (AILERON Gateway has no such field.)
	CheckOrigin bool `json:"checkOrigin"`
	// TrustedOrigins are other origins that may send requests all the same, as browsers write them: https://example.com. (AILERON Gateway has no such field.)
	TrustedOrigins []string `json:"trustedOrigins"`
	// ProxyHeaderName is a header by which the upstream gets the token. A client's own is removed. Empty is none.
	ProxyHeaderName string `json:"proxyHeaderName"`
	// IssueNew has the handler give a new token each time, even if the client has one that is good.
	IssueNew bool `json:"issueNew"`
	// Secret is the key of tokens, in Base64. It should have 64 bytes, and be the same in all gateways that a client may come to.
	Secret string `json:"secret" secret:"true"`
	// SeedSize is how many random bytes a token has, at least 5. 0 stands for the default.
	SeedSize int32 `json:"seedSize" min:"0" max:"1024"`
	// HashAlg is the hash algorithm of the HMAC. Unset is the default. SHAKE128 and SHAKE256 can't be used.
	HashAlg HashAlg `json:"hashAlg"`
	// CustomRequestHeader looks for a token in a header that other sites can't set, of whichever client it is. It's the default.
	CustomRequestHeader *CustomRequestHeaderSpec `json:"customRequestHeader" oneof:"pattern"`
	// DoubleSubmitCookies compares the token with that of a cookie, which the handler sets.
	DoubleSubmitCookies *DoubleSubmitCookiesSpec `json:"doubleSubmitCookies" oneof:"pattern"`
	// SynchronizerToken compares the token with that of the session, where the handler keeps it. A SessionMiddleware must stand before both.
	SynchronizerToken *SynchronizerTokenSpec `json:"synchronizerToken" oneof:"pattern"`
}

// CustomRequestHeaderSpec is a header that other sites can't set.
type CustomRequestHeaderSpec struct {
	// HeaderName is the header. Empty is the default.
	HeaderName string `json:"headerName" pattern:"^[0-9a-zA-Z-_]*$"`
	// AllowedPattern is a regular expression (RE2). A value that it matches anywhere is as good as a token. Empty is none.
	AllowedPattern string `json:"allowedPattern" format:"regexp" fixed:"true"`
}

// SetDefaults sets the default header.
func (s *CustomRequestHeaderSpec) SetDefaults() { s.HeaderName = "X-Requested-With" }

// DoubleSubmitCookiesSpec is about tokens in cookies.
type DoubleSubmitCookiesSpec struct {
	// CookieName is the name of the cookie. One that begins with __Host- can't be set by other hosts of the same domain. Empty is the default.
	CookieName string `json:"cookieName" pattern:"^[0-9a-zA-Z-_]*$"`
	// Cookie are the attributes of the cookie. Unset is the path /, secure and httpOnly; if it's set, only what it has counts.
	Cookie *CookieSpec `json:"cookie"`
	// TokenSource is where the token is in a request: Header, Form (a body that is application/x-www-form-urlencoded) or JSON (one that is application/json). Bodies may have 1 MiB.
	TokenSource TokenSource `json:"tokenSource"`
	// SourceKey is the name of the header or field of the form. With JSON it's the names of nested objects, and the indexes of arrays, with dots between them: data.tokens.0. Empty is the default.
	SourceKey string `json:"sourceKey"`
}

// SetDefaults sets the default names.
func (s *DoubleSubmitCookiesSpec) SetDefaults() {
	s.CookieName, s.TokenSource, s.SourceKey = csrfName, "Header", csrfName
}

// SynchronizerTokenSpec is about tokens in sessions.
type SynchronizerTokenSpec struct {
	// TokenSource is where the token is in a request: Header, Form (a body that is application/x-www-form-urlencoded) or JSON (one that is application/json). Bodies may have 1 MiB.
	TokenSource TokenSource `json:"tokenSource"`
	// SourceKey is the name of the header or field of the form. With JSON it's the names of nested objects, and the indexes of arrays, with dots between them: data.tokens.0. Empty is the default.
	SourceKey string `json:"sourceKey"`
}

// SetDefaults sets the default names.
func (s *SynchronizerTokenSpec) SetDefaults() { s.TokenSource, s.SourceKey = "Header", csrfName }

const csrfName = "__csrfToken"

// TokenSource is where a token is in a request.
type TokenSource string

// Values lists the sources in the order of their numbers.
func (TokenSource) Values() []string { return []string{"Header", "Form", "JSON"} }

// Route returns where the handler wants to be mounted.
func (s *CSRFMiddlewareSpec) Route() ([]string, []HTTPMethod) {
	if len(s.Patterns) == 0 {
		return []string{csrfPath}, s.Methods
	}
	return s.Patterns, s.Methods
}

// Refuses tells that preflight requests are refused if their method is checked.
func (s *CSRFMiddlewareSpec) Refuses() bool { return !slices.Contains(s.SkipMethods, "OPTIONS") }

// UsesSession reports whether a session is needed.
func (s *CSRFMiddlewareSpec) UsesSession() bool { return s.SynchronizerToken != nil }

// Check reports what can't work.
func (s *CSRFMiddlewareSpec) Check(c *Check) {
	if key := checkBase64(c, &s.Secret); key != nil && len(key) < 16 {
		c.Warnf(&s.Secret, diag.Insecure, "the secret has %d bytes, few enough to be guessed", len(key))
	}
	if 0 < s.SeedSize && s.SeedSize < 5 {
		c.Errorf(&s.SeedSize, diag.OutOfRange, "seedSize is %d; it must be 5 or more, or 0 for the default", s.SeedSize)
	}
	if s.HashAlg == "SHAKE128" || s.HashAlg == "SHAKE256" {
		c.Errorf(&s.HashAlg, diag.UnknownValue, "%s can't be used for an HMAC; KMAC would be the way, which is not there", s.HashAlg)
	}
	checkCredentialHeader(c, &s.ProxyHeaderName)
	for i, o := range s.TrustedOrigins {
		if !isOrigin(o) {
			c.Warnf(&s.TrustedOrigins[i], diag.NoEffect, "%q is no origin as browsers write it, like https://example.com: it matches nothing", o)
		}
	}
	if len(s.TrustedOrigins) > 0 && !s.CheckOrigin && !c.Deferred(&s.CheckOrigin) {
		c.Warnf(&s.TrustedOrigins, diag.NoEffect, "without checkOrigin, trustedOrigins does nothing")
	}
	switch {
	case s.DoubleSubmitCookies != nil:
		s.DoubleSubmitCookies.Cookie.check(c, false)
		checkSource(c, s.DoubleSubmitCookies.TokenSource, &s.DoubleSubmitCookies.SourceKey)
	case s.SynchronizerToken != nil:
		checkSource(c, s.SynchronizerToken.TokenSource, &s.SynchronizerToken.SourceKey)
	}
}

func checkSource(c *Check, source TokenSource, key *string) {
	switch source {
	case "Header":
		checkCredentialHeader(c, key)
	case "JSON":
		if i := strings.IndexAny(*key, "*?#|@!{}[]()<>=~%\""); i >= 0 {
			c.Errorf(key, diag.BadValue, "%q can't be in a path: there are names and indexes with dots between them, and nothing else", (*key)[i])
		}
	}
}

// Lower returns the handler, whose method Middleware is the middleware.
func (s *CSRFMiddlewareSpec) Lower(l *Lower) ir.Expr {
	skip, none := l.ifSet(&s.SkipMethods, ir.Strings(methodNames(s.SkipMethods))), len(methodNames(s.SkipMethods)) == 0
	fields := []ir.Field{
		ir.Set("Secret", l.String(&s.Secret)),
		ir.Set("SeedSize", l.ifSet(&s.SeedSize, l.Int(&s.SeedSize))),
		ir.Set("Hash", s.hash()),
		ir.Set("SkipMethods", skip),
		ir.Set("CheckAll", ir.Bool(none)),
		ir.Set("CheckOrigin", l.Bool(&s.CheckOrigin)),
		ir.Set("TrustedOrigins", l.Strings(s.TrustedOrigins)),
		ir.Set("UpstreamHeader", l.String(&s.ProxyHeaderName)),
		ir.Set("IssueNew", l.Bool(&s.IssueNew)),
	}
	switch {
	case s.DoubleSubmitCookies != nil:
		d := s.DoubleSubmitCookies
		fields = append(fields,
			ir.Set("Keeper", l.Struct("csrf.Cookie",
				ir.Set("Name", l.ifSet(&d.CookieName, l.String(&d.CookieName))),
				ir.Set("Attributes", d.Cookie.lower(l)))),
			ir.Set("Source", source(l, d.TokenSource, &d.SourceKey)))
	case s.SynchronizerToken != nil:
		fields = append(fields,
			ir.Set("Keeper", l.Struct("csrf/insession.Keeper")),
			ir.Set("Source", source(l, s.SynchronizerToken.TokenSource, &s.SynchronizerToken.SourceKey)))
	default:
		h := s.CustomRequestHeader
		fields = append(fields, ir.Set("Header", l.ifSet(&h.HeaderName, l.String(&h.HeaderName))))
		if h.AllowedPattern != "" {
			fields = append(fields, ir.Set("Allowed", lowerSearches(l, []string{h.AllowedPattern})))
		}
	}
	return l.Try("csrf.New", l.Struct("csrf.Options", fields...))
}

func (s *CSRFMiddlewareSpec) hash() ir.Expr {
	if s.HashAlg == "" || s.HashAlg == "HashAlgUnknown" || s.HashAlg == "SHA256" {
		return nil
	}
	return algorithm(s.HashAlg)
}

// source returns the csrf.Source.
func source(l *Lower, s TokenSource, key *string) ir.Expr {
	fun := map[TokenSource]string{"Form": "csrf.FromForm", "JSON": "csrf.FromJSON"}[s]
	if fun == "" {
		fun = "csrf.FromHeader"
	}
	if *key == "" && !l.Deferred(key) {
		return l.Call(fun, ir.String(csrfName))
	}
	return l.Call(fun, l.String(key))
}
