package authcode

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

func TestLogin(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	b := s.browser()
	r := b.want(b.get("/a%20b?c=d"), 302, issuer)
	query, _ := url.ParseQuery(r.location[strings.Index(r.location, "?")+1:])
	want := fmt.Sprintf("https://op.example/auth?client_id=web&response_type=code&code_challenge=%s&code_challenge_method=S256&nonce=%s&state=%s&scope=openid+email&redirect_uri=https%%3A%%2F%%2Fsite.example%%2Fcallback",
		query.Get("code_challenge"), query.Get("nonce"), query.Get("state"))
	if r.location != want || len(query.Get("state")) != 112 || len(query.Get("nonce")) != 43 || len(query.Get("code_challenge")) != 43 {
		t.Errorf("%s", r.location)
	}
	for name, value := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if r.header.Get(name) != value {
			t.Errorf("%s: %q", name, r.header.Get(name))
		}
	}
	back := s.op.login(r.location)
	if r = b.back(back); r.status != 302 || r.location != "/a%20b?c=d" {
		t.Errorf("%d %s: %v", r.status, r.location, r.err)
	}
	b.want(b.get("/a%20b?c=d"), 200, "page for alice: GET /a b /a%20b?c=d")
	b.want(b.get("/login"), 302, "/")
	b.want(b.get("/login?rd=/x"), 302, "/x")
	b.want(b.get("/login?rd=//evil.example/x"), 302, "/")
	if r := b.want(b.get("/me"), 200, `"sub":"alice"`); r.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", r.header)
	}
	// The same answer again leads home, as from the history of the browser; to somebody else it's of no use.
	b.want(b.back(back), 302, "/")
	thief := s.browser()
	r = thief.want(thief.back(back), 401, "")
	if e, _ := gateway.AsError(r.err); e.Code != "E3004" {
		t.Errorf("%v", r.err)
	}
	if s.op.tokens != 1 {
		t.Errorf("the provider was asked for tokens %d times", s.op.tokens)
	}
}

// What comes back must belong to what was sent.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(op *provider, back url.Values)
		status int
		why    string
	}{
		"state":          {func(_ *provider, back url.Values) { back.Set("state", "x"+back.Get("state")[1:]) }, 401, "state"},
		"no state":       {func(_ *provider, back url.Values) { back.Del("state") }, 401, "state"},
		"nonce":          {func(op *provider, _ url.Values) { op.wrongNonce = true }, 401, "nonce"},
		"issuer":         {func(_ *provider, back url.Values) { back.Set("iss", "https://evil.example") }, 401, "issuer"},
		"another's code": {func(_ *provider, back url.Values) { back.Set("code", "code99") }, 401, "invalid_grant"},
		"used code":      {func(op *provider, back url.Values) { op.used[back.Get("code")] = true }, 401, "invalid_grant"},
		"no code":        {func(_ *provider, back url.Values) { back.Del("code") }, 401, "no code"},
		"an error": {func(_ *provider, back url.Values) {
			back.Set("error", "access_denied\n")
			back.Set("error_description", "no, Alice")
		}, 401, "access_denied?: no, Alice"},
		"provider fails":   {func(op *provider, _ url.Values) { op.tokenStatus = 503 }, 500, "503"},
		"provider is away": {func(op *provider, _ url.Values) { op.down = errors.New("refused") }, 500, "refused"},
		"expired already":  {func(op *provider, _ url.Values) { op.tokenLife = -time.Minute; op.wrongNonce = true }, 401, "expired"},
		"expired":          {func(op *provider, _ url.Values) { op.tokenLife = -time.Minute; op.noRefresh = true }, 401, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, newProvider(t), nil)
			b := s.browser()
			back := s.op.login(b.want(b.get("/page"), 302, issuer).location)
			tt.change(s.op, back)
			r := b.want(b.back(back), tt.status, "")
			if r.err == nil || !strings.Contains(r.err.Error(), tt.why) {
				t.Errorf("%v", r.err)
			}
			for _, secret := range []string{back.Get("code"), secret} {
				if secret != "" && strings.Contains(fmt.Sprint(r.err), secret) {
					t.Errorf("%v has a secret in it", r.err)
				}
			}
			*s.op = *newProvider(t)
			b.login()
		})
	}
}

// Tabs don't disturb each other, and come back to where each of them was.
func TestTabs(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	b := s.browser()
	first, second := b.get("/first"), b.get("/second")
	b.want(b.back(s.op.login(first.location)), 302, "/first")
	b.want(b.back(s.op.login(second.location)), 302, "/second")
	b.want(b.get("/page"), 200, "alice")
}

// Tabs that are opened at the same time don't know of each other's cookies yet.
func TestTabsAtOnce(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	b, other := s.browser(), s.browser()
	first, second := b.get("/first"), other.get("/second")
	maps.Copy(b.jar, other.jar)
	b.want(b.back(s.op.login(first.location)), 302, "/first")
	b.want(b.back(s.op.login(second.location)), 302, "/second")
	b.want(b.get("/page"), 200, "alice")
	if len(b.jar) != 1 {
		t.Errorf("%d cookies are left", len(b.jar))
	}
}

// There are only so many logins that have begun: the oldest have to begin again.
func TestManyTabs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, newProvider(t), nil)
		b := s.browser()
		var begun []*reply
		for range maxAttempts + 3 {
			begun = append(begun, b.get("/page"))
			time.Sleep(time.Second)
			if len(b.jar) > maxAttempts {
				t.Fatalf("%d cookies", len(b.jar))
			}
		}
		if r := b.want(b.back(s.op.login(begun[2].location)), 401, ""); !strings.Contains(r.err.Error(), "state") {
			t.Error(r.err)
		}
		b.want(b.back(s.op.login(begun[3].location)), 302, "/page")
		// Those that are too old, or that somebody has made up, don't count and don't stay.
		time.Sleep(attemptLife)
		b.jar["_SESSION-login-x"] = "eA=="
		thief := s.browser()
		maps.Copy(thief.jar, b.jar)
		delete(thief.jar, "_SESSION0")
		thief.want(thief.get("/page"), 302, issuer)
		if len(thief.jar) != 1 {
			t.Errorf("%d cookies", len(thief.jar))
		}
	})
}

// Who has put somebody else into a session of his own isn't in it any more after the login.
func TestFixation(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	store := newStore()
	sessions, err := session.New(session.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{s.authn}})(page("page")))
	cart := sessions(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		c, err := session.Of(x)
		if err == nil {
			c.Set("cart", []byte("1"))
		}
		return err
	}))
	thief := s.browser()
	thief.send(cart, "GET", "/", "")
	victim := s.browser()
	maps.Copy(victim.jar, thief.jar)
	victim.login()
	thief.want(thief.get("/page"), 302, issuer)
	if len(store.values) != 1 || victim.jar["_SESSION"] == thief.jar["_SESSION"] {
		t.Errorf("%d sessions, %q and %q", len(store.values), victim.jar, thief.jar)
	}
}

// The answer of one provider isn't sent to another.
func TestMixUp(t *testing.T) {
	honest, evil := newProvider(t), newProvider(t)
	evil.issuer = "https://evil.example"
	s := newSite(t, honest, func(o *Options, co *oauth.Options) {
		co.QueryKey = "op"
		co.Contexts = append(co.Contexts, evil.context("evil"))
	})
	b := s.browser()
	// The client chooses the evil one, who leads it to the honest one, and has it come back with a code of that.
	r := b.get("/page?op=evil")
	back := honest.login(strings.Replace(r.location, evil.issuer, honest.issuer, 1))
	r = b.want(b.back(back), 401, "")
	if evil.tokens != 0 || !strings.Contains(r.err.Error(), "issuer") {
		t.Errorf("the evil provider has got a code: %v", r.err)
	}
	// Each is remembered for the way back.
	b.want(b.back(evil.login(b.get("/page?op=evil").location)), 302, "/page?op=evil")
	if evil.tokens != 1 || honest.tokens != 0 {
		t.Errorf("%d, %d", evil.tokens, honest.tokens)
	}
	b.want(b.get("/page"), 200, "alice")
	if r := s.browser().get("/page?op=none"); r.status != 401 {
		t.Errorf("a context that isn't there: %d", r.status)
	}
}

func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, newProvider(t), nil)
		b := s.browser()
		b.login()
		before := maps.Clone(b.jar)
		time.Sleep(s.op.tokenLife + 10*time.Second)
		b.want(b.get("/page"), 200, "alice")
		if maps.Equal(before, b.jar) {
			t.Error("the new tokens aren't kept")
		}
		b.want(b.get("/page"), 200, "alice")
		if s.op.tokens != 2 {
			t.Errorf("the provider was asked for tokens %d times", s.op.tokens)
		}
	})
}

// An ID token that has expired leads to another login, and doesn't lock its owner out.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, newProvider(t), nil)
		s.op.noRefresh = true
		b := s.browser()
		b.login()
		time.Sleep(s.op.tokenLife + 10*time.Second)
		b.want(b.get("/page"), 302, issuer)
		b.login()
	})
}

// A login that isn't finished in time has to begin again.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, newProvider(t), nil)
		b := s.browser()
		back := s.op.login(b.get("/page").location)
		time.Sleep(attemptLife)
		b.want(b.back(back), 401, "")
		b.login()
	})
}

// Clients that can do nothing with a login page aren't sent to one.
func TestUnauthenticated(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Options, *oauth.Options)
		method string
		target string
		header string
		status int
		text   string
	}{
		"GET":                {nil, "GET", "/page", "", 302, issuer},
		"HEAD":               {nil, "HEAD", "/page", "", 302, issuer},
		"POST":               {nil, "POST", "/page", "", 302, issuer},
		"navigation":         {nil, "GET", "/page", "Sec-Fetch-Mode: navigate", 302, issuer},
		"fetch":              {nil, "GET", "/page", "Sec-Fetch-Mode: cors", 401, ""},
		"XHR":                {nil, "POST", "/page", "X-Requested-With: XMLHttpRequest", 401, ""},
		"image":              {nil, "GET", "/page", "Sec-Fetch-Mode: no-cors", 401, ""},
		"login":              {nil, "GET", "/login", "", 302, issuer},
		"to the login":       {func(o *Options, _ *oauth.Options) { o.RedirectToLogin = true }, "GET", "/page", "", 302, "/login"},
		"at the login":       {func(o *Options, _ *oauth.Options) { o.RedirectToLogin = true }, "GET", "/login", "", 302, issuer},
		"any":                {func(o *Options, _ *oauth.Options) { o.UnauthorizeAny = true }, "GET", "/page", "", 401, ""},
		"any at the login":   {func(o *Options, _ *oauth.Options) { o.UnauthorizeAny = true }, "GET", "/login", "", 302, issuer},
		"callback":           {nil, "GET", "/callback", "", 401, ""},
		"HEAD callback":      {nil, "HEAD", "/callback?code=1&state=2", "", 405, ""},
		"user info":          {nil, "GET", "/me", "", 302, issuer},
		"another host":       {nil, "GET", "/login?rd=//evil.example", "", 401, ""},
		"path of another":    {nil, "GET", "//evil.example", "", 401, ""},
		"not the pattern":    {onlyApp, "GET", "/page", "", 401, ""},
		"the pattern":        {onlyApp, "GET", "/app/page", "", 302, issuer},
		"rd not the pattern": {onlyApp, "GET", "/login?rd=/page", "", 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, newProvider(t), tt.change).browser()
			if name, value, ok := strings.Cut(tt.header, ": "); ok {
				b.header = gateway.Header{{Name: name, Value: value}}
			}
			r := b.want(b.send(b.handler, tt.method, tt.target, ""), tt.status, tt.text)
			if tt.status != 302 && len(b.jar) > 0 {
				t.Errorf("a session for %d (%v)", r.status, r.err)
			}
		})
	}
}

func TestRedirectPath(t *testing.T) {
	s := newSite(t, newProvider(t), func(o *Options, _ *oauth.Options) { o.RedirectPath, o.RedirectKey = "/home", "to" })
	for target, want := range map[string]string{"/page": "/home", "/login?to=/there%3Fa=b": "/there?a=b", "/login?rd=/there": "/home", "/login": "/home"} {
		b := s.browser()
		if r := b.back(s.op.login(b.get(target).location)); r.location != want {
			t.Errorf("%s leads to %q, not %q", target, r.location, want)
		}
	}
}
