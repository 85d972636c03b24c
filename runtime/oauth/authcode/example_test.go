package authcode_test

import (
	"fmt"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/oauth/authcode"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func Example() {
	login, err := authcode.New(authcode.Options{
		CallbackURL: "https://site.example/callback",
		OAuth: oauth.Options{Contexts: []oauth.ContextOptions{{
			Provider: oauth.Provider{Issuer: "https://op.example", BaseURL: "https://op.example", Endpoints: oauth.Endpoints{Authorization: "/authorize", Token: "/token"}},
			Client:   oauth.Client{ID: "web", Secret: "secret", Scopes: []string{"openid"}},
		}}},
	})
	if err != nil {
		panic(err)
	}
	sessions, err := session.New(session.Options{})
	if err != nil {
		panic(err)
	}
	h := sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{login}})(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })))

	x := new(gateway.Exchange)
	x.Request.Method, x.Request.Path, x.Request.RawPath = "GET", "/", "/"
	_ = h.Serve(x)
	where, _, _ := strings.Cut(x.Response.Header.Get("Location"), "&code_challenge")
	fmt.Println(x.Response.Status, where)
	// Output: 302 https://op.example/authorize?client_id=web&response_type=code
}
