package oauth

import "cmp"

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
