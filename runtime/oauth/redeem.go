package oauth

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Redeem asks the provider for tokens. form has what is specific to the grant; who the client is, is added. If the provider refuses, the error is
// a 401, and else a 500. The answer is returned whenever there is one.
func (c *Context) Redeem(ctx context.Context, form url.Values) (Tokens, *Answer, error) {
	answer, err := c.post(ctx, &c.options.Redeemer, TokenEndpoint, form)
	if err != nil {
		if e, ok := gateway.AsError(err); ok && e.Status == 503 {
			return Tokens{}, nil, err
		}
		return Tokens{}, nil, &gateway.Error{Status: 500, Code: "E3052", Kind: "AppAuthnRedeemToken", Message: "no tokens can be had", Cause: err}
	}
	if answer.Status != 200 {
		return Tokens{}, answer, answer.refusal("E3052", "AppAuthnRedeemToken", "there are no tokens")
	}
	tokens, ok := tokensOf(answer, time.Now())
	if !ok {
		return Tokens{}, answer, &gateway.Error{Status: 500, Code: "E3005", Kind: "AppGenUnmarshal", Message: "there are no tokens in the answer of the provider"}
	}
	tokens.Context = c.options.Name
	return tokens, answer, nil
}

// Scope is the scopes of the client, as a form has them.
func (c *Context) Scope() string { return strings.Join(c.options.Client.Scopes, " ") }

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + gateway.StatusText(status))
}
