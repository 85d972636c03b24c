package kinds

import (
	"net"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// AuthorizationCodeHandler has people log in at the provider, by the authorization code flow (RFC 6749, section 4.1, and OpenID Connect Core 1.0, section 3.1). A
// SessionMiddleware must stand before: the tokens are in the session. They are long: in cookies, use enableCompression, and have the server accept them by its maxHeaderBytes; or use a storage for sessions. Who has none is sent to the provider with a 302, but for what scripts and
// pages ask for, by Sec-Fetch-Mode or X-Requested-With: that's a 401. The answers of the provider come to the path of the callbackURL, which must lead to the handler.
//
// Several tabs may log in at the same time, eight at most; each comes back to where it was, from the provider that it was sent to. What has to be known for that is in a cookie for each, beside that of the session. The session gets a new id with a login. A parameter iss in the
// answer must be the issuer (RFC 9207). What the provider reports as an error is a 401 and in the log.
//
// (In AILERON Gateway a second tab makes the login of the first fail, the answer of a provider is sent to whichever the callback URL names, the session keeps its id,
// targets may lead to other sites, an ID token that has expired locks its owner out, and redirectKey does nothing.)
type AuthorizationCodeHandler struct {
	// DisableState leaves out what ties the answer of the provider to the session. Then only one login at a time can be told.
	DisableState bool `json:"disableState"`
	// DisableNonce leaves out what ties the ID token to the login.
	DisableNonce bool `json:"disableNonce"`
	// DisablePKCE leaves out what ties the code to the gateway (RFC 7636).
	DisablePKCE bool `json:"disablePKCE" alt:"DisablePKCE"`
	// PKCEMethod is S256 or Plain, with which whoever sees the authorization request can use the code.
	PKCEMethod PKCEMethod `json:"pkceMethod" alt:"PKCEMethod"`
	// LoginPath is a path that leads to the provider. Empty is none.
	LoginPath string `json:"loginPath"`
	// CallbackURL is where the provider sends people back to: an absolute URL of the gateway, as it's registered there.
	CallbackURL string `json:"callbackURL" alt:"CallbackURL" required:"true"`
	// RedirectPath is where people go after the login. Empty is where they came from.
	RedirectPath string `json:"redirectPath"`
	// RedirectKey is the name of the parameter in the query by which a request says where to go after the login. Empty is the default.
	RedirectKey string `json:"redirectKey"`
	// RedirectPathPattern is a regular expression (RE2) that this has to match. Other sites can't be named, whatever it says.
	RedirectPathPattern string `json:"redirectPathPattern" format:"regexp" fixed:"true"`
	// RedirectToLogin sends people to the loginPath instead of the provider.
	RedirectToLogin bool `json:"redirectToLogin"`
	// UnauthorizeAny sends nobody anywhere: requests are refused with 401, but for the loginPath.
	UnauthorizeAny bool `json:"unauthorizeAny"`
	// RestoreRequest keeps the request that leads to a login, and answers it after that, unless it's one by which another site would change something. 64 KiB are kept with a storage for sessions, and 2 KiB in cookies; a larger one is a 413. If another handler, or other
	// middleware, is in its way than in that of the callbackURL, people are sent to where it was for first.
	RestoreRequest bool `json:"restoreRequest"`
	// URLParams are further parameters of authorization requests, as name=value: prompt=login. They replace those of the same name. With max_age, the ID token must say that the login isn't longer ago.
	URLParams []string `json:"urlParams" alt:"URLParams"`
	// UserInfoPath is a path that answers with what the provider tells about who has logged in. Empty is none.
	UserInfoPath string `json:"userInfoPath"`
	// EnabledFAPI refuses access tokens that aren't bound to the certificate of the gateway, if it authenticates itself by one, and warns of settings that the FAPI profiles forbid.
	EnabledFAPI bool `json:"enabledFAPI" alt:"EnabledFAPI"`
	// PushRequests has the gateway itself send authorization requests to the provider (RFC 9126), so that what people's browsers carry is only a reference. A provider that requires it gets
	// them so in any case. AILERON Gateway has no such field.
	PushRequests bool `json:"pushRequests"`
	// RequestObject has the gateway sign authorization requests (RFC 9101).
	RequestObject *AuthorizationRequestObject `json:"requestObject"`
	// JARM has the provider sign its answers (JWT Secured Authorization Response Mode). Others aren't accepted then.
	JARM *AuthorizationResponseJARM `json:"jarm" alt:"JARM"`
}

// SetDefaults sets what holds if the handler is there and doesn't say otherwise.
func (s *AuthorizationCodeHandler) SetDefaults() {
	s.PKCEMethod, s.RedirectPathPattern, s.RedirectKey = "S256", redirectAnywhere, "rd"
}

// redirectAnywhere matches all paths of the site.
const redirectAnywhere = "^/.*$"

// AuthorizationRequestObject is about signed authorization requests.
type AuthorizationRequestObject struct {
	// RequestURI is a URL of the gateway where the provider fetches them. Then they have only what is the same in all; state, nonce and the code challenge are in
	// the query, which providers of RFC 9101 don't look at. Empty sends them by the browser, with all of it in them.
	RequestURI string `json:"requestURI" alt:"RequestURI"`
	// JWTHandler has the private key that they are signed by.
	JWTHandler *JWTHandlerSpec `json:"jwtHandler" alt:"JWTHandler" required:"true"`
	// Exp is how long they are valid, in seconds. 0 is 300. (In AILERON Gateway 0 has them be expired from the start.)
	Exp int64 `json:"exp" min:"0" max:"9000000000"`
	// Nbf is in how many seconds they begin to be valid.
	Nbf int64 `json:"nbf" min:"0" max:"9000000000"`
	// DisableCache puts the hash of the request behind the requestURI, so that a provider doesn't use an earlier one.
	DisableCache bool `json:"disableCache"`
}

// AuthorizationResponseJARM is about signed answers.
type AuthorizationResponseJARM struct {
	// ResponseMode is how they come: ResponseModeJWT and ResponseModeQueryJWT in the query, ResponseModeFormPostJWT in a form. The browser sends the form from the site of the provider: the cookie of the session needs sameSite None then.
	// Of ResponseModeFragmentJWT nothing ever comes to a server.
	ResponseMode ResponseMode `json:"responseMode"`
	// JWTHandler has the keys that verify them. Unset is that of the context.
	JWTHandler *JWTHandlerSpec `json:"jwtHandler" alt:"JWTHandler"`
}

// PKCEMethod is how the verifier of PKCE becomes the challenge.
type PKCEMethod string

// Values lists the methods in the order of their numbers.
func (PKCEMethod) Values() []string { return []string{"S256", "Plain"} }

// ResponseMode is how signed answers come.
type ResponseMode string

// Values lists the modes in the order of their numbers.
func (ResponseMode) Values() []string {
	return []string{"ResponseModeJWT", "ResponseModeQueryJWT", "ResponseModeFragmentJWT", "ResponseModeFormPostJWT"}
}

// check reports what can't work, or isn't safe. all is what it's a part of.
func (s *AuthorizationCodeHandler) check(c *Check, all *OAuthAuthenticationHandlerSpec) {
	s.checkPaths(c)
	for i := range all.Contexts {
		o := &all.Contexts[i]
		o.need(c, &o.Provider.Endpoints.Authorization, "authorization")
		if isSet(c, &s.UserInfoPath) {
			o.need(c, &o.Provider.Endpoints.Userinfo, "userinfo")
		}
		if s.PushRequests || c.Deferred(&s.PushRequests) {
			o.need(c, &o.Provider.Endpoints.PushedAuthorization, "pushedAuthorization")
		}
	}
	for i, p := range s.URLParams {
		if name, _, ok := strings.Cut(p, "="); !ok || name == "" {
			c.Errorf(&s.URLParams[i], diag.BadValue, "%q must be a name and a value, like prompt=login", p)
		}
	}
	if r := s.RequestObject; r != nil {
		r.check(c)
		if s.PushRequests && !c.Deferred(&s.PushRequests) && isSet(c, &r.RequestURI) {
			c.Warnf(&r.RequestURI, diag.NoEffect, "with pushRequests, requestURI has no effect: what is pushed holds the request object")
		}
	}
	if s.JARM != nil {
		if s.JARM.ResponseMode == "ResponseModeFragmentJWT" {
			c.Errorf(&s.JARM.ResponseMode, diag.BadValue, "browsers send nothing of a fragment to a server; use ResponseModeQueryJWT or ResponseModeFormPostJWT")
		}
		s.JARM.JWTHandler.checkVerifying(c)
	}
	s.checkTies(c)
}

// checkTies warns where what comes back from the provider isn't tied to what was sent.
func (s *AuthorizationCodeHandler) checkTies(c *Check) {
	known := func(p *bool) bool { return *p && !c.Deferred(p) }
	plain := s.PKCEMethod == "Plain"
	switch {
	case known(&s.DisableState) && known(&s.DisablePKCE):
		c.Warnf(&s.DisableState, diag.Insecure, "without state and PKCE, another site can log people in as somebody else")
	case known(&s.EnabledFAPI) && known(&s.DisableState):
		c.Warnf(&s.DisableState, diag.Insecure, "FAPI asks for a state")
	}
	switch {
	case known(&s.DisablePKCE) && (plain || c.IsSet(&s.PKCEMethod)):
		c.Warnf(&s.PKCEMethod, diag.NoEffect, "with disablePKCE, pkceMethod has no effect")
	case known(&s.EnabledFAPI) && known(&s.DisablePKCE):
		c.Warnf(&s.DisablePKCE, diag.Insecure, "FAPI asks for PKCE with S256")
	case plain:
		c.Warnf(&s.PKCEMethod, diag.Insecure, "with Plain, whoever sees the authorization request can use the code; S256 is there to be used")
	}
	if known(&s.EnabledFAPI) && known(&s.DisableNonce) {
		c.Warnf(&s.DisableNonce, diag.Insecure, "FAPI asks for a nonce")
	}
}

// checkPaths reports URLs and paths that are none, or that shadow each other.
func (s *AuthorizationCodeHandler) checkPaths(c *Check) {
	callback := checkOwnURL(c, &s.CallbackURL)
	if u, err := url.Parse(s.CallbackURL); err == nil && u.Scheme == "http" && !c.Deferred(&s.CallbackURL) && !isLocal(net.JoinHostPort(u.Hostname(), portOf(u))) {
		c.Warnf(&s.CallbackURL, diag.Insecure, "without TLS, anybody between people and %s sees the codes and the sessions; use https", u.Host)
	}
	for _, p := range []struct {
		name string
		p    *string
	}{{"loginPath", &s.LoginPath}, {"userInfoPath", &s.UserInfoPath}, {"redirectPath", &s.RedirectPath}} {
		switch {
		case *p.p == "":
		case !strings.HasPrefix(*p.p, "/") || strings.HasPrefix(*p.p, "//") || strings.ContainsAny(*p.p, "\\ \t\r\n"):
			c.Errorf(p.p, diag.BadValue, "%s %q must be a path, which begins with one slash", p.name, *p.p)
		case *p.p == callback && p.p != &s.RedirectPath:
			c.Errorf(p.p, diag.BadValue, "%s is the path of the callbackURL, too", p.name)
		}
	}
	if at := s.RedirectPath; strings.HasPrefix(at, "/") && (at == s.LoginPath || at == callback) {
		c.Errorf(&s.RedirectPath, diag.BadValue, "people who have logged in are sent from %s to the redirectPath, which is the same: they would go round in circles", at)
	}
	switch {
	case !s.RedirectToLogin || c.Deferred(&s.RedirectToLogin):
	case !isSet(c, &s.LoginPath):
		c.Warnf(&s.RedirectToLogin, diag.NoEffect, "without a loginPath, redirectToLogin has no effect")
	case s.UnauthorizeAny:
		c.Warnf(&s.UnauthorizeAny, diag.NoEffect, "with redirectToLogin, unauthorizeAny has no effect")
	}
}

// checkOwnURL reports a URL of the gateway that is none, and returns its path.
func checkOwnURL(c *Check, p *string) (path string) {
	if *p == "" || c.Deferred(p) {
		return ""
	}
	u, err := url.Parse(*p)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		c.Errorf(p, diag.BadURL, "%q must be an absolute URL, like https://example.com/callback", *p)
		return ""
	}
	if u.Fragment != "" {
		c.Errorf(p, diag.BadURL, "%q must not have a fragment", *p)
	}
	return u.Path
}

func (s *AuthorizationRequestObject) check(c *Check) {
	if path := checkOwnURL(c, &s.RequestURI); path == "" && s.RequestURI != "" && !c.Deferred(&s.RequestURI) {
		c.Errorf(&s.RequestURI, diag.BadURL, "%q must have a path", s.RequestURI)
	}
	s.JWTHandler.checkSigning(c)
	if s.JWTHandler != nil && !s.JWTHandler.signs() {
		c.Errorf(s.JWTHandler, diag.MissingField, "request objects are signed: jwtHandler needs a key in privateKeys")
	}
	if s.DisableCache && s.RequestURI == "" {
		c.Warnf(&s.DisableCache, diag.NoEffect, "without a requestURI, disableCache has no effect")
	}
}

// lowerCode returns the authenticator of an authorizationCodeHandler. base sets its field OAuth.
func (s *OAuthAuthenticationHandlerSpec) lowerCode(l *Lower, base ir.Field) ir.Expr {
	return s.AuthorizationCodeHandler.lower(l, base)
}

func (s *AuthorizationCodeHandler) lower(l *Lower, base ir.Field) ir.Expr {
	var patterns ir.Expr
	if s.RedirectPathPattern != "" && s.RedirectPathPattern != redirectAnywhere {
		patterns = lowerSearches(l, []string{s.RedirectPathPattern})
	}
	return l.Try("oauth/authcode.New", l.Struct("oauth/authcode.Options",
		base,
		ir.Set("DisableState", l.Bool(&s.DisableState)),
		ir.Set("DisableNonce", l.Bool(&s.DisableNonce)),
		ir.Set("DisablePKCE", l.Bool(&s.DisablePKCE)),
		ir.Set("PlainPKCE", ir.Bool(s.PKCEMethod == "Plain")),
		ir.Set("CallbackURL", l.String(&s.CallbackURL)),
		ir.Set("LoginPath", l.String(&s.LoginPath)),
		ir.Set("RedirectPath", l.String(&s.RedirectPath)),
		ir.Set("RedirectKey", l.ifSet(&s.RedirectKey, l.String(&s.RedirectKey))),
		ir.Set("RedirectPatterns", patterns),
		ir.Set("RedirectToLogin", l.Bool(&s.RedirectToLogin)),
		ir.Set("UnauthorizeAny", l.Bool(&s.UnauthorizeAny)),
		ir.Set("RestoreRequest", l.Bool(&s.RestoreRequest)),
		ir.Set("URLParams", l.Strings(s.URLParams)),
		ir.Set("UserInfoPath", l.String(&s.UserInfoPath)),
		ir.Set("FAPI", l.Bool(&s.EnabledFAPI)),
		ir.Set("Push", l.Bool(&s.PushRequests)),
		ir.Set("RequestObject", s.RequestObject.lower(l)),
		ir.Set("JARM", s.JARM.lower(l))))
}

// lower returns the *authcode.RequestObject, or nil.
func (s *AuthorizationRequestObject) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	return ir.Struct{Type: ir.Runtime("oauth/authcode.RequestObject"), Pointer: true, Fields: []ir.Field{
		ir.Set("URI", l.String(&s.RequestURI)),
		ir.Set("Keys", s.JWTHandler.lower(l)),
		ir.Set("Lifetime", l.Seconds(&s.Exp)),
		ir.Set("NotBefore", l.Seconds(&s.Nbf)),
		ir.Set("DisableCache", l.Bool(&s.DisableCache)),
	}}
}

// lower returns the *authcode.JARM, or nil.
func (s *AuthorizationResponseJARM) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	var mode ir.Expr
	switch s.ResponseMode {
	case "ResponseModeQueryJWT":
		mode = ir.Runtime("oauth/authcode.QueryJWT")
	case "ResponseModeFormPostJWT":
		mode = ir.Runtime("oauth/authcode.FormPostJWT")
	}
	return ir.Struct{Type: ir.Runtime("oauth/authcode.JARM"), Pointer: true, Fields: []ir.Field{
		ir.Set("Mode", mode),
		ir.Set("Keys", s.JWTHandler.lower(l)),
	}}
}
