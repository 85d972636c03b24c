package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// ContextOptions are the settings of a Context.
type ContextOptions struct {
	// Name is what requests choose it by; empty is "default".
	Name     string
	Provider Provider
	Client   Client
	// Redeemer is how tokens are asked for, and Introspector how the provider is asked about them.
	Redeemer, Introspector Requester
	// Keys verify access and ID tokens. Without any, those are used that the provider publishes.
	Keys jwt.Options
	// Introspect has the provider asked about each access token (RFC 7662), instead of verifying it by a key.
	Introspect bool
	// ClaimsKey is what the claims are found by; empty is claims.DefaultKey.
	ClaimsKey string
	// AccessHeader and IDHeader are the headers by which an upstream gets the tokens; empty is none.
	AccessHeader, IDHeader string
	// Access and ID are what access and ID tokens have to be.
	Access, ID Validation
}

// A Client is the client that the gateway is at a provider.
type Client struct {
	ID, Secret string
	// Audience is what has to be among the audiences of tokens; empty is ID.
	Audience string
	Scopes   []string
	// Keys has the private key that client assertions are signed by. Without one, ClientSecretJWT signs by the Secret, as HS256.
	Keys jwt.Options
}

// A Validation is what tokens have to be.
type Validation struct {
	// SkipUnexpired doesn't validate tokens of a session again before they expire.
	SkipUnexpired bool
	// Issuer is who has to have issued them; empty is the issuer of the provider, and "-" anybody.
	Issuer string
	// Audience is who they have to be for; empty is the audience of the client, and "-" anybody.
	Audience string
	// ExpOptional, IATDisabled, Leeway and Methods are those of [jwt.Validation]. A negative Leeway is none.
	ExpOptional, IATDisabled bool
	Leeway                   time.Duration
	Methods                  []jwt.Algorithm
}

// A Context is a provider and a client at it.
type Context struct {
	options    ContextOptions
	keys       *jwt.Handler
	assertions *jwt.Handler // signs client assertions
	logger     gateway.Logger
	metadata   atomic.Pointer[metadata]
	discovery  *discovery
	refreshes  refreshes
}

// A metadata is what is known of a provider.
type metadata struct {
	issuer     string
	endpoints  Endpoints
	mtls       Endpoints // those for clients that present certificates (RFC 8705, section 5)
	access, id jwt.Validation
	// What the provider says of authorization requests and the answers to them.
	namesIssuer, requiresPush bool
}

func newContext(o ContextOptions, all *Options) (*Context, error) {
	o.Name = cmp.Or(o.Name, DefaultName)
	o.ClaimsKey = cmp.Or(o.ClaimsKey, claims.DefaultKey)
	o.Access.Leeway, o.ID.Leeway = max(o.Access.Leeway, 0), max(o.ID.Leeway, 0)
	if o.Provider.Transport == nil {
		o.Provider.Transport = all.Transport
	}
	o.Redeemer.Transport = orHandler(o.Redeemer.Transport, o.Provider.Transport)
	o.Introspector.Transport = orHandler(o.Introspector.Transport, o.Provider.Transport)
	o.Keys.Transport = orHandler(o.Keys.Transport, o.Provider.Transport)
	if o.Keys.Logger == nil {
		o.Keys.Logger = all.Logger
	}
	c := &Context{options: o, logger: all.Logger}
	var err error
	if c.keys, err = jwt.New(o.Keys); err != nil {
		return nil, fmt.Errorf("oauth: context %s: %w", o.Name, err)
	}
	if c.assertions, err = jwt.New(o.Client.Keys); err != nil {
		return nil, fmt.Errorf("oauth: context %s: %w", o.Name, err)
	}
	if err := c.makeAssertions(); err != nil {
		return nil, fmt.Errorf("oauth: context %s: %w", o.Name, err)
	}
	m := &metadata{issuer: o.Provider.Issuer}
	if m.endpoints, err = o.Provider.resolve(); err != nil {
		return nil, fmt.Errorf("oauth: context %s: %w", o.Name, err)
	}
	c.publish(m)
	c.discovery = newDiscovery(c, m.endpoints.Discovery)
	return c, nil
}

func orHandler(h, other gateway.Handler) gateway.Handler {
	if h == nil {
		return other
	}
	return h
}

var errNoAssertionKey = errors.New("client assertions need a private key of the client")

// makeAssertions makes sure that client assertions can be signed, if they are needed.
func (c *Context) makeAssertions() error {
	for _, r := range []*Requester{&c.options.Redeemer, &c.options.Introspector} {
		switch {
		case c.assertions.CanSign():
		case r.Auth == PrivateKeyJWT || r.Auth == ClientSecretJWT && c.options.Client.Secret == "":
			return errNoAssertionKey
		case r.Auth == ClientSecretJWT:
			secret := base64.StdEncoding.EncodeToString([]byte(c.options.Client.Secret))
			var err error
			if c.assertions, err = jwt.New(jwt.Options{PrivateKeys: []jwt.Key{{Algorithm: jwt.HS256, Type: jwt.Common, Text: secret}}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish makes m what is known of the provider.
func (c *Context) publish(m *metadata) {
	m.access = c.validation(&c.options.Access, m.issuer)
	m.id = c.validation(&c.options.ID, m.issuer)
	if m.endpoints.JWKS != "" && !c.keys.HasKeys() {
		c.keys.UseJWKS(m.endpoints.JWKS)
	}
	c.metadata.Store(m)
}

func (c *Context) validation(v *Validation, issuer string) jwt.Validation {
	checked := func(values ...string) string {
		if s := cmp.Or(values...); s != "-" {
			return s
		}
		return ""
	}
	return jwt.Validation{
		Issuer:      checked(v.Issuer, issuer),
		Audience:    checked(v.Audience, c.options.Client.Audience, c.options.Client.ID),
		ExpOptional: v.ExpOptional,
		IATDisabled: v.IATDisabled,
		Leeway:      v.Leeway,
		Methods:     v.Methods,
	}
}

// Name is the name by which requests choose the context.
func (c *Context) Name() string { return c.options.Name }

// Client is the client. Its fields aren't to be changed.
func (c *Context) Client() *Client { return &c.options.Client }

// Keys verify tokens of the provider.
func (c *Context) Keys() *jwt.Handler { return c.keys }

// Transport sends requests to the provider.
func (c *Context) Transport() gateway.Handler { return c.options.Provider.Transport }

// Issuer returns the issuer of the provider, which may have to be discovered: see [Context.Endpoint]. It's empty if there is none.
func (c *Context) Issuer(ctx context.Context) (string, error) {
	m, err := c.known(ctx, func(m *metadata) bool { return m.issuer != "" })
	if err != nil {
		return "", err
	}
	return m.issuer, nil
}

// Endpoint returns the URL of an endpoint: which selects it. One that has to be discovered is waited for if that is under way; else, as long as the provider can't be reached,
// the error is a 503. If the provider doesn't have it, it's a 500.
func (c *Context) Endpoint(ctx context.Context, which func(*Endpoints) string) (string, error) {
	m, err := c.known(ctx, func(m *metadata) bool { return which(&m.endpoints) != "" })
	if err != nil {
		return "", err
	}
	url := which(&m.endpoints)
	if url == "" {
		return "", &gateway.Error{Status: 500, Message: "the provider of context " + c.options.Name + " doesn't have the endpoint that is needed"}
	}
	return url, nil
}

// HasEndpoint reports whether an endpoint is known by now.
func (c *Context) HasEndpoint(which func(*Endpoints) string) bool {
	return which(&c.metadata.Load().endpoints) != ""
}

// known returns what is known of the provider, once it has what is needed or nothing more is to be discovered.
func (c *Context) known(ctx context.Context, has func(*metadata) bool) (*metadata, error) {
	m := c.metadata.Load()
	if has(m) || c.discovery.done() {
		return c.metadata.Load(), nil
	}
	if err := c.discovery.wait(ctx); err != nil {
		return nil, err
	}
	return c.metadata.Load(), nil
}
