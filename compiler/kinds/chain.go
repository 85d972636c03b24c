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

// checkSessions warns of what needs a session and has none.
func (b *routeBuilder) checkSessions(e *HandlerEntry, m *mount, lists ...[]resource.Ref) {
	for _, list := range lists {
		for i := range list {
			t := b.Link.Target(&list[i])
			switch {
			case t == nil:
				continue
			case t.Kind.Name == "SessionMiddleware":
				return
			}
			if b.usesSession(t) {
				b.Warnf(&list[i], diag.MiddlewareOrder, "%s needs a session, but no SessionMiddleware stands before it", t.Check.ID.Short())
			}
		}
	}
	if u, ok := m.spec.(SessionUser); ok && u.UsesSession() {
		b.Warnf(&e.Handler, diag.MiddlewareOrder, "%s needs a session, but no SessionMiddleware stands before it", m.id.Short())
	}
}

// usesSession reports whether a middleware, or a handler of one, needs a session.
func (b *routeBuilder) usesSession(t *Target) bool {
	if u, ok := t.Spec.(SessionUser); ok {
		return u.UsesSession()
	}
	if a, ok := t.Spec.(*AuthenticationMiddlewareSpec); ok {
		for i := range a.Handlers {
			if h := b.Link.Target(&a.Handlers[i]); h != nil && b.usesSession(h) {
				return true
			}
		}
	}
	return false
}
