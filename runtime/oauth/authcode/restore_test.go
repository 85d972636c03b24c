package authcode

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func newStore() *memory { return &memory{values: make(map[string][]byte)} }

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], nil
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

// The request that has begun a login is answered after it, body and all.
func TestRestoreAfterLogin(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RestoreRequest = true })
	b := s.browser()
	b.header = gateway.Header{{Name: "X-A", Value: "a"}, {Name: "Content-Type", Value: "text/plain"}}
	r := b.want(b.send(b.handler, "POST", "/form%20s?c=d", "the body"), 302, issuer)
	b.header = nil
	b.want(b.back(s.op.login(r.location)), 200, "page for alice: POST /form s /form%20s?c=d a the body")
	b.want(b.get("/page"), 200, "page for alice: GET /page /page?  ")

	// A login by itself has nothing to restore.
	b = s.browser()
	b.want(b.back(s.op.login(b.get("/login").location)), 302, "/")
}

// A request isn't restored in front of another handler than the one that it was for: it's restored when the client comes there.
func TestRestoreElsewhere(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RestoreRequest = true })
	b := s.browser()
	r := b.want(b.send(b.other, "PUT", "/admin?x=y", "the body"), 302, issuer)
	r = b.want(b.back(s.op.login(r.location)), 302, "/admin?x=y")
	b.want(b.get(r.location), 200, "page for alice: GET /admin") // by another way
	b.want(b.send(b.other, "GET", "/favicon.ico", ""), 200, "other for alice: GET /favicon.ico")
	b.want(b.send(b.other, "GET", r.location, ""), 200, "other for alice: PUT /admin /admin?x=y  the body")
	b.want(b.send(b.other, "GET", r.location, ""), 200, "other for alice: GET /admin")
}

// What is too large to be kept is refused rather than lost.
func TestRestoreTooLarge(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RestoreRequest = true })
	b := s.browser()
	b.want(b.send(b.handler, "POST", "/page", strings.Repeat("x", 4<<10)), 413, "")
	if len(b.jar) > 0 {
		t.Errorf("%d cookies", len(b.jar))
	}
}

// Another site can't have a request be sent as somebody who is about to log in.
func TestRestoreForged(t *testing.T) {
	for header, restored := range map[string]bool{
		"Sec-Fetch-Site: cross-site": false, "Sec-Fetch-Site: same-site": false, "Sec-Fetch-Site: same-origin": true, "Sec-Fetch-Site: none": true,
		"Origin: https://evil.example": false, "Origin: null": false, "Origin: https://site.example": true, "X: ": true,
	} {
		s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RestoreRequest = true })
		b := s.browser()
		name, value, _ := strings.Cut(header, ": ")
		b.header = gateway.Header{{Name: name, Value: value}}
		r := b.want(b.send(b.handler, "POST", "/transfer", "to=evil"), 302, issuer)
		b.header = nil
		r = b.back(s.op.login(r.location))
		if restored && (r.status != 200 || !strings.Contains(r.body, "to=evil")) || !restored && (r.status != 302 || r.location != "/transfer") {
			t.Errorf("%s: %d %s%s", header, r.status, r.location, r.body)
		}
	}
}

// In a store, each tab has its request; in cookies there is room for the last one.
func TestRestoreTabs(t *testing.T) {
	for _, stored := range []bool{true, false} {
		s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RestoreRequest = true })
		if stored {
			sessions, err := session.New(session.Options{Store: newStore()})
			if err != nil {
				t.Fatal(err)
			}
			s.handler = sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{s.authn}})(page("page")))
		}
		b := s.browser()
		first := b.send(b.handler, "POST", "/first", "one")
		second := b.send(b.handler, "POST", "/second", "two")
		b.want(b.back(s.op.login(second.location)), 200, "POST /second /second?  two")
		if r := b.back(s.op.login(first.location)); stored {
			b.want(r, 200, "POST /first /first?  one")
		} else {
			b.want(r, 302, "/first")
		}
	}
}
