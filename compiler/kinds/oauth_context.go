package kinds

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// OAuthContext is a provider, and the client that the gateway is there.
type OAuthContext struct {
	// Name is what requests choose the context by. Empty is the default.
	Name string `json:"name"`
	// Provider is the server that issues tokens.
	Provider OAuthProvider `json:"provider" required:"true"`
	// Client is the client.
	Client OAuthClient `json:"client" required:"true"`
	// TokenRedeemer is how tokens are asked for.
	TokenRedeemer ClientRequester `json:"tokenRedeemer"`
	// TokenIntrospector is how the provider is asked about access tokens.
	TokenIntrospector ClientRequester `json:"tokenIntrospector"`
	// JWTHandler has the keys by which access and ID tokens are verified. Without any, those are used that the provider publishes, at endpoints.jwks or where it says itself. (In AILERON Gateway they aren't.)
	JWTHandler *JWTHandlerSpec `json:"jwtHandler" alt:"JWTHandler"`
	// EnableIntrospection has the provider asked about each access token (RFC 7662), instead of verifying it by a key. What it says isn't kept, since that a token has been revoked is what it's asked for.
	// Who the token is of and for counts only if atValidation says who that has to be.
	EnableIntrospection bool `json:"enableIntrospection"`
	// ClaimsKey is the name under which policies and others find the claims. Empty is the default.
	ClaimsKey string `json:"claimsKey"`
	// ATProxyHeader is a header by which the upstream gets the access token, without Bearer. One of the same name that a client sends doesn't get there. Empty is none.
	ATProxyHeader string `json:"atProxyHeader" alt:"ATProxyHeader"`
	// IDTProxyHeader is the same for the ID token.
	IDTProxyHeader string `json:"idtProxyHeader" alt:"IDTProxyHeader"`
	// ATValidation is what access tokens have to be. One that isn't a JWT can't be looked into: unless it's introspected, it's accepted only from the provider, until it expires as that has said, and from
	// a session only together with an ID token. (In AILERON Gateway it's never accepted.)
	ATValidation TokenValidation `json:"atValidation" alt:"ATValidation"`
	// IDTValidation is what ID tokens have to be. If one has expired, tokens are refreshed, or the client is authenticated anew. (In AILERON Gateway such a client is locked out.)
	IDTValidation TokenValidation `json:"idtValidation" alt:"IDTValidation"`
}

// SetDefaults sets the defaults of a context.
func (s *OAuthContext) SetDefaults() {
	s.Name, s.ClaimsKey = defaultContext, defaultClaimsKey
	s.ATValidation.Leeway, s.IDTValidation.Leeway = 5, 5
}

// OAuthProvider is a server that issues tokens.
type OAuthProvider struct {
	// Issuer is what it calls itself in tokens (iss). Empty is what is discovered; if nothing is, tokens of any issuer are accepted.
	Issuer string `json:"issuer"`
	// BaseURL is put before endpoints that are paths.
	BaseURL string `json:"baseURL"`
	// Endpoints are its URLs.
	Endpoints ProviderEndpoints `json:"endpoints"`
	// RoundTripper sends requests for metadata, keys and claims of users, an HTTPClient for instance, and the others where there is no other one for them. Unset stands for a client with sensible settings. A request may take 30 seconds, and an answer have 1 MiB.
	RoundTripper resource.Ref `json:"roundTripper" role:"RoundTripper"`
}

// ProviderEndpoints are URLs of a provider, or paths below the baseURL. Those that aren't set are discovered.
type ProviderEndpoints struct {
	// Authorization is where clients log in.
	Authorization string `json:"authorization"`
	// Token is where tokens are issued.
	Token string `json:"token"`
	// Userinfo is where claims about users are.
	Userinfo string `json:"userinfo"`
	// Introspection is where can be asked about tokens.
	Introspection string `json:"introspection"`
	// Revocation is where tokens can be revoked.
	Revocation string `json:"revocation" inert:"nothing revokes tokens"`
	// JWKs is where the keys are that verify its tokens if the jwtHandler has none. (In AILERON Gateway it isn't looked at.)
	JWKs string `json:"jwks" alt:"JWKs"`
	// PushedAuthorization is where the gateway sends authorization requests to, see pushRequests. AILERON Gateway has no such field.
	PushedAuthorization string `json:"pushedAuthorization"`
	// Discovery is where its metadata are, with the others of these, and its issuer. Those that are set here count more.
	Discovery string `json:"discovery"`
}

// OAuthClient is the client that the gateway is at a provider.
type OAuthClient struct {
	// ID is its client_id.
	ID string `json:"id" alt:"ID"`
	// Secret is its client_secret. Write ${NAME} to read it from the environment when the gateway starts.
	Secret string `json:"secret" secret:"true"`
	// Audience is what has to be among the audiences of tokens (aud). Empty is the id.
	Audience string `json:"audience"`
	// Scopes are what tokens are asked for.
	Scopes []string `json:"scopes"`
	// JWTHandler has the private key that client assertions are signed by. For ClientSecretJWT without one it's the secret.
	JWTHandler *JWTHandlerSpec `json:"jwtHandler" alt:"JWTHandler"`
}

// ClientRequester is how forms are sent to a provider.
type ClientRequester struct {
	// RoundTripper sends them, an HTTPClient for instance. Unset is that of the provider.
	RoundTripper resource.Ref `json:"roundTripper" role:"RoundTripper"`
	// ClientAuthMethod is how the client proves who it is: by its secret in the form (FormAuth) or in the Authorization header (BasicAuth), by a token that it signs by a secret (ClientSecretJWT) or a private key (PrivateKeyJWT), or by the certificate
	// of the roundTripper (TLSClientAuth and SelfSignedTLSClientAuth, RFC 8705).
	ClientAuthMethod ClientAuthMethod `json:"clientAuthMethod" fixed:"true"`
	// ExtraHeader are headers that are sent, too. (In AILERON Gateway they aren't.)
	ExtraHeader decode.Map `json:"extraHeader" keys:"header-name" format:"header-value"`
	// ExtraQuery are parameters that are put behind the query of the URL. (In AILERON Gateway they aren't.)
	ExtraQuery decode.Map `json:"extraQuery"`
}

// ClientAuthMethod is how a client proves to a provider who it is.
type ClientAuthMethod string

// Values lists the methods in the order of their numbers.
func (ClientAuthMethod) Values() []string {
	return []string{"FormAuth", "BasicAuth", "ClientSecretJWT", "PrivateKeyJWT", "TLSClientAuth", "SelfSignedTLSClientAuth"}
}

// TokenValidation is what tokens have to be.
type TokenValidation struct {
	// SkipUnexpired doesn't validate the tokens of a session again before they expire. The session has to be protected against changes.
	SkipUnexpired bool `json:"skipUnexpired"`
	// Iss is who has to have issued them. Empty is the issuer of the provider, and - is anybody.
	Iss string `json:"iss"`
	// Aud is who they have to be for. Empty is the audience of the client, and - is anybody.
	Aud string `json:"aud"`
	// ExpOptional accepts tokens that don't say when they expire.
	ExpOptional bool `json:"expOptional"`
	// IatDisabled accepts tokens that say that they were issued in the future.
	IatDisabled bool `json:"iatDisabled"`
	// Leeway is by how many seconds clocks may differ. A negative number is none. (In AILERON Gateway no other one has an effect.)
	Leeway int32 `json:"leeway"`
	// ValidMethods are the algorithms that tokens may be signed by: RS256, for example. Empty is any that there is a key for.
	ValidMethods []string `json:"validMethods" fixed:"true"`
}

// check reports what is missing in a context, or isn't safe. all is what it's a part of.
func (s *OAuthContext) check(c *Check, all *OAuthAuthenticationHandlerSpec) {
	s.JWTHandler.checkVerifying(c)
	s.Client.JWTHandler.checkSigning(c)
	if s.Client.Secret != "" && !c.Deferred(&s.Client.Secret) {
		c.Warnf(&s.Client.Secret, diag.Insecure, "the secret becomes part of the program; write ${NAME} to read it from the environment at start")
	}
	for _, v := range []*TokenValidation{&s.ATValidation, &s.IDTValidation} {
		checkAlgorithms(c, v.ValidMethods)
	}
	s.Provider.check(c)
	s.checkTrust(c)
	if all.ResourceServerHandler == nil {
		s.need(c, &s.Provider.Endpoints.Token, "token")
		s.TokenRedeemer.check(c, s)
	}
	if s.EnableIntrospection || c.Deferred(&s.EnableIntrospection) {
		s.need(c, &s.Provider.Endpoints.Introspection, "introspection")
		s.TokenIntrospector.check(c, s)
	}
	for _, name := range []*string{&s.ATProxyHeader, &s.IDTProxyHeader} {
		checkHeaderName(c, name)
	}
	s.checkUse(c, all)
}

// checkUse reports what has no effect in the role that the gateway plays.
func (s *OAuthContext) checkUse(c *Check, all *OAuthAuthenticationHandlerSpec) {
	server := all.ResourceServerHandler != nil
	for _, f := range []struct {
		name string
		p    any
		idle bool
		why  string
	}{
		{"tokenRedeemer", &s.TokenRedeemer, server, "a resource server asks for no tokens"},
		{"scopes", &s.Client.Scopes, server, "a resource server asks for no tokens"},
		{"idtValidation", &s.IDTValidation, server, "clients of a resource server bring access tokens only"},
		{"idtProxyHeader", &s.IDTProxyHeader, server, "clients of a resource server bring access tokens only"},
		{"skipUnexpired", &s.ATValidation.SkipUnexpired, server || all.ClientCredentialsHandler != nil, "there are no tokens in a session"},
		{"tokenIntrospector", &s.TokenIntrospector, !s.EnableIntrospection && !c.Deferred(&s.EnableIntrospection), "enableIntrospection isn't set"},
	} {
		if f.idle && c.IsSet(f.p) {
			c.Warnf(f.p, diag.NoEffect, "%s has no effect: %s", f.name, f.why)
		}
	}
}

// discovers reports whether endpoints that aren't set are looked for.
func (s *OAuthContext) discovers(c *Check) bool { return isSet(c, &s.Provider.Endpoints.Discovery) }

// need reports an endpoint that is neither set nor discovered.
func (s *OAuthContext) need(c *Check, endpoint *string, name string) {
	if !isSet(c, endpoint) && !s.discovers(c) {
		c.Errorf(s.nearest(c, &s.Provider.Endpoints, &s.Provider), diag.MissingField, "the endpoint %s is needed here, or discovery, by which it's found", name)
	}
}

// nearest returns the first of fields that the config sets, so that a finding stands near to where something is missing.
func (s *OAuthContext) nearest(c *Check, fields ...any) any {
	for _, f := range fields {
		if c.IsSet(f) {
			return f
		}
	}
	return s
}

// checkTrust reports tokens that nothing verifies, or that anybody may have issued.
func (s *OAuthContext) checkTrust(c *Check) {
	if s.discovers(c) {
		return
	}
	if !s.EnableIntrospection && !c.Deferred(&s.EnableIntrospection) && !s.JWTHandler.verifies() && !isSet(c, &s.Provider.Endpoints.JWKs) {
		c.Warnf(s, diag.MissingField, "there are no keys to verify tokens by, so that none with a signature is valid: there is neither a jwtHandler that has some, nor endpoints.jwks, discovery or enableIntrospection")
	}
	if !isSet(c, &s.Provider.Issuer) && !isSet(c, &s.ATValidation.Iss) && !s.EnableIntrospection {
		c.Warnf(s.nearest(c, &s.Provider), diag.Insecure, "without an issuer, and without discovery, it doesn't matter who has issued a token, as long as a key verifies it; set issuer, or atValidation.iss to - if that is what you want")
	}
}

func (s *OAuthProvider) check(c *Check) {
	e := &s.Endpoints
	for _, at := range []*string{&e.Authorization, &e.Token, &e.Userinfo, &e.Introspection, &e.Revocation, &e.JWKs, &e.PushedAuthorization, &e.Discovery} {
		switch {
		case *at == "" || c.Deferred(at):
		case isURL(*at):
			warnCleartext(c, at, "can read, and change, what they say to each other")
		case !isSet(c, &s.BaseURL):
			c.Errorf(at, diag.BadURL, "%q isn't a URL of http or https with a host, and there is no baseURL below which it could be a path", *at)
		}
	}
	switch {
	case s.BaseURL == "" || c.Deferred(&s.BaseURL):
	case !isURL(s.BaseURL):
		c.Errorf(&s.BaseURL, diag.BadURL, "%q isn't a URL of http or https with a host", s.BaseURL)
	default:
		warnCleartext(c, &s.BaseURL, "can read, and change, what they say to each other")
	}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// warnCleartext warns of a provider that is asked without TLS, unless it's on the same machine.
func warnCleartext(c *Check, at *string, what string) {
	u, err := url.Parse(*at)
	if err != nil || u.Scheme != "http" || c.Deferred(at) {
		return
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return
	}
	c.Warnf(at, diag.Insecure, "without TLS, anybody between the gateway and %s %s; use https", net.JoinHostPort(u.Hostname(), portOf(u)), what)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "80"
}

// check reports a client that can't prove who it is.
func (s *ClientRequester) check(c *Check, of *OAuthContext) {
	client := &of.Client
	switch method := s.ClientAuthMethod; method {
	case "PrivateKeyJWT":
		if !client.JWTHandler.signs() {
			c.Errorf(&s.ClientAuthMethod, diag.MissingField, "PrivateKeyJWT needs a key in client.jwtHandler.privateKeys")
		}
	case "ClientSecretJWT":
		if !client.JWTHandler.signs() && !isSet(c, &client.Secret) {
			c.Errorf(&s.ClientAuthMethod, diag.MissingField, "ClientSecretJWT needs client.secret, or a key in client.jwtHandler.privateKeys")
		}
	case "TLSClientAuth", "SelfSignedTLSClientAuth":
		if s.RoundTripper.IsZero() && of.Provider.RoundTripper.IsZero() {
			c.Warnf(&s.ClientAuthMethod, diag.NoEffect, "%s presents the certificate of the roundTripper, but there is none", method)
		}
	}
}

// checkHeaderName reports a name that no header can have. It may be empty.
func checkHeaderName(c *Check, name *string) {
	if c.Deferred(name) {
		return
	}
	for i := range len(*name) {
		if b := (*name)[i]; b <= ' ' || b >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", b) >= 0 {
			c.Errorf(name, diag.BadHeaderName, "%q can't be in a header name", b)
			return
		}
	}
}

// lower returns the oauth.ContextOptions. asks says whether tokens are asked for.
func (s *OAuthContext) lower(l *Lower, asks bool) ir.Expr {
	redeemer, id := s.TokenRedeemer.lower(l), s.IDTValidation.lower(l)
	if !asks {
		redeemer, id = nil, nil
	}
	return l.Struct("oauth.ContextOptions",
		ir.Set("Name", l.ifSet(&s.Name, l.String(&s.Name))),
		ir.Set("Provider", s.Provider.lower(l)),
		ir.Set("Client", s.Client.lower(l)),
		ir.Set("Redeemer", redeemer),
		ir.Set("Introspector", s.TokenIntrospector.lower(l)),
		ir.Set("Keys", s.JWTHandler.lower(l)),
		ir.Set("Introspect", l.Bool(&s.EnableIntrospection)),
		ir.Set("ClaimsKey", l.ifSet(&s.ClaimsKey, l.String(&s.ClaimsKey))),
		ir.Set("AccessHeader", l.String(&s.ATProxyHeader)),
		ir.Set("IDHeader", l.String(&s.IDTProxyHeader)),
		ir.Set("Access", s.ATValidation.lower(l)),
		ir.Set("ID", id),
	)
}

func (s *OAuthProvider) lower(l *Lower) ir.Expr {
	e := &s.Endpoints
	endpoints := l.Struct("oauth.Endpoints",
		ir.Set("Authorization", l.String(&e.Authorization)),
		ir.Set("Token", l.String(&e.Token)),
		ir.Set("Userinfo", l.String(&e.Userinfo)),
		ir.Set("Introspection", l.String(&e.Introspection)),
		ir.Set("Revocation", l.String(&e.Revocation)),
		ir.Set("JWKS", l.String(&e.JWKs)),
		ir.Set("PushedAuthorization", l.String(&e.PushedAuthorization)),
		ir.Set("Discovery", l.String(&e.Discovery)))
	return l.Struct("oauth.Provider",
		ir.Set("Issuer", l.String(&s.Issuer)),
		ir.Set("BaseURL", l.String(&s.BaseURL)),
		ir.Set("Endpoints", unlessEmpty(endpoints)),
		ir.Set("Transport", l.Use(&s.RoundTripper, RoundTripper)))
}

func (s *OAuthClient) lower(l *Lower) ir.Expr {
	return l.Struct("oauth.Client",
		ir.Set("ID", l.String(&s.ID)),
		ir.Set("Secret", l.String(&s.Secret)),
		ir.Set("Audience", l.String(&s.Audience)),
		ir.Set("Scopes", l.Strings(s.Scopes)),
		ir.Set("Keys", s.JWTHandler.lower(l)))
}

func (s *ClientRequester) lower(l *Lower) ir.Expr {
	var method ir.Expr
	if m := s.ClientAuthMethod; m != "" && m != "FormAuth" {
		method = ir.Runtime("oauth." + string(m))
	}
	return unlessEmpty(l.Struct("oauth.Requester",
		ir.Set("Transport", l.Use(&s.RoundTripper, RoundTripper)),
		ir.Set("Auth", method),
		ir.Set("Header", l.Fields(s.ExtraHeader)),
		ir.Set("Query", stringMap(l, s.ExtraQuery))))
}

// unlessEmpty is a struct, nil if it has no fields.
func unlessEmpty(e ir.Expr) ir.Expr {
	if s, ok := e.(ir.Struct); ok {
		for _, f := range s.Fields {
			if !ir.IsZero(f.Value) {
				return e
			}
		}
	}
	return nil
}

func (s *TokenValidation) lower(l *Lower) ir.Expr {
	methods := ir.List{Elem: ir.Runtime("jwt.Algorithm")}
	for _, m := range s.ValidMethods {
		methods.Items = append(methods.Items, signingAlgorithm(m))
	}
	return l.Struct("oauth.Validation",
		ir.Set("SkipUnexpired", l.Bool(&s.SkipUnexpired)),
		ir.Set("Issuer", l.String(&s.Iss)),
		ir.Set("Audience", l.String(&s.Aud)),
		ir.Set("ExpOptional", l.Bool(&s.ExpOptional)),
		ir.Set("IATDisabled", l.Bool(&s.IatDisabled)),
		ir.Set("Leeway", l.Seconds(&s.Leeway)),
		ir.Set("Methods", methods))
}
