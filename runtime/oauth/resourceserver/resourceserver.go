// Package resourceserver knows clients by the access tokens that they bring (RFC 6750).
package resourceserver

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/uuid"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// Options are the settings of an Authenticator.
type Options struct {
	OAuth oauth.Options
	// HeaderKey is the header that has the token, with or without "Bearer" before it; empty is Authorization.
	HeaderKey string
	// FAPI makes it a resource server of FAPI 1.0: tokens are bound to the certificates of clients (RFC 8705, section 3), and responses have an
	// x-fapi-interaction-id.
	FAPI bool
}

// An Authenticator knows clients by access tokens. Initialize and Finalize are those of its contexts.
type Authenticator struct {
	*oauth.Contexts
	header string
	fapi   bool
}

// New returns an Authenticator. It fails if a key can't be read, or a URL is none.
func New(o Options) (*Authenticator, error) {
	contexts, err := oauth.New(o.OAuth)
	if err != nil {
		return nil, err
	}
	a := &Authenticator{Contexts: contexts, header: o.HeaderKey, fapi: o.FAPI}
	if a.header == "" {
		a.header = "Authorization"
	}
	return a, nil
}

var errSeveral = errors.New("there is more than one header with a token in the request")

// Authenticate validates the token in the request of x.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	value, _, single := authn.Header(x, a.header)
	token, ok := tokenIn(value)
	if !ok {
		return authn.Absent, nil
	}
	if !single {
		return authn.Refused, errSeveral
	}
	c := a.Select(x)
	if c == nil {
		return authn.Absent, nil
	}
	if a.fapi {
		a.identify(x)
	}
	tokens := oauth.Presented(token)
	r, err := c.Validate(oauth.ContextOf(x), &tokens, "")
	switch {
	case err == nil:
	case gateway.StatusOf(err) == 401:
		return authn.Refused, err
	default:
		return authn.Failed, err
	}
	if a.fapi {
		if err := bound(x, r.AccessClaims); err != nil {
			return authn.Refused, err
		}
	}
	c.Accept(x, r)
	return authn.Accepted, nil
}

// tokenIn returns the token in the value of a header. What has another scheme before it is none.
func tokenIn(value string) (token string, ok bool) {
	token, ok = authn.CutScheme(value, "Bearer")
	if !ok {
		token = value
	}
	token = strings.TrimSpace(token)
	return token, token != "" && !strings.ContainsAny(token, " \t")
}

// Challenge asks for a token, or tells that the one in the request isn't valid (RFC 6750, section 3).
func (a *Authenticator) Challenge(h *gateway.Header, why error) {
	switch {
	case why != nil:
		h.Add("WWW-Authenticate", `Bearer error="invalid_token"`)
	case gateway.EqualName(a.header, "Authorization"):
		h.Add("WWW-Authenticate", "Bearer")
	}
}

var (
	errNoCertificate = errors.New("the client has presented no certificate")
	errUnbound       = errors.New("the token isn't bound to a certificate")
	errBound         = errors.New("the token is bound to another certificate")
)

// bound returns why the token isn't bound to the certificate of the client, or nil (RFC 8705, section 3.1).
func bound(x *gateway.Exchange, c jwt.Claims) error {
	cnf, _ := c["cnf"].(map[string]any)
	want, _ := cnf["x5t#S256"].(string)
	why := errUnbound
	switch tls := x.Request.TLS; {
	case want == "":
	case tls == nil || len(tls.PeerCertificates) == 0:
		why = errNoCertificate
	default:
		sum := sha256.Sum256(tls.PeerCertificates[0].Raw)
		if base64.RawURLEncoding.EncodeToString(sum[:]) == want {
			return nil
		}
		why = errBound
	}
	return &gateway.Error{
		Status: 401, Code: "E3050", Kind: "AppAuthnAuthentication", Message: "the access token is not valid for this client",
		Cause: &gateway.Error{Status: 401, Code: "E3056", Kind: "AppAuthnInvalidCredential", Message: why.Error()},
	}
}

// interactionID is the header by which client, gateway and upstream name one interaction (FAPI 1.0 Baseline, section 6.2.1).
const interactionID = "X-Fapi-Interaction-Id"

var interactions gateway.Slot[string]

// identify gives the interaction an identifier, if the client hasn't, and tells it to both sides.
func (a *Authenticator) identify(x *gateway.Exchange) {
	id := x.Request.Header.Get(interactionID)
	if id == "" {
		id = uuid.New()
	}
	interactions.Put(x, id)
	x.Upstream.Set(interactionID, id)
	x.Response.Header.Set(interactionID, id)
}

// Finish makes sure that the response names the interaction once, whatever the upstream has sent.
func (a *Authenticator) Finish(x *gateway.Exchange) {
	if id, ok := interactions.Get(x); a.fapi && ok {
		x.Response.Header.Set(interactionID, id)
	}
}
