package authcode

import (
	"net/url"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// authorization returns the URL that the client is sent to, to log in.
func (h *Handler) authorization(x *gateway.Exchange, c *oauth.Context, a *attempt) (string, error) {
	ctx := x.Context()
	endpoint, err := c.Endpoint(ctx, oauth.AuthorizationEndpoint)
	if err != nil {
		return "", err
	}
	sent, pushed := h.params(c, a), h.Push || c.RequiresPush()
	if h.objects != nil {
		if sent, err = h.objects.replace(x, c, sent, pushed); err != nil {
			return "", err
		}
	}
	if pushed {
		if sent, err = push(x, c, sent); err != nil {
			return "", err
		}
	}
	return appendQuery(endpoint, sent.encode()), nil
}

// params are the parameters of an authorization request (OpenID Connect Core 1.0, section 3.1.2.1).
func (h *Handler) params(c *oauth.Context, a *attempt) (p params) {
	p.add("client_id", c.Client().ID)
	p.add("response_type", "code")
	switch {
	case h.DisablePKCE:
	case h.PlainPKCE:
		p.add("code_challenge", a.verifier())
		p.add("code_challenge_method", "plain")
	default:
		p.add("code_challenge", challenge(a.verifier()))
		p.add("code_challenge_method", "S256")
	}
	if !h.DisableNonce {
		p.add("nonce", a.nonce())
	}
	if !h.DisableState {
		p.add("state", a.state())
	}
	if scope := c.Scope(); scope != "" {
		p.add("scope", scope)
	}
	p.add("redirect_uri", h.CallbackURL)
	if h.jarm != nil {
		p.add("response_mode", string(h.jarm.mode))
	}
	for _, e := range h.extra {
		p.override(e.name, e.value)
	}
	return p
}

// push sends the parameters to the provider and returns those that stand for them (RFC 9126). Nobody on the way through the browser sees or changes
// them then.
func push(x *gateway.Exchange, c *oauth.Context, p params) (params, error) {
	form := make(url.Values, len(p))
	for _, q := range p {
		form.Set(q.name, q.value)
	}
	answer, err := c.Push(x.Context(), oauth.PushedAuthorizationEndpoint, form)
	if err != nil {
		return nil, err
	}
	uri, _ := answer.Values["request_uri"].(string)
	if answer.Status/100 != 2 || uri == "" {
		problem, _ := answer.Values["error"].(string)
		details, _ := answer.Values["error_description"].(string)
		return nil, &gateway.Error{Status: 500, Code: "E3060", Kind: "AppAuthnGenerateRequestObject",
			Message: "the provider doesn't take the authorization request; it says " + printable(problem) + ": " + printable(details)}
	}
	return params{{"client_id", c.Client().ID}, {"request_uri", uri}}, nil
}
