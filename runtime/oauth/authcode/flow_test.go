package authcode

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// memory is a store for sessions.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
}

// A site is a gateway with a login, and what a client sees of it.
type site struct {
	t       *testing.T
	op      *provider
	handler gateway.Handler // behind session and authentication
	other   gateway.Handler // another one behind the same
	authn   *Handler

	sessions gateway.Middleware
}

// newSite makes one. change may change the options.
func newSite(t *testing.T, op *provider, change func(*Options, *oauth.Options)) *site {
	t.Helper()
	o := Options{OAuth: oauth.Options{Contexts: []oauth.ContextOptions{op.context("")}}, CallbackURL: callbackURL, LoginPath: "/login", UserInfoPath: "/me"}
	if change != nil {
		change(&o, &o.OAuth)
	}
	s := &site{t: t, op: op}
	var err error
	if s.authn, err = New(o); err != nil {
		t.Fatal(err)
	}
	if s.sessions, err = session.New(session.Options{}); err != nil {
		t.Fatal(err)
	}
	m := authn.New(authn.Options{Handlers: []authn.Authenticator{s.authn}})
	s.handler, s.other = s.sessions(m(page("page"))), s.sessions(m(page("other")))
	return s
}

// page answers with what it has got.
func page(name string) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error {
		q := &x.Request
		body := ""
		if q.Body != nil {
			b, err := io.ReadAll(q.Body)
			if err != nil {
				return err
			}
			body = string(b)
		}
		said := claims.Get(x, claims.DefaultKey)
		who, _ := claims.Find(said, "idt_claims.sub")
		x.Response.Status = 200
		x.Response.Bytes = fmt.Appendf(nil, "%s for %v: %s %s %s?%s %s %s", name, who, q.Method, q.Path, q.RawPath, q.RawQuery, q.Header.Get("X-A"), body)
		if x.Upstream.Get("X-Access-Token") == "" {
			return errors.New("the upstream gets no token")
		}
		return nil
	})
}

// A tab sends requests with the cookies of a browser.
type tab struct {
	*site
	jar    map[string]string
	header gateway.Header
}

func (s *site) browser() *tab { return &tab{site: s, jar: make(map[string]string)} }

// A reply is what a client gets.
type reply struct {
	status   int
	location string
	body     string
	header   gateway.Header
	err      error
}

func (b *tab) send(h gateway.Handler, method, target, body string) *reply {
	x := exchange(method, target, append(gateway.Header(nil), b.header...), "")
	if body != "" {
		x.Request.Body, x.Request.ContentLength = bodyOf(body), int64(len(body))
	}
	for name, value := range b.jar {
		x.Request.Header.Add("Cookie", name+"="+value)
	}
	err := h.Serve(x)
	if err != nil {
		x.Response.Status = gateway.StatusOf(err)
		if e, ok := gateway.AsError(err); ok {
			x.Response.Header = append(x.Response.Header, e.Header...)
		}
	}
	for value := range x.Response.Header.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(value, ";")
		name, value, _ := strings.Cut(pair, "=")
		if b.jar[name] = value; strings.Contains(attributes, "Max-Age=0") {
			delete(b.jar, name)
		}
	}
	return &reply{x.Response.Status, x.Response.Header.Get("Location"), string(x.Response.Bytes), x.Response.Header, err}
}

func (b *tab) get(target string) *reply { return b.send(b.handler, "GET", target, "") }

// back follows the provider's way back.
func (b *tab) back(with url.Values) *reply { return b.get("/callback?" + with.Encode()) }

// want holds a reply against what is expected: a status, and a text in the location or the body.
func (b *tab) want(r *reply, status int, text string) *reply {
	b.t.Helper()
	where := r.body
	if status == 302 {
		where = r.location
	}
	if r.status != status || !strings.Contains(where, text) {
		b.t.Errorf("%d %q (%v), not %d %q", r.status, where, r.err, status, text)
	}
	return r
}

// login logs in.
func (b *tab) login() {
	b.t.Helper()
	r := b.want(b.get("/login"), 302, issuer)
	b.want(b.back(b.op.login(r.location)), 302, "/")
	b.want(b.get("/page"), 200, "page for alice: GET /page")
}

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

// Who has put somebody else into a session of his own isn't in it any more after the login.
func TestFixation(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	store := newStore()
	sessions, err := session.New(session.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{s.authn}})(page("page")))
	thief := s.browser()
	thief.want(thief.get("/page"), 302, issuer)
	victim := s.browser()
	maps.Copy(victim.jar, thief.jar)
	victim.login()
	thief.want(thief.get("/page"), 302, issuer)
	if len(store.values) != 2 { // that of the victim, and the thief's new one
		t.Errorf("%d sessions", len(store.values))
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
	s := newSite(t, newProvider(t), nil)
	s.op.tokenLife = 2 * time.Second
	b := s.browser()
	b.login()
	before := maps.Clone(b.jar)
	s.op.tokenLife = time.Hour
	waitUntil(t, func() bool { b.want(b.get("/page"), 200, "alice"); return s.op.tokens == 2 })
	if maps.Equal(before, b.jar) {
		t.Error("the new tokens aren't kept")
	}
	b.want(b.get("/page"), 200, "alice")
	if s.op.tokens != 2 {
		t.Errorf("%d times", s.op.tokens)
	}
}

// An ID token that has expired leads to another login, and doesn't lock its owner out.
func TestExpired(t *testing.T) {
	s := newSite(t, newProvider(t), nil)
	s.op.tokenLife, s.op.noRefresh = time.Second, true
	b := s.browser()
	b.login()
	waitUntil(t, func() bool { return b.get("/page").status == 302 })
	s.op.tokenLife = time.Hour
	b.login()
}

func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happens")
		}
	}
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

func onlyApp(o *Options, _ *oauth.Options) {
	o.RedirectPatterns = []match.Matcher{match.Prefix("/app/")}
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
	waitUntil(t, func() bool { return b.get("/page").status == 200 })
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
