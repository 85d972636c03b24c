// Package authcode logs people in at an OpenID provider, by the authorization code flow (RFC 6749, section 4.1, and OpenID Connect Core 1.0,
// section 3.1), and keeps their tokens in sessions.
//
// A client without tokens is sent to the provider, and comes back with a code, for which the gateway gets the tokens.
// What ties the way back to the way there is kept for each attempt of its own, so that several tabs don't disturb each other: state,
// nonce, the verifier of PKCE (RFC 7636), the context, and where the client wanted to go.
package authcode

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// Options are the settings of a Handler.
type Options struct {
	// OAuth are the providers and the clients at them.
	OAuth oauth.Options
	// DisableState, DisableNonce and DisablePKCE leave something out that ties the answer of the provider to the session. Each of them
	// is there because it has been exploited that it wasn't.
	DisableState, DisableNonce, DisablePKCE bool
	// PlainPKCE sends the verifier itself instead of its hash: who sees the request can use the code.
	PlainPKCE bool
	// CallbackURL is where the provider sends clients back to, an absolute URL.
	CallbackURL string
	// LoginPath is a path that begins a login; empty is none.
	LoginPath string
	// RedirectPath is where clients go after the login, if they don't say; empty is where they came from.
	RedirectPath string
	// RedirectKey is the name of the parameter by which they say it in the query of the request that begins the login; empty is "rd".
	RedirectKey string
	// RedirectPatterns are what that has to match; none is any path. Other sites can't be named.
	RedirectPatterns []match.Matcher
	// RedirectToLogin sends clients to LoginPath instead of the provider.
	RedirectToLogin bool
	// UnauthorizeAny doesn't send them anywhere, but for LoginPath.
	UnauthorizeAny bool
	// RestoreRequest keeps the request that begins a login, with its body, and answers it after that.
	RestoreRequest bool
	// URLParams are further parameters of authorization requests: "prompt=login".
	URLParams []string
	// UserInfoPath answers with what the provider tells about the user; empty is none.
	UserInfoPath string
	// Push has authorization requests pushed to the provider by the gateway itself (RFC 9126). If the provider requires it, they are in any case.
	Push bool
	// FAPI refuses access tokens that aren't bound to the certificate by which the client authenticates itself, if it does (RFC 8705, section 3).
	FAPI bool
	// RequestObject has authorization requests signed (RFC 9101); nil doesn't.
	RequestObject *RequestObject
	// JARM has the provider sign its responses; nil doesn't.
	JARM *JARM
}

// A Handler is an [authn.Authenticator] whose clients log in at a provider. It needs a session. Initialize and Finalize are those of its contexts.
type Handler struct {
	*oauth.Contexts
	Options
	callbackPath string
	requestPath  string        // of the URI of request objects
	extra        params        // URLParams
	maxAge       time.Duration // that one of them asks for, -1 if none does
	objects      *objects
	jarm         *responses
	valid        cache

	// The names of values in the session. They depend on the callback URL, so that handlers with different ones have logins of their own.
	tokensKey, savedKey, restoreKey string
}

var _ authn.Restorer = (*Handler)(nil)

// New returns a Handler. It fails if a URL is none, or keys can't be read.
func New(o Options) (*Handler, error) {
	u, err := url.Parse(o.CallbackURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("authcode: the callback URL %q isn't one of http or https with a host", o.CallbackURL)
	}
	h := &Handler{Options: o, callbackPath: cmp.Or(u.Path, "/"), maxAge: -1, valid: newCache()}
	h.RedirectKey = cmp.Or(o.RedirectKey, "rd")
	for _, p := range o.URLParams {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("authcode: the parameter %q isn't like name=value", p)
		}
		h.extra.add(name, value)
		if n, err := strconv.ParseUint(value, 10, 31); name == "max_age" && err == nil {
			h.maxAge = time.Duration(n) * time.Second
		}
	}
	if o.RedirectPath != "" && !localTarget(o.RedirectPath) {
		return nil, fmt.Errorf("authcode: the redirect path %q isn't a path of this site", o.RedirectPath)
	}
	if o.RequestObject != nil {
		if h.objects, h.requestPath, err = newObjects(o.RequestObject); err != nil {
			return nil, err
		}
		h.objects.h = h
	}
	if o.JARM != nil {
		if h.jarm, err = newResponses(o.JARM, &o.OAuth); err != nil {
			return nil, err
		}
	}
	if h.Contexts, err = oauth.New(o.OAuth); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(o.CallbackURL))
	suffix := " " + base64.RawURLEncoding.EncodeToString(sum[:6])
	h.tokensKey, h.savedKey, h.restoreKey = "__authzCode"+suffix, "__sec_request__"+suffix, "__sec_restore__"+suffix
	return h, nil
}

// Restores reports whether requests are restored after the login.
func (h *Handler) Restores() bool { return h.RestoreRequest }

// Challenge adds nothing: there is no scheme for a login in a browser.
func (h *Handler) Challenge(*gateway.Header, error) {}

// Authenticate accepts clients that have logged in, and sends others to the provider.
func (h *Handler) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	path := x.Request.Path
	if h.requestPath != "" && path == h.requestPath {
		return h.serveObject(x) // the provider asks, who has no session
	}
	s, err := session.Of(x)
	switch {
	case errors.Is(err, session.ErrNone):
		return authn.Absent, nil
	case err != nil:
		return authn.Failed, err
	}
	l, err := h.validate(x, s)
	if err != nil {
		return authn.Failed, err
	}
	switch {
	case path == h.callbackPath && (l == nil || h.isAnswer(x)):
		return h.callback(x, s, l != nil)
	case l == nil:
		return h.unknown(x, s)
	case path == h.LoginPath && path != "", path == h.callbackPath:
		return h.redirect(x, h.home(x))
	}
	return h.known(x, s, l)
}

// known lets a client pass who has logged in.
func (h *Handler) known(x *gateway.Exchange, s *session.Session, l *login) (authn.Outcome, error) {
	if h.UserInfoPath != "" && x.Request.Path == h.UserInfoPath {
		return h.userinfo(x, l)
	}
	if h.RestoreRequest {
		h.restorePending(x, s)
	}
	l.context.Accept(x, l.Result)
	return authn.Accepted, nil
}

// unknown begins a login.
func (h *Handler) unknown(x *gateway.Exchange, s *session.Session) (authn.Outcome, error) {
	c := h.Select(x)
	if c == nil {
		return authn.Absent, nil
	}
	atLogin := x.Request.Path == h.LoginPath && h.LoginPath != ""
	switch {
	case atLogin:
	case scripted(x.Request.Header):
		return authn.Absent, nil
	case h.RedirectToLogin && h.LoginPath != "":
		return h.redirect(x, h.LoginPath)
	case h.UnauthorizeAny:
		return authn.Absent, nil
	}
	target := h.target(x, atLogin)
	if !h.allowed(target) {
		return authn.Failed, invalid("the target of the login isn't one that is allowed", nil)
	}
	now := time.Now()
	a := newAttempt(c.Name(), target, now)
	to, err := h.authorization(x, c, a)
	if err != nil {
		return authn.Failed, err
	}
	if h.RestoreRequest && !atLogin && !forged(&x.Request) {
		if err := h.save(x, s, a); err != nil {
			return authn.Failed, err
		}
	}
	if err := h.add(s, a, now); err != nil {
		return authn.Failed, err
	}
	return h.redirect(x, to)
}

// maxTarget is how long a target may be, so that it fits into a cookie with the rest of an attempt. Longer ones are replaced by the start.
const maxTarget = 1500

// target is where the client of x goes after the login.
func (h *Handler) target(x *gateway.Exchange, atLogin bool) string {
	q := &x.Request
	if rd, ok := queryValue(q.RawQuery, h.RedirectKey); ok && rd != "" {
		return rd
	}
	if h.RedirectPath != "" || atLogin {
		return cmp.Or(h.RedirectPath, "/")
	}
	target := q.RawPath
	if q.RawQuery != "" {
		target += "?" + q.RawQuery
	}
	if len(target) > maxTarget {
		return "/"
	}
	return cmp.Or(target, "/")
}

// allowed reports whether clients may be sent to target.
func (h *Handler) allowed(target string) bool {
	if !localTarget(target) || len(target) > maxTarget {
		return false
	}
	for _, m := range h.RedirectPatterns {
		if m.Match(target) {
			return true
		}
	}
	return len(h.RedirectPatterns) == 0
}

// home is where clients go that have logged in already.
func (h *Handler) home(x *gateway.Exchange) string {
	if rd, ok := queryValue(x.Request.RawQuery, h.RedirectKey); ok && x.Request.Path == h.LoginPath && h.allowed(rd) {
		return rd
	}
	return cmp.Or(h.RedirectPath, "/")
}

// redirect answers with a 302 that nobody keeps.
func (h *Handler) redirect(x *gateway.Exchange, to string) (authn.Outcome, error) {
	p := &x.Response
	p.Status, p.Bytes = 302, nil
	p.Header.Set("Location", asciiTarget(to))
	p.Header.Set("Content-Type", "text/plain; charset=utf-8")
	p.Header.Set("X-Content-Type-Options", "nosniff")
	p.Header.Set("Cache-Control", "no-store")
	return authn.Answered, nil
}

// invalid is the error of a request that can't be what the provider, or a page of this site, has had the client send.
func invalid(message string, cause error) error {
	return &gateway.Error{Status: 401, Code: "E3057", Kind: "AppAuthnInvalidParameters", Message: message, Cause: cause}
}
