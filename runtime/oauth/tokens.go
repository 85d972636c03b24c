package oauth

import (
	"errors"
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// Tokens are what a provider has issued. The zero value is none.
type Tokens struct {
	ID, Access, Refresh string
	// Context is the name of the context whose provider has issued them.
	Context string
	// Expires is when the access token expires, as the provider has said; zero if it hasn't.
	Expires time.Time
	// Scope is what the access token is for, if that isn't what was asked for.
	Scope string

	// restored means that the tokens don't come from the provider just now, but from somewhere else.
	restored bool
	// validated says that they were valid when they were stored, and said is what the provider has said about the access token then.
	validated bool
	said      jwt.Claims
	changed   bool // by Validate
}

// Presented are tokens that a client has brought: only an access token.
func Presented(access string) Tokens { return Tokens{Access: access, restored: true} }

// Empty reports whether there are no tokens.
func (t *Tokens) Empty() bool { return t.ID == "" && t.Access == "" }

// Changed reports whether Validate has changed t, so that who keeps it has to keep it again.
func (t *Tokens) Changed() bool { return t.changed }

// Append writes t behind b, in the form that ParseTokens reads. It isn't protected: it belongs into a session.
func (t *Tokens) Append(b []byte) []byte {
	m := map[string]any{}
	for _, f := range t.texts() {
		if *f.value != "" {
			m[f.name] = *f.value
		}
	}
	if !t.Expires.IsZero() {
		m["exp"] = t.Expires.Unix()
	}
	if t.validated {
		m["valid"] = true
	}
	if t.said != nil {
		m["at_claims"] = map[string]any(t.said)
	}
	return jsonval.Append(b, m)
}

type textField struct {
	name  string
	value *string
}

func (t *Tokens) texts() []textField {
	return []textField{{"idt", &t.ID}, {"at", &t.Access}, {"rt", &t.Refresh}, {"scope", &t.Scope}, {"context", &t.Context}}
}

var errTokens = errors.New("oauth: these are no tokens that have been stored")

// ParseTokens reads what Append has written.
func ParseTokens(b []byte) (Tokens, error) {
	v, _ := jsonval.Parse(string(b))
	m, ok := v.(map[string]any)
	if !ok {
		return Tokens{}, errTokens
	}
	t := Tokens{restored: true}
	for _, f := range t.texts() {
		*f.value, _ = m[f.name].(string)
	}
	if exp, ok := m["exp"].(float64); ok {
		t.Expires = time.Unix(int64(exp), 0)
	}
	t.validated, _ = m["valid"].(bool)
	if said, ok := m["at_claims"].(map[string]any); ok {
		t.said = said
	}
	return t, nil
}

// Response is t as a provider would answer (RFC 6749, section 5.1).
func (t *Tokens) Response() map[string]any {
	m := map[string]any{"token_type": "Bearer", "access_token": t.Access}
	for name, value := range map[string]string{"id_token": t.ID, "refresh_token": t.Refresh, "scope": t.Scope} {
		if value != "" {
			m[name] = value
		}
	}
	if !t.Expires.IsZero() {
		m["expires_in"] = max(int64(time.Until(t.Expires)/time.Second), 0)
	}
	return m
}

// tokensOf are the tokens in an answer, and whether there are some.
func tokensOf(answer *Answer, now time.Time) (Tokens, bool) {
	t := Tokens{}
	t.ID, _ = answer.Values["id_token"].(string)
	t.Access, _ = answer.Values["access_token"].(string)
	t.Refresh, _ = answer.Values["refresh_token"].(string)
	t.Scope, _ = answer.Values["scope"].(string)
	var seconds float64
	switch in := answer.Values["expires_in"].(type) {
	case float64:
		seconds = in
	case string: // as some providers have it
		seconds, _ = strconv.ParseFloat(in, 64)
	}
	if seconds > 0 && seconds < 1e10 {
		t.Expires = now.Add(time.Duration(seconds * float64(time.Second)))
	}
	return t, !t.Empty()
}

// A Result are tokens that are valid, and what they say. It's a [claims.Source].
type Result struct {
	Context string
	Tokens  Tokens
	// IDClaims and AccessClaims are nil if there is no such token, or if it's one that can't be looked into.
	IDClaims, AccessClaims jwt.Claims
}

// Claims returns the object that policies see: context, idt, idt_exp, idt_claims, at, at_exp, at_claims and rt.
func (r *Result) Claims() map[string]any {
	accessExp := expiry(r.AccessClaims)
	if accessExp == nil && !r.Tokens.Expires.IsZero() {
		accessExp = float64(r.Tokens.Expires.Unix())
	}
	return map[string]any{
		"context":    r.Context,
		"idt":        r.Tokens.ID,
		"idt_exp":    expiry(r.IDClaims),
		"idt_claims": object(r.IDClaims),
		"at":         r.Tokens.Access,
		"at_exp":     accessExp,
		"at_claims":  object(r.AccessClaims),
		"rt":         r.Tokens.Refresh,
	}
}

// expiry is when c says that its token expires, nil if it doesn't.
func expiry(c jwt.Claims) any {
	if exp, ok, _ := c.Time("exp"); ok {
		return exp
	}
	return nil
}

// object is c as encoding/json would have it.
func object(c jwt.Claims) any {
	if c == nil {
		return nil
	}
	return map[string]any(c)
}

// Expires is when the first of the tokens expires, zero if none says so.
func (r *Result) Expires() time.Time {
	first := r.Tokens.Expires
	for _, c := range []jwt.Claims{r.AccessClaims, r.IDClaims} {
		exp, ok, _ := c.Time("exp")
		if at := time.Unix(int64(min(exp, 1e11)), 0); ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
