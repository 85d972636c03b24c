package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// checkPeers warns of secrets that clients send in the clear, through a network, and of middleware that trusts
// whoever gets through to the server.
func (b *routeBuilder) checkPeers(s *HTTPServerSpec, lists ...[]resource.Ref) {
	addr := s.addr(b.Check)
	if b.Deferred(addr) || isLocal(*addr) {
		return
	}
	for _, list := range lists {
		for i := range list {
			if t := b.Link.Target(&list[i]); t != nil && !s.HTTPConfig.knowsPeers() {
				if p, ok := t.Spec.(PeerTruster); ok {
					b.Warnf(&list[i], diag.Insecure, "whoever gets through to %s can make up %s; name the proxies in listenConfig.networks, or ask them for certificates of their own",
						*addr, p.TrustsPeers())
				}
			}
			if s.HTTPConfig.tls() != nil {
				continue
			}
			for _, secrets := range b.secrets(&list[i]) {
				b.Warnf(&list[i], diag.Insecure, "clients send their %s to %s in the clear; use tlsConfig, or listen where only what ends TLS before the gateway gets through",
					secrets, *addr)
			}
		}
	}
}

// secrets tells which secrets of clients a middleware, or a handler of one, reads.
func (b *routeBuilder) secrets(ref *resource.Ref) (names []string) {
	t := b.Link.Target(ref)
	if t == nil {
		return nil
	}
	if r, ok := t.Spec.(SecretReader); ok && r.ReadsSecrets() != "" {
		names = append(names, r.ReadsSecrets())
	}
	if a, ok := t.Spec.(*AuthenticationMiddlewareSpec); ok {
		for i := range a.Handlers {
			names = append(names, b.secrets(&a.Handlers[i])...)
		}
	}
	return names
}

// checkSessions warns of what needs a session and has none, or one that is too small.
func (b *routeBuilder) checkSessions(s *HTTPServerSpec, e *HandlerEntry, m *mount, lists ...[]resource.Ref) {
	var session *SessionMiddlewareSpec
	for _, list := range lists {
		for i := range list {
			t := b.Link.Target(&list[i])
			if t == nil {
				continue
			}
			if spec, ok := t.Spec.(*SessionMiddlewareSpec); ok {
				session = spec
				continue
			}
			used, tokens := b.usesSession(t)
			switch {
			case used && session == nil:
				b.Warnf(&list[i], diag.MiddlewareOrder, "%s needs a session, but no SessionMiddleware stands before it", t.Check.ID.Short())
			case tokens:
				b.checkSameSite(&list[i], t, session)
				if session.Storage.IsZero() {
					b.checkRoom(s, &list[i], t)
				}
			}
		}
	}
	if u, ok := m.spec.(SessionUser); ok && u.UsesSession() && session == nil {
		b.Warnf(&e.Handler, diag.MiddlewareOrder, "%s needs a session, but no SessionMiddleware stands before it", m.id.Short())
	}
}

// tokenRoom is how many bytes of headers a server should accept where tokens are in cookies.
const tokenRoom = 16384

// checkRoom warns of a server that doesn't accept the cookies in which tokens are.
func (b *routeBuilder) checkRoom(s *HTTPServerSpec, ref *resource.Ref, t *Target) {
	limit := &s.HTTPConfig.MaxHeaderBytes
	if s.HTTP3Config != nil {
		limit = &s.HTTP3Config.MaxHeaderBytes
	}
	if n := *limit; 0 < n && n < tokenRoom && !b.Deferred(limit) {
		b.Warnf(ref, diag.OutOfRange, "%s keeps tokens in cookies, and the server accepts only %d bytes of headers: people with longer tokens are locked out; set maxHeaderBytes to %d or more, or use a storage for sessions",
			t.Check.ID.Short(), n, tokenRoom)
	}
}

// checkSameSite warns of logins whose answers come without the cookie of the session, since it's another site that has the browser
// send them.
func (b *routeBuilder) checkSameSite(ref *resource.Ref, t *Target, session *SessionMiddlewareSpec) {
	var site SameSite
	if session.Cookie != nil {
		site = session.Cookie.SameSite
	}
	for _, h := range b.logins(t) {
		switch {
		case h.JARM != nil && h.JARM.ResponseMode == "ResponseModeFormPostJWT" && site != "None":
			b.Warnf(ref, diag.ConflictingFields, "the provider has browsers send its answer in a form, and they send the cookie of the session with it only if its sameSite is None")
		case site == "Strict":
			b.Warnf(ref, diag.ConflictingFields, "people come back from the site of the provider, and browsers don't send the cookie of the session then, since its sameSite is Strict; use Lax")
		}
	}
}

// logins are the handlers of an authentication by which people log in.
func (b *routeBuilder) logins(t *Target) (all []*AuthorizationCodeHandler) {
	switch spec := t.Spec.(type) {
	case *OAuthAuthenticationHandlerSpec:
		if h := spec.AuthorizationCodeHandler; h != nil {
			all = append(all, h)
		}
	case *AuthenticationMiddlewareSpec:
		for i := range spec.Handlers {
			if h := b.Link.Target(&spec.Handlers[i]); h != nil {
				all = append(all, b.logins(h)...)
			}
		}
	}
	return all
}

// usesSession reports whether a middleware, or a handler of one, needs a session, and whether it's to keep tokens.
func (b *routeBuilder) usesSession(t *Target) (uses, tokens bool) {
	if u, ok := t.Spec.(SessionUser); ok {
		_, tokens = t.Spec.(*OAuthAuthenticationHandlerSpec)
		return u.UsesSession(), tokens && u.UsesSession()
	}
	if a, ok := t.Spec.(*AuthenticationMiddlewareSpec); ok {
		for i := range a.Handlers {
			if h := b.Link.Target(&a.Handlers[i]); h != nil {
				u, k := b.usesSession(h)
				uses, tokens = uses || u, tokens || k
			}
		}
	}
	return uses, tokens
}
