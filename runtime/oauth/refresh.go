package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// refreshKept is how long the result of a refresh is kept for requests that come with the old refresh token, since their session was read
// before it was kept. A provider takes a second use of it for a theft (RFC 9700, section 4.14.2).
const refreshKept = 30 * time.Second

// refreshes are those under way, and those that have just ended.
type refreshes struct {
	mu    sync.Mutex
	calls map[[sha256.Size]byte]*refreshCall // by the refresh token
}

type refreshCall struct {
	done   chan struct{}
	tokens Tokens
	err    error
}

// refresh replaces the tokens by new ones. Of several at the same time with the same refresh token, one is sent to the provider.
func (c *Context) refresh(ctx context.Context, t *Tokens) error {
	call := c.refreshes.join(t.Refresh, func() (Tokens, error) {
		// It isn't only for this request.
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		tokens, _, err := c.Redeem(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
		return tokens, err
	})
	select {
	case <-call.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if e, ok := gateway.AsError(call.err); ok && e.Status == 401 {
		return reauthenticate(call.err)
	}
	if call.err != nil {
		return call.err
	}
	return t.replace(&call.tokens)
}

var errSubject = errors.New("the refreshed ID token is of another subject")

// replace takes what is new. A provider needn't send a new ID token, nor a new refresh token.
func (t *Tokens) replace(by *Tokens) error {
	old := *t
	*t = *by
	t.changed = true
	if t.Refresh == "" {
		t.Refresh = old.Refresh
	}
	if t.ID == "" {
		t.ID = old.ID
		return nil
	}
	if old.ID == "" {
		return nil
	}
	before, _ := jwt.ParseUnverified(old.ID) // its signature was right once
	after, err := jwt.ParseUnverified(t.ID)  // and this one's is still to be verified
	if err != nil || before.Text("sub") != after.Text("sub") {
		*t = old
		return invalidToken(errSubject) // OpenID Connect Core 1.0, section 12.2
	}
	return nil
}

// join returns the call for that refresh token, and makes it if there's none.
func (rs *refreshes) join(token string, do func() (Tokens, error)) *refreshCall {
	sum := sha256.Sum256([]byte(token))
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if call := rs.calls[sum]; call != nil {
		return call
	}
	if rs.calls == nil {
		rs.calls = make(map[[sha256.Size]byte]*refreshCall)
	}
	call := &refreshCall{done: make(chan struct{})}
	rs.calls[sum] = call
	forget := func() {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		delete(rs.calls, sum)
	}
	go func() {
		call.tokens, call.err = do()
		if call.err != nil {
			forget() // so that it can be tried again
		} else {
			time.AfterFunc(refreshKept, forget)
		}
		close(call.done)
	}()
	return call
}
