// Package insession keeps tokens against forged requests in the sessions of clients (synchronizer tokens).
package insession

import (
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// name is the name of the token in a session.
const name = "__csrf_token__"

// A Keeper keeps tokens in the sessions of package session, whose middleware must be around both the middleware
// that checks tokens and the endpoint that gives them.
type Keeper struct{}

// Token returns the token in the session of x.
func (Keeper) Token(x *gateway.Exchange) (string, error) {
	s, err := session.Of(x)
	if err != nil {
		return "", failure(err)
	}
	token, _ := s.Get(name)
	return string(token), nil
}

// Keep puts the token into the session of x.
func (Keeper) Keep(x *gateway.Exchange, token string) error {
	s, err := session.Of(x)
	if err != nil {
		return failure(err)
	}
	s.Set(name, []byte(token))
	return nil
}

func failure(cause error) error {
	return &gateway.Error{Status: 500, Code: "E3210", Kind: "AppMiddleCSRFSession", Message: "the token of the session can't be had", Cause: cause}
}
