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
			for _, t := range b.flat(&list[i]) {
				if p, ok := t.Spec.(PeerTruster); ok && !s.HTTPConfig.knowsPeers() {
					b.Warnf(&list[i], diag.Insecure, "whoever gets through to %s can make up %s; name the proxies in listenConfig.networks, or ask them for certificates of their own",
						*addr, p.TrustsPeers())
				}
				if r, ok := t.Spec.(SecretReader); ok && r.ReadsSecrets() != "" && s.HTTPConfig.tls() == nil {
					b.Warnf(&list[i], diag.Insecure, "clients send their %s to %s in the clear; use tlsConfig, or listen where only what ends TLS before the gateway gets through",
						r.ReadsSecrets(), *addr)
				}
			}
		}
	}
}

// flat returns what a reference is to, and what that is made of.
func (b *routeBuilder) flat(ref *resource.Ref) []*Target {
	t := b.Link.Target(ref)
	if t == nil {
		return nil
	}
	all := []*Target{t}
	if c, ok := t.Spec.(Composite); ok {
		parts := c.Parts()
		for i := range parts {
			all = append(all, b.flat(&parts[i])...)
		}
	}
	return all
}

// checkSessions warns of what needs a session and has none, or one that is too small.
func (b *routeBuilder) checkSessions(s *HTTPServerSpec, e *HandlerEntry, m *mount, lists ...[]resource.Ref) {
	var session *SessionMiddlewareSpec
	for _, list := range lists {
		for i := range list {
			all := b.flat(&list[i])
			needs := false // a session that isn't there
			for _, t := range all {
				if spec, ok := t.Spec.(*SessionMiddlewareSpec); ok {
					session = spec
				}
				if u, ok := t.Spec.(SessionUser); !ok || !u.UsesSession() {
					continue
				}
				if session == nil {
					needs = true
					continue
				}
				if o, ok := t.Spec.(*OAuthAuthenticationHandlerSpec); ok {
					b.checkTokens(s, &list[i], all[0], session, o)
				}
			}
			if needs {
				b.Warnf(&list[i], diag.MiddlewareOrder, "%s needs a session, but no SessionMiddleware stands before it", all[0].Check.ID.Short())
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

// checkTokens warns of a session that tokens don't fit into, or whose cookie doesn't come with the answer of the provider, since
// it's another site that has the browser send it.
func (b *routeBuilder) checkTokens(s *HTTPServerSpec, ref *resource.Ref, t *Target, session *SessionMiddlewareSpec, o *OAuthAuthenticationHandlerSpec) {
	var site SameSite
	if session.Cookie != nil {
		site = session.Cookie.SameSite
	}
	if h := o.AuthorizationCodeHandler; h != nil {
		switch {
		case h.JARM != nil && h.JARM.ResponseMode == "ResponseModeFormPostJWT" && site != "None":
			b.Warnf(ref, diag.ConflictingFields, "the provider has browsers send its answer in a form, and they send the cookie of the session with it only if its sameSite is None")
		case site == "Strict":
			b.Warnf(ref, diag.ConflictingFields, "people come back from the site of the provider, and browsers don't send the cookie of the session then, since its sameSite is Strict; use Lax")
		}
	}
	if session.Storage.IsZero() {
		b.checkRoom(s, ref, t)
	}
}
