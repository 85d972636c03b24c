package oauth

import (
	"cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// NamesIssuer reports whether the provider says that it names itself in each answer to an authorization request (RFC 9207, section 3).
func (c *Context) NamesIssuer() bool { return c.metadata.Load().namesIssuer }

// RequiresPush reports whether the provider says that it takes no other authorization requests than pushed ones (RFC 9126, section 5).
func (c *Context) RequiresPush() bool { return c.metadata.Load().requiresPush }

// Introspects reports whether the provider is asked about each access token.
func (c *Context) Introspects() bool { return c.options.Introspect }

// Audience is what has to be among the audiences of what the provider signs for the client.
func (c *Context) Audience() string { return cmp.Or(c.options.Client.Audience, c.options.Client.ID) }

// UsesCertificate reports whether the client authenticates itself by a certificate when it asks for tokens (RFC 8705, section 2).
func (c *Context) UsesCertificate() bool {
	return c.options.Redeemer.Auth == TLSClientAuth || c.options.Redeemer.Auth == SelfSignedTLSClientAuth
}

// KeysAway returns the error, a 503, of a token that couldn't be validated because the keys of the provider can't be had. It's nil if err is another: that
// says something about the token.
func KeysAway(err error) error {
	for {
		switch e, ok := gateway.AsError(err); {
		case !ok:
			return nil
		case e.Code == "E3401":
			away := &gateway.Error{Status: 503, Code: e.Code, Kind: e.Kind, Message: e.Message, Cause: e.Cause}
			away.Header.Add("Retry-After", "5")
			return away
		default:
			err = e.Cause
		}
	}
}
