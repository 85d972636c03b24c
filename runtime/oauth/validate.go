package oauth

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// ErrReauthenticate is the reason of the error of tokens that aren't valid any more, or never were, and can't be refreshed: errors.Is tells. Then the
// client has to be authenticated anew.
var ErrReauthenticate = errors.New("authn/oauth: authentication required")

// reauthenticate is the error of tokens that aren't valid.
func reauthenticate(why error) error { return &gateway.Error{Status: 401, Cause: needed{why}} }

type needed struct{ why error }

func (e needed) Error() string        { return ErrReauthenticate.Error() + ": " + e.why.Error() }
func (e needed) Unwrap() error        { return e.why }
func (e needed) Is(target error) bool { return target == ErrReauthenticate }

// refreshable is the error of tokens that aren't valid, but new ones might be.
type refreshable struct{ why error }

func (e refreshable) Error() string { return e.why.Error() }
func (e refreshable) Unwrap() error { return e.why }

func isRefreshable(err error) bool {
	_, ok := errors.AsType[refreshable](err)
	return ok
}

// Validate returns what the tokens say, if they are valid. If they aren't, and can be refreshed, that is done, and t is changed: who keeps it has to
// keep it again, whether Validate succeeds or not, if [Tokens.Changed] says so. nonce is what the ID token has to have; it's empty if none was asked for.
//
// The error is one to refuse the request by: a 401, of which ErrReauthenticate is the reason if logging in anew helps; a 500 if the provider fails;
// or a 503 if it isn't discovered yet.
func (c *Context) Validate(ctx context.Context, t *Tokens, nonce string) (*Result, error) {
	if t.Empty() {
		return nil, reauthenticate(errors.New("there are no tokens"))
	}
	r, err := c.check(ctx, t, nonce)
	if err == nil || !isRefreshable(err) {
		return r, err
	}
	if t.Refresh == "" {
		return nil, reauthenticate(err)
	}
	return c.Refresh(ctx, t)
}

// Refresh replaces t by new tokens, which it validates, as Validate does when they aren't valid.
func (c *Context) Refresh(ctx context.Context, t *Tokens) (*Result, error) {
	if err := c.refresh(ctx, t); err != nil {
		return nil, err
	}
	r, err := c.check(ctx, t, "")
	if isRefreshable(err) {
		return nil, reauthenticate(err)
	}
	return r, err
}

// check validates the tokens as they are.
func (c *Context) check(ctx context.Context, t *Tokens, nonce string) (*Result, error) {
	r := &Result{Context: c.options.Name}
	var err error
	if t.Access != "" {
		if r.AccessClaims, err = c.checkAccess(ctx, t); err != nil {
			return nil, err
		}
	}
	if t.ID != "" {
		if r.IDClaims, err = c.checkID(ctx, t, nonce); err != nil {
			return nil, err
		}
	}
	if !t.validated {
		t.validated = true
		t.changed = t.changed || c.options.Access.SkipUnexpired || c.options.ID.SkipUnexpired // which needs to know
	}
	r.Tokens = *t
	return r, nil
}

var (
	errOpaque = errors.New("the access token is no JWT, and isn't introspected")
	errOld    = errors.New("the access token has expired")
)

// checkAccess returns the claims of the access token.
func (c *Context) checkAccess(ctx context.Context, t *Tokens) (jwt.Claims, error) {
	v := &c.options.Access
	if v.SkipUnexpired && t.restored && t.validated {
		said := t.said
		if said == nil {
			said, _ = jwt.ParseUnverified(t.Access)
		}
		if unexpired(said, v.Leeway) {
			return said, nil
		}
	}
	switch {
	case c.options.Introspect:
		said, err := c.introspect(ctx, t.Access)
		if v.SkipUnexpired && err == nil {
			t.said, t.changed = said, true
		}
		return said, err
	case strings.Count(t.Access, ".") != 2:
		return nil, c.checkOpaque(t)
	}
	m, err := c.knownKeys(ctx)
	if err != nil {
		return nil, err
	}
	said, err := c.keys.Validate(ctx, t.Access, &m.access)
	switch {
	case err == nil:
		return said, nil
	case !jwt.Looks(t.Access): // with dots by chance
		return nil, c.checkOpaque(t)
	}
	if away := KeysAway(err); away != nil {
		return nil, away
	}
	return nil, refreshable{err}
}

// checkOpaque checks an access token that only the provider understands. It's fine as long as the provider has said, if it came from there just now,
// or together with an ID token that tells who it's for.
func (c *Context) checkOpaque(t *Tokens) error {
	switch {
	case t.restored && t.ID == "":
		return refreshable{errOpaque}
	case !t.Expires.IsZero() && !time.Now().Before(t.Expires.Add(c.options.Access.Leeway)):
		return refreshable{errOld}
	}
	return nil
}

func unexpired(c jwt.Claims, leeway time.Duration) bool {
	exp, ok, _ := c.Time("exp")
	return ok && float64(time.Now().Unix()) < exp+leeway.Seconds()
}

var (
	errAuthorized = errors.New("the ID token is for another client, by azp")
	errNonce      = errors.New("the nonce of the ID token isn't the one that was sent")
)

// checkID returns the claims of the ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (c *Context) checkID(ctx context.Context, t *Tokens, nonce string) (jwt.Claims, error) {
	if c.options.ID.SkipUnexpired && t.restored && t.validated && nonce == "" {
		if said, _ := jwt.ParseUnverified(t.ID); unexpired(said, c.options.ID.Leeway) {
			return said, nil
		}
	}
	m, err := c.knownKeys(ctx)
	if err != nil {
		return nil, err
	}
	said, err := c.keys.Validate(ctx, t.ID, &m.id)
	switch away := KeysAway(err); {
	case away != nil:
		return nil, away
	case errors.Is(err, jwt.ErrExpired):
		return nil, refreshable{err}
	case err != nil:
		return nil, invalidToken(err)
	}
	_, several := said["azp"]
	if several || len(said.Audiences()) > 1 {
		// Some are for the audience that the client shares with others.
		if azp := said.Text("azp"); azp == "" || azp != c.options.Client.ID && azp != m.id.Audience {
			return nil, invalidToken(errAuthorized)
		}
	}
	if nonce != "" && said.Text("nonce") != nonce {
		return nil, invalidToken(errNonce)
	}
	return said, nil
}

func invalidToken(why error) error {
	return &gateway.Error{Status: 401, Code: "E3055", Kind: "AppAuthnInvalidToken", Message: "the ID token is not valid", Cause: why}
}

// knownKeys returns what is known of the provider, once that is enough to validate its tokens.
func (c *Context) knownKeys(ctx context.Context) (*metadata, error) {
	anyIssuer := c.options.Access.Issuer != "" && c.options.ID.Issuer != ""
	return c.known(ctx, func(m *metadata) bool { return c.keys.HasKeys() && (m.issuer != "" || anyIssuer) })
}

var errInactive = errors.New("the provider says that it isn't active")

// introspect asks the provider about an access token (RFC 7662). Each time: that it has been revoked is what it's asked for.
func (c *Context) introspect(ctx context.Context, token string) (jwt.Claims, error) {
	answer, err := c.post(ctx, &c.options.Introspector, IntrospectionEndpoint, url.Values{"token": {token}})
	if err != nil {
		if e, ok := gateway.AsError(err); ok && e.Status == 503 {
			return nil, err
		}
		return nil, &gateway.Error{Status: 500, Code: "E3054", Kind: "AppAuthnIntrospection", Message: "the token can't be introspected", Cause: err}
	}
	if answer.Status != 200 {
		return nil, answer.refusal("E3054", "AppAuthnIntrospection", "the token can't be introspected")
	}
	said := jwt.Claims(answer.Values)
	if active, _ := said["active"].(bool); !active {
		return nil, refreshable{errInactive}
	}
	if err := c.introspected().Check(said, time.Now()); err != nil {
		return nil, refreshable{err}
	}
	return said, nil
}

// introspected is what the provider has to say of an active token. Who it's of and for counts only if the settings for access tokens say so, since
// providers needn't tell.
func (c *Context) introspected() *jwt.Validation {
	v := &c.options.Access
	return &jwt.Validation{Issuer: unlessAny(v.Issuer), Audience: unlessAny(v.Audience), ExpOptional: true, IATDisabled: v.IATDisabled, Leeway: v.Leeway}
}

func unlessAny(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// Accept puts the claims of r, and the headers by which the upstream of x gets the tokens. Those that a client has sent by the same names
// don't get there.
func (c *Context) Accept(x *gateway.Exchange, r *Result) {
	claims.Put(x, c.options.ClaimsKey, r)
	forward(x, c.options.AccessHeader, r.Tokens.Access)
	forward(x, c.options.IDHeader, r.Tokens.ID)
}

func forward(x *gateway.Exchange, name, token string) {
	switch {
	case name == "":
	case token == "":
		x.Request.Header.Del(name)
	default:
		x.Upstream.Set(name, token)
	}
}
