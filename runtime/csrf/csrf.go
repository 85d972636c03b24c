// Package csrf refuses requests that another site may have had a browser send (cross-site request forgery).
//
// A request has to bring a token that only pages of the site itself can have read: from an endpoint, which is the
// handler of this package, and which other sites must not be allowed to read by CORS. Beside that, the headers are looked at by which
// browsers tell where a request comes from.
package csrf

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"hash"
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

// Options are the settings of a CSRF.
type Options struct {
	// Secret is the key of tokens, in Base64; empty is a random one, so that tokens end with the process.
	Secret string
	// SeedSize is how many random bytes a token has; 0 is 20. There must be 5 at least.
	SeedSize int
	// Hash is the algorithm of the HMAC in tokens; nil is SHA-256.
	Hash func() hash.Hash
	// SkipMethods are the methods that aren't checked; nil is GET, HEAD, OPTIONS and TRACE.
	SkipMethods []string
	// CheckAll checks all methods.
	CheckAll bool
	// CheckOrigin refuses requests, too, of which the browser says that another site sent them: by Sec-Fetch-Site
	// or, if there is none, by Origin. Requests with neither don't come from a browser.
	CheckOrigin bool
	// TrustedOrigins are other sites that may send requests: "https://example.com".
	TrustedOrigins []string
	// UpstreamHeader is the field in which upstreams get the token; empty is none. A client's own is removed.
	UpstreamHeader string
	// IssueNew makes the endpoint give a new token each time, even if the client has one that is good.
	IssueNew bool

	// Keeper is where the token of a client is kept, which Source has to bring, too. Without one, any token
	// that the endpoint has given is good, in the field Header: other sites can't set it.
	Keeper Keeper
	// Source is where the token is in a request.
	Source Source
	// Header is the field with the token, if there is no Keeper; empty is X-Requested-With.
	Header string
	// Allowed are values of Header that are as good as a token.
	Allowed []match.Matcher
}

// A Keeper keeps the token of a client.
type Keeper interface {
	// Token returns the token that is kept for the client of x, "" if there is none.
	Token(x *gateway.Exchange) (string, error)
	// Keep keeps it.
	Keep(x *gateway.Exchange, token string) error
}

// A CSRF is the middleware that checks requests, by its method Middleware, and the handler that gives tokens.
type CSRF struct {
	Options
	tokens *tokens
}

// New returns a CSRF. It fails if the secret isn't Base64, or the seed too short.
func New(o Options) (*CSRF, error) {
	if o.SeedSize == 0 {
		o.SeedSize = 20
	}
	if o.SeedSize < minSeed || o.SeedSize > maxSeed {
		return nil, errors.New("the seed of tokens must have from 5 to 1024 bytes")
	}
	if o.SkipMethods == nil {
		o.SkipMethods = []string{"GET", "HEAD", "OPTIONS", "TRACE"}
	}
	if o.CheckAll {
		o.SkipMethods = nil
	}
	if o.Header == "" {
		o.Header = "X-Requested-With"
	}
	if o.Keeper != nil && o.Source == nil {
		return nil, errors.New("where tokens are kept, there must be a source of them, too")
	}
	if o.Secret == "" {
		var key [64]byte
		_, _ = rand.Read(key[:]) // never fails: it would end the process
		o.Secret = base64.StdEncoding.EncodeToString(key[:])
	}
	c := &CSRF{Options: o}
	var err error
	c.tokens, err = newTokens(o.Hash, o.Secret, o.SeedSize)
	return c, err
}

// Middleware lets requests pass that don't come from another site. Others are refused with 403.
func (c *CSRF) Middleware(next gateway.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		q := &x.Request
		if c.UpstreamHeader != "" {
			q.Header.Del(c.UpstreamHeader)
		}
		if slices.Contains(c.SkipMethods, q.Method) {
			return next.Serve(x)
		}
		if c.CheckOrigin && c.crossSite(q) {
			return refused("the browser says that another site sent the request", nil)
		}
		token, err := c.check(x)
		if err != nil {
			return err
		}
		if c.UpstreamHeader != "" {
			x.Upstream.Set(c.UpstreamHeader, token)
		}
		return next.Serve(x)
	})
}

// check returns the token of the request, if it's good.
func (c *CSRF) check(x *gateway.Exchange) (string, error) {
	if c.Keeper == nil {
		return c.checkHeader(x)
	}
	kept, err := c.Keeper.Token(x)
	if err != nil {
		return "", err
	}
	token, err := c.Source(x)
	switch {
	case err != nil:
		return "", err
	case token == "":
		return "", refused("there is no token in the request", nil)
	case kept == "":
		return "", refused("no token has been given to the client", nil)
	case !equal(kept, token):
		return "", refused("the token isn't the one that was given to the client", nil)
	case !c.tokens.valid(token):
		return "", refused("the token isn't one of this gateway", nil)
	}
	return token, nil
}

func (c *CSRF) checkHeader(x *gateway.Exchange) (string, error) {
	value := x.Request.Header.Get(c.Header)
	if value == "" {
		return "", refused("there is no token in the request", nil)
	}
	for i := range c.Allowed {
		if c.Allowed[i].Match(value) {
			return value, nil
		}
	}
	if !c.tokens.valid(value) {
		return "", refused("the token isn't one of this gateway", nil)
	}
	return value, nil
}

func refused(why string, cause error) error {
	return &gateway.Error{Status: 403, Code: "E3209", Kind: "AppMiddleCSRFToken", Message: why, Cause: cause}
}
