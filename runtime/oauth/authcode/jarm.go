package authcode

import (
	"context"
	"fmt"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// A ResponseMode is how the provider has the client bring a signed response.
type ResponseMode string

// The modes. There is a fourth, fragment.jwt, by which no response ever comes to a server.
const (
	JWT         ResponseMode = "jwt" // that of the provider's choice, for a code by the query
	QueryJWT    ResponseMode = "query.jwt"
	FormPostJWT ResponseMode = "form_post.jwt"
)

// JARM are signed responses (JWT Secured Authorization Response Mode for OAuth 2.0). Others aren't accepted then.
type JARM struct {
	Mode ResponseMode // empty is JWT
	// Keys verify responses. Without any it's those of the context that do.
	Keys jwt.Options
}

// responses verifies responses.
type responses struct {
	mode ResponseMode
	keys *jwt.Handler
}

// newResponses has sets of keys fetched as those of contexts are, if nothing else is said.
func newResponses(o *JARM, base *oauth.Options) (*responses, error) {
	k := o.Keys
	if k.Transport == nil {
		k.Transport = base.Transport
	}
	if k.Logger == nil {
		k.Logger = base.Logger
	}
	keys, err := jwt.New(k)
	if err != nil {
		return nil, fmt.Errorf("authcode: the keys of signed responses: %w", err)
	}
	r := &responses{mode: o.Mode, keys: keys}
	switch o.Mode {
	case "":
		r.mode = JWT
	case JWT, QueryJWT, FormPostJWT:
	default:
		return nil, fmt.Errorf("authcode: no response can come by the mode %q", o.Mode)
	}
	return r, nil
}

// stateOf returns the state that a response names, which isn't verified yet: it's by the state that it's known whose keys do that.
func stateOf(response string) string {
	said, _ := jwt.ParseUnverified(response)
	return said.Text("state")
}

// verify makes got what the signed response says.
func (r *responses) verify(ctx context.Context, c *oauth.Context, got *answer) error {
	issuer, err := c.Issuer(ctx)
	if err != nil {
		return err
	}
	keys := r.keys
	if !keys.HasKeys() {
		keys = c.Keys()
	}
	v := jwt.Validation{Issuer: issuer, Audience: c.Audience(), Leeway: leeway}
	said, err := keys.Validate(ctx, got.response, &v)
	switch away := oauth.KeysAway(err); {
	case away != nil:
		return away
	case err != nil:
		return invalid("the signed response of the provider isn't valid", err)
	}
	*got = answer{
		code: said.Text("code"), state: said.Text("state"), issuer: said.Text("iss"),
		problem: said.Text("error"), details: said.Text("error_description"), signed: true,
	}
	return nil
}

// leeway is by how much the clock of the provider may differ.
const leeway = 5 * time.Second
