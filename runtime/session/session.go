// Package session keeps values for a client from one request to the next: encrypted in cookies, or in a
// store, where a cookie names them.
//
// The middleware gives each exchange a session; what comes after it asks for it by [Of]. Nothing is read before that, and
// nothing is written that hasn't changed: a client for whom nobody has kept a value gets no cookie.
package session

import (
	"context"
	"errors"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Store keeps sessions by their ids. It's safe for concurrent use.
type Store interface {
	// Get returns the value of key, nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set keeps value under key for so long; 0 is as long as the store is configured to.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Delete removes key. It's no error if it isn't there.
	Delete(ctx context.Context, key string) error
}

// A Tracer makes spans of what is done for an exchange.
type Tracer interface {
	// Trace begins a span. What it returns ends it, with what has gone wrong.
	Trace(x *gateway.Exchange, name string, tags ...gateway.Field) (end func(error))
}

// Options are the settings of the middleware.
type Options struct {
	// Store keeps the sessions. Nil keeps them in the cookies of the client: then what a client has once got can't be taken back
	// before it expires, and two requests at the same time don't see what the other one changes.
	Store Store
	// Prefix is put before ids to make the keys of the Store.
	Prefix string
	// CookieName is the name of the cookie with the id, and what those begin with that hold a whole session; empty is "_SESSION".
	CookieName string
	// Cookie are the attributes of the cookies; nil is the path "/", only over TLS, and not for scripts.
	Cookie *cookie.Attributes
	// MaxCookies is how many cookies, of 4 KB, a session may take; 0 is 8. Servers limit the headers that they accept.
	MaxCookies int
	// IdleTimeout is how long a session lasts that nobody asks for; 0 is for ever.
	IdleTimeout time.Duration
	// Lifetime is how long a session lasts at most; 0 is for ever.
	Lifetime time.Duration
	// Encoder turns sessions into bytes that nobody else can read or make.
	Encoder Encoder
	// Tracer makes spans of the operations of the Store; nil is nobody.
	Tracer Tracer
}

// Of returns the session of x, and reads it if that hasn't been done. The error is one to
// return: E3212 if it can't be read, or [ErrNone] if x has none.
func Of(x *gateway.Exchange) (*Session, error) {
	s, ok := current.Get(x)
	if !ok {
		return nil, ErrNone
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// ErrNone is the error of an exchange without a session, because no middleware of this package is around.
var ErrNone error = &gateway.Error{Status: 500, Code: "E3212", Kind: "AppMiddleSession", Message: "there is no session: no SessionMiddleware stands before this"}

var current gateway.Slot[*Session]

// New returns the middleware. It fails if a key of the Encoder can't be one.
func New(o Options) (gateway.Middleware, error) {
	codec, err := newCodec(o.Encoder)
	if err != nil {
		return nil, err
	}
	m := &manager{Options: o, codec: codec}
	if m.CookieName == "" {
		m.CookieName = "_SESSION"
	}
	if m.Cookie == nil {
		m.Cookie = &cookie.Attributes{Path: "/", Secure: true, HTTPOnly: true}
	}
	if m.MaxCookies <= 0 {
		m.MaxCookies = 8
	}
	if o.Store != nil {
		m.keeper = &external{m}
	} else {
		m.keeper = &cookies{m}
	}
	return func(next gateway.Handler) gateway.Handler { return &handler{m, next} }, nil
}

// A manager is what all sessions of a middleware have in common.
type manager struct {
	Options
	codec  *codec
	keeper keeper
}

// A keeper keeps sessions.
type keeper interface {
	// load returns the bytes of the session that x names, nil if there are none.
	load(s *Session) ([]byte, error)
	// save keeps the session, and notes the cookies that the client has to get.
	save(s *Session, data []byte) error
	// remove removes the session.
	remove(s *Session) error
}

type handler struct {
	*manager
	next gateway.Handler
}

// Serve gives x a session, and keeps it when the response is there.
func (h *handler) Serve(x *gateway.Exchange) error {
	outer, nested := current.Get(x)
	if nested && outer.manager == h.manager {
		return h.next.Serve(x) // the same session, twice in a chain
	}
	s := &Session{manager: h.manager, x: x}
	current.Put(x, s)
	err := h.next.Serve(x)
	if nested {
		current.Put(x, outer)
	}
	if saveErr := s.save(); saveErr != nil {
		return saveErr
	}
	for _, c := range s.setCookies {
		x.Response.Header.Add("Set-Cookie", c)
	}
	for _, c := range s.asides {
		x.Response.Header.Add("Set-Cookie", c)
	}
	return err
}

func failure(message string, err error) error {
	return &gateway.Error{Status: 500, Code: "E3212", Kind: "AppMiddleSession", Message: message, Cause: err}
}

var errTooLarge = errors.New("it is too large")
