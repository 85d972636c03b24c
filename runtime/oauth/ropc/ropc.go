// Package ropc takes names and passwords of clients to a provider (RFC 6749, section 4.3), and keeps the tokens that it issues for
// them in their sessions.
package ropc

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
	"github.com/aileron-gateway/aileronc/runtime/internal/reread"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// Options are the settings of an Authenticator.
type Options struct {
	OAuth oauth.Options
	// RedeemTokenPath is a path at which the answer are the tokens. Empty is none.
	RedeemTokenPath string
	// UsernameKey and PasswordKey are the fields of a form with the name and the password. Unless both are set, those of Basic authentication (RFC 7617) are
	// taken.
	UsernameKey, PasswordKey string
}

// An Authenticator knows clients by names and passwords that a provider knows. Initialize and Finalize are those of its contexts.
type Authenticator struct {
	*oauth.Contexts
	options Options
}

// New returns an Authenticator. It fails if a key can't be read, or a URL is none.
func New(o Options) (*Authenticator, error) {
	contexts, err := oauth.New(o.OAuth)
	if err != nil {
		return nil, err
	}
	return &Authenticator{contexts, o}, nil
}

// sessionKey is the name of the tokens in a session.
const sessionKey = "_ropc"

// Authenticate looks for tokens in the session of x, and else for name and password in its request.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	s, err := session.Of(x)
	switch {
	case errors.Is(err, session.ErrNone):
		return authn.Absent, nil
	case err != nil:
		return authn.Failed, err
	}
	c := a.Select(x)
	if c == nil {
		return authn.Absent, nil
	}
	tokens, r, err := a.kept(x, s, c)
	switch {
	case err != nil:
		return authn.Failed, err
	case r == nil:
		return a.login(x, s, c)
	case a.redeems(x):
		known := r.Claims() // who reads the answer of AILERON Gateway looks for them
		maps.Copy(known, tokens.Response())
		return answer(x, 200, jsonval.Append(nil, known)), nil
	}
	c.Accept(x, r)
	return authn.Accepted, nil
}

// Challenge adds nothing, so that browsers don't ask for passwords that would be sent with each request.
func (a *Authenticator) Challenge(*gateway.Header, error) {}

// redeems reports whether the answer are the tokens.
func (a *Authenticator) redeems(x *gateway.Exchange) bool {
	return a.options.RedeemTokenPath != "" && x.Request.Path == a.options.RedeemTokenPath
}

// kept returns the tokens in the session if they are valid; else r is nil.
func (a *Authenticator) kept(x *gateway.Exchange, s *session.Session, c *oauth.Context) (t oauth.Tokens, r *oauth.Result, err error) {
	value, ok := s.Get(sessionKey)
	if !ok {
		return t, nil, nil
	}
	if t, err = oauth.ParseTokens(value); err != nil || t.Context != c.Name() {
		return t, nil, nil
	}
	r, err = c.Validate(oauth.ContextOf(x), &t, "")
	switch {
	case err == nil && t.Changed():
		s.Set(sessionKey, t.Append(nil))
	case err != nil && gateway.StatusOf(err) == 401:
		s.Delete(sessionKey) // name and password may help
		return t, nil, nil
	}
	return t, r, err
}

// login takes name and password to the provider.
func (a *Authenticator) login(x *gateway.Exchange, s *session.Session, c *oauth.Context) (authn.Outcome, error) {
	name, password, err := a.credentials(x)
	switch {
	case err != nil:
		return authn.Failed, err
	case name == "" || password == "":
		return authn.Refused, &gateway.Error{Status: 401, Code: "E3056", Kind: "AppAuthnInvalidCredential", Message: "there is no name and password in the request"}
	}
	ctx := oauth.ContextOf(x)
	tokens, said, err := c.Redeem(ctx, url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}, "scope": {c.Scope()}})
	if err != nil {
		if a.redeems(x) && said != nil && said.Values != nil && said.Status >= 400 {
			return answer(x, said.Status, said.Body), nil
		}
		return refused(err)
	}
	r, err := c.Validate(ctx, &tokens, "")
	if err != nil {
		return refused(err)
	}
	s.Regenerate() // whoever has given the client its session has no share in the login
	s.Set(sessionKey, tokens.Append(nil))
	if a.redeems(x) {
		return answer(x, 200, said.Body), nil
	}
	c.Accept(x, r)
	return authn.Accepted, nil
}

// refused tells refusals from failures.
func refused(err error) (authn.Outcome, error) {
	if gateway.StatusOf(err) == 401 {
		return authn.Refused, err
	}
	return authn.Failed, err
}

// answer makes body the answer. It holds tokens, perhaps, which nobody is to keep on the way (RFC 6749, section 5.1).
func answer(x *gateway.Exchange, status int, body []byte) authn.Outcome {
	r := &x.Response
	r.Status, r.Bytes = status, body
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Cache-Control", "no-store")
	return authn.Answered
}

// maxForm is how long a form may be.
const maxForm = 1 << 20

// credentials returns name and password in the request; they are empty if there are none.
func (a *Authenticator) credentials(x *gateway.Exchange) (name, password string, err error) {
	if a.options.UsernameKey == "" || a.options.PasswordKey == "" {
		name, password = basic(x)
		return name, password, nil
	}
	if x.Request.Method != "POST" || !reread.IsMediaType(&x.Request, reread.Form) {
		return "", "", nil
	}
	b, err := reread.All(&x.Request, maxForm)
	if err != nil {
		return "", "", unreadable(err)
	}
	form := string(b)
	name, _ = query.Get(form, a.options.UsernameKey)
	password, _ = query.Get(form, a.options.PasswordKey)
	return name, password, nil
}

func unreadable(err error) error {
	e := &gateway.Error{Status: 400, Code: "E3056", Kind: "AppAuthnInvalidCredential", Message: "the form can't be read", Cause: err}
	switch {
	case errors.Is(err, reread.ErrTooLong) || errors.Is(err, gateway.ErrTooLarge):
		e.Status = 413
	case gateway.IsTimeout(err):
		e.Status = 408
	}
	return e
}

// basic returns name and password of Basic authentication.
func basic(x *gateway.Exchange) (name, password string) {
	value, _, single := authn.Header(x, "Authorization")
	encoded, ok := authn.CutScheme(value, "Basic")
	if !ok || !single {
		return "", ""
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", ""
	}
	name, password, _ = strings.Cut(string(b), ":")
	return name, password
}
