package authcode

import (
	"bytes"
	"hash/maphash"
	"net/url"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/remember"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// A login is who has logged in, at which provider.
type login struct {
	context *oauth.Context
	*oauth.Result
}

// validate returns the login of a session, nil if there is none that is valid.
func (h *Handler) validate(x *gateway.Exchange, s *session.Session) (*login, error) {
	value, ok := s.Get(h.tokensKey)
	if !ok {
		return nil, nil
	}
	now := time.Now()
	if l := h.valid.get(value, now); l != nil {
		return l, nil
	}
	r := readFields(value)
	c := h.Named(r.field())
	tokens, err := oauth.ParseTokens([]byte(r.rest))
	if c == nil || err != nil {
		s.Delete(h.tokensKey) // of a context that isn't there any more
		return nil, nil
	}
	result, err := c.Validate(oauth.ContextOf(x), &tokens, "")
	l := &login{c, result}
	switch {
	case err == nil && !tokens.Changed():
		h.valid.put(value, l, now)
	case err == nil:
		h.keep(s, l)
	case gateway.StatusOf(err) == 401:
		s.Delete(h.tokensKey) // so that the client can log in again
		return nil, nil
	case tokens.Changed():
		h.keep(s, &login{c, &oauth.Result{Tokens: tokens}}) // they were refreshed all the same
	}
	return l, err
}

// keep keeps the tokens of l in the session.
func (h *Handler) keep(s *session.Session, l *login) {
	s.Set(h.tokensKey, l.Tokens.Append(appendField(nil, l.context.Name())))
}

// redeem gets the tokens for a code.
func (h *Handler) redeem(x *gateway.Exchange, c *oauth.Context, a *attempt, code string) (*login, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {h.CallbackURL}}
	if !h.DisablePKCE {
		form.Set("code_verifier", a.verifier())
	}
	tokens, _, err := c.Redeem(x.Context(), form)
	if err != nil {
		return nil, err
	}
	nonce := ""
	if !h.DisableNonce {
		nonce = a.nonce()
	}
	// New tokens that aren't valid aren't refreshed: it's these that have the nonce.
	refresh := tokens.Refresh
	tokens.Refresh = ""
	r, err := c.Validate(x.Context(), &tokens, nonce)
	if err != nil {
		return nil, err
	}
	r.Tokens.Refresh = refresh
	if h.FAPI && c.UsesCertificate() && !bound(r.AccessClaims) {
		return nil, &gateway.Error{Status: 401, Code: "E3055", Kind: "AppAuthnInvalidToken", Message: "the access token isn't bound to the certificate of the client"}
	}
	if h.maxAge >= 0 && r.IDClaims != nil {
		at, ok, _ := r.IDClaims.Time("auth_time")
		if since := time.Since(time.Unix(int64(at), 0)); !ok || since > h.maxAge+leeway {
			return nil, &gateway.Error{Status: 401, Code: "E3055", Kind: "AppAuthnInvalidToken", Message: "the user has logged in at the provider longer ago than max_age asks for"}
		}
	}
	return &login{c, r}, nil
}

// bound reports whether an access token can only be used together with a certificate. One that can't be looked into has to be trusted.
func bound(said jwt.Claims) bool {
	cnf, _ := said["cnf"].(map[string]any)
	hash, _ := cnf["x5t#S256"].(string)
	return hash != "" || said == nil
}

// userinfo answers with what the provider tells about the user.
func (h *Handler) userinfo(x *gateway.Exchange, l *login) (authn.Outcome, error) {
	body, err := l.context.Userinfo(x.Context(), l.Result)
	if err != nil {
		return authn.Failed, err
	}
	p := &x.Response
	p.Status, p.Bytes = 200, body
	p.Header.Set("Content-Type", "application/json")
	p.Header.Set("X-Content-Type-Options", "nosniff")
	p.Header.Set("Cache-Control", "no-store")
	return authn.Answered, nil
}

// A cache remembers logins that were valid just now, by the hash of the value in the session.
type cache struct {
	seed   maphash.Seed
	logins *remember.Cache[uint64, *cached]
}

type cached struct {
	value []byte
	login *login
	until time.Time
}

func newCache() cache { return cache{maphash.MakeSeed(), remember.New[uint64, *cached](cacheSize)} }

const (
	// cacheSize is how many logins either half of a cache holds.
	cacheSize = 1024
	// cacheTime is how long nobody looks again whether the keys of the provider are still the same.
	cacheTime = 10 * time.Second
)

func (c *cache) get(value []byte, now time.Time) *login {
	e, _ := c.logins.Get(maphash.Bytes(c.seed, value))
	if e == nil || !now.Before(e.until) || !bytes.Equal(e.value, value) {
		return nil
	}
	return e.login
}

// put remembers a login, as long as none of its tokens expires. What has to be asked for each time isn't remembered.
func (c *cache) put(value []byte, l *login, now time.Time) {
	if l.context.Introspects() {
		return
	}
	until := now.Add(cacheTime)
	for _, said := range []interface {
		Time(name string) (float64, bool, error)
	}{l.IDClaims, l.AccessClaims} {
		if exp, ok, _ := said.Time("exp"); ok {
			until = earlier(until, time.Unix(int64(exp), 0))
		}
	}
	if !l.Tokens.Expires.IsZero() {
		until = earlier(until, l.Tokens.Expires)
	}
	if !now.Before(until) {
		return
	}
	c.logins.Put(maphash.Bytes(c.seed, value), &cached{value, l, until})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
