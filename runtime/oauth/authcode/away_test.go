package authcode

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// discovered has what is known of the provider come from it.
func discovered(_ *Options, co *oauth.Options) {
	c := &co.Contexts[0]
	c.Provider.Issuer, c.Provider.Endpoints = "", oauth.Endpoints{Discovery: "/.well-known/openid-configuration"}
}

// What a provider says of itself holds: that it takes only requests that are pushed, and that it names itself.
func TestDiscovered(t *testing.T) {
	s := newSite(t, newProvider(t), discovered)
	if err := s.authn.Initialize(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.authn.Finalize() }()
	s.browser().login()
	if s.op.pushes != 1 {
		t.Errorf("%d requests are pushed", s.op.pushes)
	}
	b := s.browser()
	back := s.op.login(b.get("/page").location)
	back.Del("iss")
	if r := b.back(back); r.status != 401 || !strings.Contains(r.err.Error(), "issuer") {
		t.Errorf("an answer of nobody: %d, %v", r.status, r.err)
	}
}

// As long as nothing is known of the provider, nobody can log in.
func TestNotDiscovered(t *testing.T) {
	op := newProvider(t)
	op.down = errors.New("refused")
	s := newSite(t, op, discovered)
	if err := s.authn.Initialize(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.authn.Finalize() }()
	b := s.browser()
	r := b.want(b.get("/page"), 503, "")
	if r.header.Get("Retry-After") == "" || len(b.jar) > 0 {
		t.Errorf("%v, %v", r.header, b.jar)
	}
}

// A request that the provider doesn't take is a fault of the gateway, and isn't sent by the client.
func TestNotPushed(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, co *oauth.Options) {
		o.Push = true
		co.Contexts[0].Client.Secret = "another"
	})
	b := s.browser()
	if r := b.get("/page"); r.status != 500 || !strings.Contains(r.err.Error(), "invalid_client") || len(b.jar) > 0 {
		t.Errorf("%d, %v", r.status, r.err)
	}
}

// Who has logged in stays so while the keys of the provider can't be had.
func TestKeysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newPublicProvider(t)
		change := func(_ *Options, co *oauth.Options) {
			co.Contexts[0].Keys = jwt.Options{JWKS: map[string]string{issuer: issuer + "/jwks"}}
		}
		s := newSite(t, op, change)
		b := s.browser()
		b.login()
		again := newSite(t, op, change) // as after a restart, with the same keys for sessions
		again.sessions = s.sessions
		again.handler = s.sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{again.authn}})(page("page")))
		b.site, op.down = again, errors.New("refused")
		for range 2 {
			b.want(b.get("/page"), 503, "")
		}
		op.down = nil
		time.Sleep(time.Minute)
		b.want(b.get("/page"), 200, "alice")
	})
}

// The keys for signed responses may be published by themselves.
func TestJARMKeys(t *testing.T) {
	op := newPublicProvider(t)
	s := newSite(t, op, func(o *Options, co *oauth.Options) {
		co.Transport = op
		co.Contexts[0].Keys = jwt.Options{JWKS: map[string]string{issuer: issuer + "/jwks"}}
		o.JARM = &JARM{Keys: jwt.Options{JWKS: map[string]string{issuer: issuer + "/jwks"}}}
	})
	s.browser().login()
}
