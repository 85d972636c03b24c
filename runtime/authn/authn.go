// Package authn lets clients prove who they are in one of several ways. It knows none of them: what
// does is an [Authenticator].
package authn

import (
	"errors"
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An Outcome is what an Authenticator has found out.
type Outcome uint8

const (
	// Absent means that the request has no credentials that the authenticator knows of.
	Absent Outcome = iota
	// Accepted means that the client is known. Its claims have been put, and its credentials
	// taken out of the request unless they are to stay.
	Accepted
	// Refused means that there are credentials, but wrong ones.
	Refused
	// Answered means that x.Response is the answer: a redirection to where one logs in, for example.
	Answered
	// Failed means that it can't be said, because something doesn't work.
	Failed
)

// An Authenticator is one way in which clients prove who they are. It is safe for concurrent use.
type Authenticator interface {
	// Authenticate looks at the request of x, and may edit it. With Refused and Failed, the
	// error says why, without the values of credentials. With Failed it's the answer, too.
	Authenticate(x *gateway.Exchange) (Outcome, error)
	// Challenge adds WWW-Authenticate fields to h that tell a client what to bring (RFC 9110, section 11.6.1).
	// why is what Authenticate returned for the same request, nil with Absent.
	Challenge(h *gateway.Header, why error)
}

// A Finisher is an Authenticator that has something to do with the response to a client that it has accepted.
type Finisher interface {
	Authenticator
	// Finish is called when the handlers behind have answered x, or refused it.
	Finish(x *gateway.Exchange)
}

// Options are the settings of the middleware.
type Options struct {
	// Handlers are asked in order, until one of them accepts the client or answers by itself.
	Handlers []Authenticator
	// Logger is told, at level Debug, why handlers refused a client that another one accepted. The rest is
	// in the error.
	Logger gateway.Logger
}

// New returns the middleware. Who isn't accepted by any of the handlers gets a 401 with the challenges of all.
func New(o Options) gateway.Middleware {
	var chains int64
	restores := slices.ContainsFunc(o.Handlers, func(a Authenticator) bool {
		r, ok := a.(Restorer)
		return ok && r.Restores()
	})
	return func(next gateway.Handler) gateway.Handler {
		chains++
		h := &handler{Options: o, next: next}
		if restores {
			h.chain = chains
		}
		return h
	}
}

type handler struct {
	Options
	next  gateway.Handler
	chain int64 // 0 if nobody asks for it
}

// A Restorer is an Authenticator that may put an earlier request in the place of the one that it is asked about.
type Restorer interface {
	Authenticator
	// Restores reports whether it does.
	Restores() bool
}

// Chain tells what comes after the middleware in the way of x: the number of the handler that it's around, by the order in which they
// were wrapped. It's there for a [Restorer]: a request must not be restored where it would pass by what its own way
// has in it. It's 0 if no middleware with a Restorer is around.
func Chain(x *gateway.Exchange) int64 {
	n, _ := chain.Get(x)
	return n
}

var chain gateway.Slot[int64]

// Serve lets x pass if its client is known.
func (h *handler) Serve(x *gateway.Exchange) error {
	if h.chain != 0 {
		chain.Put(x, h.chain)
	}
	var refused []error // by the handlers; nil as long as none has
	for i, a := range h.Handlers {
		switch outcome, err := a.Authenticate(x); outcome {
		case Accepted:
			if refused != nil {
				Log(h.Logger, x, errors.Join(refused...))
			}
			err := h.next.Serve(x)
			if f, ok := a.(Finisher); ok {
				f.Finish(x)
			}
			return err
		case Answered:
			return nil
		case Failed:
			return err
		case Refused:
			if refused == nil {
				refused = make([]error, len(h.Handlers))
			}
			refused[i] = err
		}
	}
	e := &gateway.Error{Status: 401, Message: "no credentials"}
	if refused != nil {
		e.Message, e.Cause = "wrong credentials", errors.Join(refused...)
	}
	for i, a := range h.Handlers {
		var why error
		if refused != nil {
			why = refused[i]
		}
		a.Challenge(&e.Header, why)
	}
	return e
}

// Log tells the logger, at level Debug, why credentials were refused, where no error tells it.
func Log(l gateway.Logger, x *gateway.Exchange, why error) {
	if l != nil && l.Enabled(gateway.LevelDebug) {
		l.Log(x, gateway.LevelDebug, "credentials refused", gateway.String("reason", why.Error()))
	}
}

// An Identity is the claims.Source of a client with a credential of its own.
type Identity struct {
	Method string // "Basic", "Digest", "APIKey"
	Name   string // empty if the credential has none
	Time   time.Time
	Attrs  map[string]any // nil if there are none
}

// identities is where an Identity is that needs no memory of its own.
var identities gateway.Slot[Identity]

// Put puts i, under the default key if key is empty.
func (i Identity) Put(x *gateway.Exchange, key string) {
	if key == "" {
		key = claims.DefaultKey
	}
	p := identities.Ref(x)
	if p.Method != "" { // the client has proved more than one already
		p = new(Identity)
	}
	*p = i
	claims.Put(x, key, p)
}

// Claims returns the claims: method, auth_time (in seconds since 1970), name, if there is one, and attrs.
func (i *Identity) Claims() map[string]any {
	m := map[string]any{"method": i.Method, "auth_time": float64(i.Time.Unix()), "attrs": nil}
	if i.Name != "" {
		m["name"] = i.Name
	}
	if i.Attrs != nil {
		m["attrs"] = i.Attrs
	}
	return m
}
