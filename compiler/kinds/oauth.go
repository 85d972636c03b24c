package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var oAuthAuthenticationHandler = Kind{
	APIVersion: "app/v1",
	Name:       "OAuthAuthenticationHandler",
	Roles:      []Role{AuthenticationHandler},
	Lifecycle:  true,
	New:        func() Spec { return &OAuthAuthenticationHandlerSpec{} },
}

// OAuthAuthenticationHandlerSpec is the spec of an OAuthAuthenticationHandler, one of the handlers of an AuthenticationMiddleware, which knows clients by tokens of OAuth 2.0 (RFC 6749)
// and OpenID Connect. Which of four roles the gateway plays is what one of the fields says whose names end in Handler.
//
// The claims are context, the name of the context; at, at_claims and at_exp (seconds since 1970), the access token, what it says, and when it expires; the same of the ID token, idt, idt_claims and
// idt_exp; and rt, the refresh token.
//
// What is published by the provider (OpenID Connect Discovery) is looked for in the background from the start on, until it's there. Requests that need it before get a 503.
// An issuer that is discovered has to be that of tokens. (In AILERON Gateway it isn't looked at.) Neither errors nor logs tell what is in tokens.
//
// The environment variables AILERON_SKIP_AT_VALIDATION and AILERON_SKIP_IDT_VALIDATION, by which AILERON Gateway accepts any token, have no effect; the log says so where one is set.
type OAuthAuthenticationHandlerSpec struct {
	// Logger is told when providers, or sets of keys, can't be reached, and when they can again, and why logins fail. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler isn't used: that of the AuthenticationMiddleware answers.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// Contexts are providers, and the client that the gateway is at each of them.
	Contexts []OAuthContext `json:"contexts" required:"true"`
	// ContextQueryKey is a parameter in the query of requests that names the context. If it's set, contextHeaderKey isn't looked at.
	ContextQueryKey string `json:"contextQueryKey"`
	// ContextHeaderKey is a header of requests that names the context. Without a name, it's the context "default".
	ContextHeaderKey string `json:"contextHeaderKey"`
	// AuthorizationCodeHandler sends clients to the login of the provider, and keeps their tokens in the session.
	AuthorizationCodeHandler *AuthorizationCodeHandler `json:"authorizationCodeHandler" oneof:"handler"`
	// ClientCredentialsHandler gets a token for the gateway itself, which is for the upstream: see atProxyHeader. It authenticates nobody: all requests pass.
	ClientCredentialsHandler *ClientCredentialsHandler `json:"clientCredentialsHandler" oneof:"handler"`
	// ResourceServerHandler accepts requests that have an access token.
	ResourceServerHandler *ResourceServerHandler `json:"resourceServerHandler" oneof:"handler"`
	// ROPCHandler takes name and password of the client to the provider, and keeps its tokens in the session.
	ROPCHandler *ROPCHandler `json:"ropcHandler" alt:"ROPCHandler" oneof:"handler"`
}

// ClientCredentialsHandler gets a token for the gateway itself (RFC 6749, section 4.4), for each context. It's kept in memory and validated for each request. Some time before it expires, a new one
// is got in the background; many requests that need one wait for the same. (In AILERON Gateway each of them gets one, and expires_in isn't looked at.)
type ClientCredentialsHandler struct {
	_ bool // so that each has an address of its own
}

// ResourceServerHandler accepts requests that have an access token in a header. What isn't valid is refused with WWW-Authenticate: Bearer error="invalid_token". (AILERON Gateway adds that once more with each refusal.)
type ResourceServerHandler struct {
	// HeaderKey is the header, with or without Bearer before the token. It stays in the request. Empty is the default.
	HeaderKey string `json:"headerKey"`
	// EnabledFAPI makes it a resource server of FAPI 1.0: the token has to be bound to the certificate that the client has presented (RFC 8705, section 3), and responses have
	// an x-fapi-interaction-id, that of the request or a new one, which the upstream gets, too.
	EnabledFAPI bool `json:"enabledFAPI"`
}

// SetDefaults sets the default header.
func (h *ResourceServerHandler) SetDefaults() { h.HeaderKey = "Authorization" }

// ROPCHandler takes name and password to the provider (RFC 6749, section 4.3), and needs a SessionMiddleware before it. Without valid tokens in the session, and without a name and password, the answer is 401.
// OAuth 2.1 has no such grant any more: a login at the provider, by an authorizationCodeHandler, keeps passwords from the gateway.
type ROPCHandler struct {
	// RedeemTokenPath is a path at which the answer are the tokens, as those of a provider (RFC 6749, section 5.1), and nothing is asked of the upstream. If the provider refuses, its answer is passed on. Empty is none.
	// Once there are tokens in the session, it has the claims, too. (In AILERON Gateway it has only them then.)
	RedeemTokenPath string `json:"redeemTokenPath"`
	// UsernameKey is the field of a form that has the name. Unless it and passwordKey are set, they are taken from Authorization: Basic.
	// The upstream gets the form all the same. (In AILERON Gateway it gets none.)
	UsernameKey string `json:"usernameKey"`
	// PasswordKey is the field of a form that has the password.
	PasswordKey string `json:"passwordKey"`
}

// ErrorHandlerRef returns the error handler.
func (s *OAuthAuthenticationHandlerSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// UsesSession reports whether a session is needed.
func (s *OAuthAuthenticationHandlerSpec) UsesSession() bool {
	return s.ROPCHandler != nil || s.AuthorizationCodeHandler != nil
}

// ReadsSecrets tells what clients send that nobody else should see.
func (s *OAuthAuthenticationHandlerSpec) ReadsSecrets() string {
	switch {
	case s.ResourceServerHandler != nil:
		return "tokens"
	case s.ROPCHandler != nil:
		return "passwords"
	}
	return ""
}

// Check reports what is missing, doesn't go together or isn't safe.
func (s *OAuthAuthenticationHandlerSpec) Check(c *Check) {
	if s.AuthorizationCodeHandler == nil && s.ClientCredentialsHandler == nil && s.ResourceServerHandler == nil && s.ROPCHandler == nil {
		c.Errorf(s, diag.MissingField, "one of authorizationCodeHandler, clientCredentialsHandler, resourceServerHandler and ropcHandler is needed")
	}
	if c.asks(&s.ContextQueryKey) && c.asks(&s.ContextHeaderKey) {
		c.Warnf(&s.ContextHeaderKey, diag.NoEffect, "contextHeaderKey has no effect, since there is a contextQueryKey")
	}
	if h := s.ROPCHandler; h != nil && isSet(c, &h.UsernameKey) != isSet(c, &h.PasswordKey) {
		c.Warnf(h, diag.NoEffect, "usernameKey and passwordKey have an effect only together")
	}
	if h := s.AuthorizationCodeHandler; h != nil {
		h.check(c, s)
	}
	if h := s.ResourceServerHandler; h != nil {
		checkHeaderName(c, &h.HeaderKey)
	}
	checkHeaderName(c, &s.ContextHeaderKey)
	s.checkNames(c)
	for i := range s.Contexts {
		s.Contexts[i].check(c, s)
	}
}

// checkNames reports contexts of the same name, and those that no request can choose.
func (s *OAuthAuthenticationHandlerSpec) checkNames(c *Check) {
	seen := make(map[string]bool)
	chosen := isSet(c, &s.ContextQueryKey) || isSet(c, &s.ContextHeaderKey)
	for i := range s.Contexts {
		of := &s.Contexts[i]
		name := &of.Name
		if c.Deferred(name) {
			continue
		}
		if *name == "" {
			*name = defaultContext
		}
		if seen[*name] {
			c.Errorf(of.nearest(c, name), diag.DuplicateValue, "there are two contexts of the name %s", *name)
		}
		seen[*name] = true
		if *name != defaultContext && !chosen {
			c.Warnf(name, diag.NoEffect, "without contextQueryKey and contextHeaderKey requests can't choose this context, only the one whose name is default")
		}
	}
}

const defaultContext = "default"

// Lower returns the authenticator.
func (s *OAuthAuthenticationHandlerSpec) Lower(l *Lower) ir.Expr {
	base := ir.Set("OAuth", s.options(l))
	switch {
	case s.ResourceServerHandler != nil:
		h := s.ResourceServerHandler
		return l.Try("oauth/resourceserver.New", l.Struct("oauth/resourceserver.Options", base,
			ir.Set("HeaderKey", l.ifSet(&h.HeaderKey, l.String(&h.HeaderKey))),
			ir.Set("FAPI", l.Bool(&h.EnabledFAPI))))
	case s.ClientCredentialsHandler != nil:
		return l.Try("oauth/clientcredentials.New", l.Struct("oauth/clientcredentials.Options", base))
	case s.ROPCHandler != nil:
		h := s.ROPCHandler
		return l.Try("oauth/ropc.New", l.Struct("oauth/ropc.Options", base,
			ir.Set("RedeemTokenPath", l.String(&h.RedeemTokenPath)),
			ir.Set("UsernameKey", l.String(&h.UsernameKey)),
			ir.Set("PasswordKey", l.String(&h.PasswordKey))))
	}
	return s.lowerCode(l, base)
}

// options is oauth.Options.
func (s *OAuthAuthenticationHandlerSpec) options(l *Lower) ir.Expr {
	contexts := ir.List{Elem: ir.Runtime("oauth.ContextOptions")}
	var transport ir.Expr
	for i := range s.Contexts {
		contexts.Items = append(contexts.Items, s.Contexts[i].lower(l, s.ResourceServerHandler == nil))
		if s.asks(l.Check, &s.Contexts[i]) {
			transport = defaultTransport(l)
		}
	}
	return l.Struct("oauth.Options",
		ir.Set("Contexts", contexts),
		ir.Set("QueryKey", l.String(&s.ContextQueryKey)),
		ir.Set("HeaderKey", l.String(&s.ContextHeaderKey)),
		ir.Set("Transport", transport),
		ir.Set("Logger", loggerOf(l, &s.Logger)))
}

// asks reports whether requests of a context are sent by the default transport.
func (s *OAuthAuthenticationHandlerSpec) asks(c *Check, of *OAuthContext) bool {
	if !of.Provider.RoundTripper.IsZero() {
		return false
	}
	local := s.ResourceServerHandler != nil && !of.EnableIntrospection && !c.Deferred(&of.EnableIntrospection) &&
		!of.discovers(c) && !isSet(c, &of.Provider.Endpoints.JWKs) && (of.JWTHandler == nil || len(of.JWTHandler.JWKs) == 0)
	return !local
}
