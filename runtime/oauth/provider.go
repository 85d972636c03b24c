package oauth

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Provider is a server that issues tokens.
type Provider struct {
	// Issuer is what it calls itself in tokens. Empty is what is discovered.
	Issuer string
	// BaseURL is put before endpoints that are paths.
	BaseURL   string
	Endpoints Endpoints
	// Transport sends requests to it; nil is that of the Options.
	Transport gateway.Handler
}

// Endpoints are URLs of a provider, or paths below its BaseURL. Those that are empty are discovered, if there is a Discovery.
type Endpoints struct {
	Authorization, Token, Userinfo, Introspection, Revocation string
	// JWKS is where the keys of the provider are. They verify tokens if no others are given.
	JWKS string
	// Discovery is where its metadata are (OpenID Connect Discovery 1.0, section 4, or RFC 8414).
	Discovery string
	// PushedAuthorization is where authorization requests can be pushed to (RFC 9126), and EndSession where one logs out.
	PushedAuthorization, EndSession string
}

// AuthorizationEndpoint and its kin select an endpoint, for [Context.Endpoint].
func AuthorizationEndpoint(e *Endpoints) string { return e.Authorization }

// TokenEndpoint selects where tokens are issued.
func TokenEndpoint(e *Endpoints) string { return e.Token }

// UserinfoEndpoint selects where claims about users are.
func UserinfoEndpoint(e *Endpoints) string { return e.Userinfo }

// IntrospectionEndpoint selects where can be asked about tokens.
func IntrospectionEndpoint(e *Endpoints) string { return e.Introspection }

// RevocationEndpoint selects where tokens can be revoked (RFC 7009).
func RevocationEndpoint(e *Endpoints) string { return e.Revocation }

// PushedAuthorizationEndpoint selects where authorization requests can be pushed to.
func PushedAuthorizationEndpoint(e *Endpoints) string { return e.PushedAuthorization }

// EndSessionEndpoint selects where one logs out.
func EndSessionEndpoint(e *Endpoints) string { return e.EndSession }

// each calls f for all endpoints, with their names in the metadata of a provider.
func (e *Endpoints) each(f func(name string, p *string)) {
	f("authorization_endpoint", &e.Authorization)
	f("token_endpoint", &e.Token)
	f("userinfo_endpoint", &e.Userinfo)
	f("introspection_endpoint", &e.Introspection)
	f("revocation_endpoint", &e.Revocation)
	f("jwks_uri", &e.JWKS)
	f("pushed_authorization_request_endpoint", &e.PushedAuthorization)
	f("end_session_endpoint", &e.EndSession)
}

var errNoURL = errors.New("isn't a URL of http or https with a host, nor a path below a baseURL that is one")

// resolve returns the endpoints as URLs.
func (p *Provider) resolve() (Endpoints, error) {
	e := p.Endpoints
	var err error
	resolve := func(name string, at *string) {
		switch {
		case *at == "" || isURL(*at):
		case !isURL(p.BaseURL):
			err = fmt.Errorf("the %s %q %w", name, *at, errNoURL)
		default:
			*at = strings.TrimRight(p.BaseURL, "/") + "/" + strings.TrimLeft(*at, "/")
		}
	}
	e.each(resolve)
	resolve("discovery endpoint", &e.Discovery)
	return e, err
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
