package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var authenticationMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "AuthenticationMiddleware",
	Roles:      []Role{Middleware},
	New:        func() Spec { return &AuthenticationMiddlewareSpec{} },
}

// AuthenticationMiddlewareSpec is the spec of an AuthenticationMiddleware, which lets clients prove who they are in one of several ways. Its handlers are
// asked in order; the first that knows the client lets the request pass.
//
// If none does, the answer is 401, with the challenges of all handlers. One that redirects to a login, for example, answers by itself, and those
// behind it aren't asked. In AILERON Gateway the answer has no challenge, and BasicAuthnMiddleware, DigestAuthnMiddleware, KeyAuthnMiddleware and IDKeyAuthnMiddleware can't be handlers. A GoPlugin can be one, too.
type AuthenticationMiddlewareSpec struct {
	// Logger is told at level Debug why handlers refused a client that another one let pass. Unset is the logger of the metadata, or the default one.
	Logger resource.Ref `json:"logger" role:"Logger"`
	// ErrorHandler answers requests that are refused, whichever handler refuses them. Unset is that of metadata.errorHandler, or the default one.
	ErrorHandler resource.Ref `json:"errorHandler" role:"ErrorHandler"`
	// Handlers are the ways, in the order in which they are tried.
	Handlers []resource.Ref `json:"handlers" role:"AuthenticationHandler"`
}

// ErrorHandlerRef returns the error handler.
func (s *AuthenticationMiddlewareSpec) ErrorHandlerRef() *resource.Ref { return &s.ErrorHandler }

// Refuses tells that preflight requests are refused: they have no credentials.
func (s *AuthenticationMiddlewareSpec) Refuses() bool { return true }

// Parts are the handlers.
func (s *AuthenticationMiddlewareSpec) Parts() []resource.Ref { return s.Handlers }

// Check reports a middleware that lets nobody pass.
func (s *AuthenticationMiddlewareSpec) Check(c *Check) {
	if len(s.Handlers) == 0 {
		c.Warnf(s, diag.NoEffect, "without handlers all requests are refused")
	}
}

// Lower returns the middleware.
func (s *AuthenticationMiddlewareSpec) Lower(l *Lower) ir.Expr {
	handlers := ir.List{Elem: ir.Runtime("authn.Authenticator")}
	for i := range s.Handlers {
		if t := l.Link.Target(&s.Handlers[i]); t != nil {
			s.checkOrder(l, i, t)
			if h, ok := t.Spec.(ErrorHandled); ok && !h.ErrorHandlerRef().IsZero() {
				l.Warnf(&s.Handlers[i], diag.NoEffect, "the errorHandler of %s isn't used here: that of %s answers", t.Check.ID.Short(), l.ID.Short())
			}
		}
		handlers.Items = append(handlers.Items, l.Use(&s.Handlers[i], AuthenticationHandler))
	}
	return l.Call("authn.New", l.Struct("authn.Options",
		ir.Set("Handlers", handlers),
		ir.Set("Logger", loggerOf(l, &s.Logger))))
}

// checkOrder warns of a handler that accepts all requests, among others that don't.
func (s *AuthenticationMiddlewareSpec) checkOrder(l *Lower, i int, t *Target) {
	o, ok := t.Spec.(*OAuthAuthenticationHandlerSpec)
	switch {
	case !ok || o.ClientCredentialsHandler == nil:
	case i < len(s.Handlers)-1:
		l.Warnf(&s.Handlers[i+1], diag.NoEffect, "this handler isn't asked: %s, before it, accepts all requests", t.Check.ID.Short())
	case i > 0:
		l.Warnf(&s.Handlers[i], diag.Insecure, "%s accepts all requests, those that the handlers before it refuse, too; to need both, use an AuthenticationMiddleware for each", t.Check.ID.Short())
	}
}
