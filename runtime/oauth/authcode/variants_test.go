package authcode

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

func TestVariants(t *testing.T) {
	for name, change := range map[string]func(*Options, *oauth.Options){
		"plain PKCE":     func(o *Options, _ *oauth.Options) { o.PlainPKCE = true },
		"nothing":        func(o *Options, _ *oauth.Options) { o.DisableNonce, o.DisablePKCE, o.DisableState = true, true, true },
		"pushed":         func(o *Options, _ *oauth.Options) { o.Push = true },
		"request object": func(o *Options, _ *oauth.Options) { o.RequestObject = clientObject("") },
		"request URI":    func(o *Options, _ *oauth.Options) { o.RequestObject = clientObject("https://site.example/request") },
		"pushed object":  func(o *Options, _ *oauth.Options) { o.RequestObject, o.Push = clientObject(""), true },
		"JARM":           func(o *Options, _ *oauth.Options) { o.JARM = &JARM{} },
		"query.jwt": func(o *Options, _ *oauth.Options) {
			o.JARM = &JARM{Mode: QueryJWT, Keys: jwt.Options{PublicKeys: []jwt.Key{hmacKey("op")}}}
		},
		"form_post.jwt":  func(o *Options, _ *oauth.Options) { o.JARM = &JARM{Mode: FormPostJWT} },
		"JARM, no state": func(o *Options, _ *oauth.Options) { o.JARM, o.DisableState = &JARM{}, true },
		"all": func(o *Options, _ *oauth.Options) {
			o.RequestObject, o.Push, o.JARM = clientObject(""), true, &JARM{Mode: FormPostJWT}
		},
		"skips unexpired": func(_ *Options, co *oauth.Options) {
			co.Contexts[0].Access.SkipUnexpired, co.Contexts[0].ID.SkipUnexpired = true, true
		},
		"with parameters": func(o *Options, _ *oauth.Options) { o.URLParams = []string{"prompt=login", "scope=openid x"} },
		"form post":       func(o *Options, _ *oauth.Options) { o.URLParams = []string{"response_mode=form_post"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, newProvider(t), change)
			s.op.fetch = func(uri string) string {
				if uri != "https://site.example/request" {
					t.Errorf("the request is at %q", uri)
				}
				r := s.browser().get("/request")
				if r.header.Get("Content-Type") != "application/jwt; charset=utf-8" {
					t.Errorf("%v", r.header)
				}
				return r.body
			}
			b := s.browser()
			r := b.want(b.get("/page"), 302, issuer)
			back := s.op.login(r.location)
			if strings.Contains(name, "post") || name == "all" {
				b.header = gateway.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded; charset=UTF-8"}}
				r = b.send(b.handler, "POST", "/callback", back.Encode())
				b.header = nil
			} else {
				r = b.back(back)
			}
			b.want(r, 302, "/page")
			b.want(b.get("/page"), 200, "alice")
		})
	}
}

func clientObject(uri string) *RequestObject {
	return &RequestObject{URI: uri, Keys: jwt.Options{PrivateKeys: []jwt.Key{hmacKey("client")}}}
}

// Of a provider that signs its responses, others don't count; nor those that somebody else has signed, or that are too old.
func TestJARMRefused(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.JARM = &JARM{} })
	for name, forge := range map[string]func(back url.Values) url.Values{
		"unsigned": func(back url.Values) url.Values { return back },
		"expired":  func(back url.Values) url.Values { return s.op.signed(back, -time.Minute) },
		"another issuer": func(back url.Values) url.Values {
			back.Set("iss", "https://evil.example")
			return s.op.signed(back, time.Minute)
		},
		"another client": func(back url.Values) url.Values { back.Set("aud", "other"); return s.op.signed(back, time.Minute) },
		"another key": func(back url.Values) url.Values {
			op := newProvider(t)
			op.keys = mustKeys(t, jwt.Options{PrivateKeys: []jwt.Key{hmacKey("evil")}})
			return op.signed(back, time.Minute)
		},
	} {
		b := s.browser()
		asked := s.op.ask(b.get("/page").location)
		s.op.codes["good"] = asked
		r := b.back(forge(url.Values{"code": {"good"}, "state": {asked.Get("state")}, "iss": {issuer}}))
		if r.status != 401 || s.op.tokens != 0 {
			t.Errorf("%s: %d, %v", name, r.status, r.err)
		}
	}
}

// With FAPI, access tokens of a client with a certificate are bound to that.
func TestBound(t *testing.T) {
	for _, bound := range []bool{true, false} {
		s := newSite(t, newProvider(t), func(o *Options, co *oauth.Options) {
			o.FAPI = true
			co.Contexts[0].Redeemer.Auth = oauth.TLSClientAuth
			co.Contexts[0].Client.Secret = ""
		})
		s.op.certificates, s.op.unbound = true, !bound
		b := s.browser()
		r := b.back(s.op.login(b.get("/page").location))
		if bound != (r.status == 302) || !bound && r.status != 401 {
			t.Errorf("bound: %t: %d, %v", bound, r.status, r.err)
		}
	}
}

// max_age has the provider ask again, and it's looked at that it has.
func TestMaxAge(t *testing.T) {
	for name, ago := range map[string]time.Duration{"just now": 0, "longer ago": time.Hour, "unknown": -1} {
		s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.URLParams = []string{"max_age=60"} })
		s.op.loggedIn = ago
		b := s.browser()
		r := b.back(s.op.login(b.get("/page").location))
		if ok := ago == 0; ok != (r.status == 302) || !ok && r.status != 401 {
			t.Errorf("%s: %d, %v", name, r.status, r.err)
		}
	}
}

// What is JSON in a request object, and which context it's of.
func TestRequestObject(t *testing.T) {
	op := newProvider(t)
	s := newSite(t, op, func(o *Options, co *oauth.Options) {
		o.RequestObject = clientObject("https://site.example/request")
		o.RequestObject.DisableCache = true
		o.URLParams = []string{`claims={"id_token":{"acr":null}}`, "max_age=60"}
		co.QueryKey = "op"
		other := op.context("other")
		other.Client.ID = "another"
		co.Contexts = append(co.Contexts, other)
	})
	location, err := url.Parse(s.browser().get("/page?op=other").location)
	if err != nil {
		t.Fatal(err)
	}
	uri := location.Query().Get("request_uri")
	to, hash, _ := strings.Cut(uri, "#")
	r := s.browser().get(strings.TrimPrefix(to, "https://site.example"))
	if to != "https://site.example/request?op=other" || hash != challenge(r.body) {
		t.Errorf("%s leads to %s", uri, challenge(r.body))
	}
	said, err := jwt.ParseUnverified(r.body)
	acr, ok := claims.Find(said, "claims.id_token.acr")
	if err != nil || acr != nil || !ok || said["max_age"] != 60.0 || said.Text("client_id") != "another" || said["state"] != nil || said["nonce"] != nil {
		t.Errorf("%v, %v", said, err)
	}
	if r := s.browser().get("/request?op=none"); r.status != 401 {
		t.Errorf("%d", r.status)
	}
}
