package oauth

import (
	"context"
	"errors"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/backchannel"
)

var (
	errUserinfo = errors.New("the answer of the provider is no JSON object")
	errOther    = errors.New("the answer of the provider is about somebody else than the ID token")
)

// Userinfo asks the provider for the claims about the user of r (OpenID Connect Core 1.0, section 5.3), and returns its answer, which is JSON. An answer about
// somebody else than the ID token is a 401; a status other than 200 is that of the error.
func (c *Context) Userinfo(ctx context.Context, r *Result) ([]byte, error) {
	to, err := c.Endpoint(ctx, UserinfoEndpoint)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := backchannel.Do(ctx, c.options.Provider.Transport, backchannel.Request{
		Method: "POST", URL: to, Body: []byte{},
		Header: gateway.Header{{Name: "Authorization", Value: "Bearer " + r.Tokens.Access}, {Name: "Accept", Value: "application/json"}},
	})
	if err != nil {
		return nil, &gateway.Error{Status: 500, Code: "E3064", Kind: "AppAuthnUserInfo", Message: "the provider can't be asked about the user", Cause: err}
	}
	if resp.Status != 200 {
		e := &gateway.Error{Status: resp.Status, Code: "E3064", Kind: "AppAuthnUserInfo", Message: "the provider tells nothing about the user: it has answered with status " + statusText(resp.Status)}
		if resp.Status < 400 {
			e.Status = 500
		}
		for v := range resp.Header.Values("WWW-Authenticate") {
			e.Header.Add("WWW-Authenticate", v)
		}
		return nil, e
	}
	v, _ := jsonval.Parse(string(resp.Body))
	about, ok := v.(map[string]any)
	if !ok {
		return nil, &gateway.Error{Status: 500, Code: "E3005", Kind: "AppGenUnmarshal", Message: "the answer about the user can't be used", Cause: errUserinfo}
	}
	if sub, _ := about["sub"].(string); sub == "" || sub != r.IDClaims.Text("sub") {
		return nil, &gateway.Error{Status: 401, Code: "E3065", Kind: "AppAuthnInvalidUserInfo", Message: "the answer about the user can't be used", Cause: errOther}
	}
	return resp.Body, nil
}
