// Package clientcredentials gets tokens for the gateway itself (RFC 6749, section 4.4), so that it can prove to upstreams who it is. It
// authenticates no client: all requests are accepted.
package clientcredentials

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// Options are the settings of an Authenticator.
type Options struct{ OAuth oauth.Options }

// An Authenticator gets tokens. Initialize and Finalize are those of its contexts.
type Authenticator struct {
	*oauth.Contexts
	tokens map[*oauth.Context]*holder
	logger gateway.Logger
}

// New returns an Authenticator. It fails if a key can't be read, or a URL is none.
func New(o Options) (*Authenticator, error) {
	contexts, err := oauth.New(o.OAuth)
	if err != nil {
		return nil, err
	}
	a := &Authenticator{Contexts: contexts, tokens: make(map[*oauth.Context]*holder), logger: o.OAuth.Logger}
	for c := range contexts.All() {
		a.tokens[c] = &holder{context: c, logger: a.logger}
	}
	return a, nil
}

// Authenticate gives x the claims of the gateway's token, and the upstream the token, by the headers of the context.
func (a *Authenticator) Authenticate(x *gateway.Exchange) (authn.Outcome, error) {
	c := a.Select(x)
	if c == nil {
		return authn.Failed, &gateway.Error{Status: 401, Code: "E3050", Kind: "AppAuthnAuthentication", Message: "there is no context of the name that the request has"}
	}
	r, err := a.tokens[c].get(oauth.ContextOf(x))
	if err != nil {
		return authn.Failed, err
	}
	c.Accept(x, r)
	return authn.Accepted, nil
}

// Challenge adds nothing: there is nothing that a client could bring.
func (a *Authenticator) Challenge(*gateway.Header, error) {}

// A holder holds the tokens of a context.
type holder struct {
	context *oauth.Context
	logger  gateway.Logger
	held    atomic.Pointer[held]

	mu     sync.Mutex
	call   *call     // that gets new tokens, nil if none does
	next   time.Time // when it's tried again to renew tokens that are still valid
	failed *call     // the last one, if it has failed
	again  time.Time // when it's tried again after that
}

// held are tokens.
type held struct {
	tokens oauth.Tokens
	renew  time.Time // when new ones should be got; zero for when they aren't valid any more
}

// A call gets new tokens.
type call struct {
	done   chan struct{}
	result *oauth.Result
	err    error
}

const (
	// retryAfter is how soon it's tried again to renew tokens that are still valid.
	retryAfter = 5 * time.Second
	// failedAfter is how soon it's tried again to get tokens when there are none. Requests in between get the last error.
	failedAfter = time.Second
)

// get returns tokens that are valid.
func (h *holder) get(ctx context.Context) (*oauth.Result, error) {
	if held := h.held.Load(); held != nil {
		tokens := held.tokens
		tokens.Refresh = "" // renewing is for one request, not for this one
		if r, err := h.context.Validate(ctx, &tokens, ""); err == nil {
			if !held.renew.IsZero() && time.Now().After(held.renew) {
				h.renew()
			}
			return r, nil
		}
	}
	call := h.begin()
	select {
	case <-call.done:
		return call.result, call.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// renew begins to get new tokens, if nobody does, nor has failed just now.
func (h *holder) renew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.call == nil && !now.Before(h.next) {
		h.next = now.Add(retryAfter)
		h.start()
	}
}

// begin returns the call that gets new tokens.
func (h *holder) begin() *call {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.call == nil {
		if h.failed != nil && time.Now().Before(h.again) {
			return h.failed
		}
		h.start()
	}
	return h.call
}

// start gets new tokens; h.mu is held. It doesn't end with the request that has begun it.
func (h *holder) start() {
	c := &call{done: make(chan struct{})}
	h.call = c
	go func() {
		c.result, c.err = h.fetch()
		if c.err != nil && h.logger != nil && h.logger.Enabled(gateway.LevelWarn) {
			h.logger.Log(nil, gateway.LevelWarn, "there is no new token", gateway.String("context", h.context.Name()), gateway.String("reason", c.err.Error()))
		}
		h.mu.Lock()
		h.call, h.failed = nil, nil
		if c.err != nil {
			h.failed, h.again = c, time.Now().Add(failedAfter)
		}
		h.mu.Unlock()
		close(c.done)
	}()
}

// fetch asks the provider, with the refresh token if there is one, and if that doesn't help as the first time.
func (h *holder) fetch() (*oauth.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if old := h.held.Load(); old != nil && old.tokens.Refresh != "" {
		tokens := old.tokens
		if r, err := h.context.Refresh(ctx, &tokens); err == nil {
			h.keep(r)
			return r, nil
		}
	}
	tokens, _, err := h.context.Redeem(ctx, url.Values{"grant_type": {"client_credentials"}, "scope": {h.context.Scope()}})
	if err != nil {
		return nil, err
	}
	r, err := h.context.Validate(ctx, &tokens, "")
	if err != nil {
		return nil, err
	}
	h.keep(r)
	return r, nil
}

// keep keeps tokens that are valid.
func (h *holder) keep(r *oauth.Result) {
	held := &held{tokens: r.Tokens}
	if exp := r.Expires(); !exp.IsZero() {
		left := time.Until(exp)
		held.renew = time.Now().Add(left - min(left/4, time.Minute))
	}
	h.held.Store(held)
}
