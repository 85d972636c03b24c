package oauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// client is the client of the tests, at p, with its keys and all endpoints.
func client(p *oauthtest.Provider) ContextOptions {
	return ContextOptions{
		Provider: Provider{
			Issuer: oauthtest.Issuer, BaseURL: oauthtest.Issuer, Transport: p,
			Endpoints: Endpoints{Authorization: "/auth", Token: "/token", Userinfo: "/userinfo", Introspection: "/introspect"},
		},
		Client: Client{ID: "client", Secret: "s3cr&t", Scopes: []string{"openid", "email"}},
		Keys:   jwt.Options{PublicKeys: []jwt.Key{p.Public}},
	}
}

func newContexts(t testing.TB, o Options) *Contexts {
	t.Helper()
	cs, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func newTestContext(t testing.TB, o ContextOptions) *Context {
	t.Helper()
	return newContexts(t, Options{Contexts: []ContextOptions{o}}).Named("")
}

func TestSelect(t *testing.T) {
	p := oauthtest.New(t)
	one, two := client(p), client(p)
	two.Name = "two"
	request := func(query, header string) *gateway.Exchange {
		x := &gateway.Exchange{}
		x.Request.RawQuery = query
		if header != "" {
			x.Request.Header.Add("x-context", header)
		}
		return x
	}
	for _, tt := range []struct {
		query, header string // names
		x             *gateway.Exchange
		want          string
	}{
		{"", "", request("", ""), "default"},
		{"", "", request("context=two", "two"), "default"},
		{"", "X-Context", request("", "two"), "two"},
		{"", "X-Context", request("", "default"), "default"},
		{"", "X-Context", request("", ""), "default"},
		{"", "X-Context", request("", "three"), ""},
		{"context", "X-Context", request("a=b&context=two", ""), "two"},
		{"context", "X-Context", request("", "two"), "default"},
		{"context", "X-Context", request("context=", "two"), "default"},
		{"context", "X-Context", request("context=t%77o", ""), "two"},
	} {
		cs := newContexts(t, Options{Contexts: []ContextOptions{one, two}, QueryKey: tt.query, HeaderKey: tt.header})
		got := ""
		if c := cs.Select(tt.x); c != nil {
			got = c.Name()
		}
		if got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	if _, err := New(Options{Contexts: []ContextOptions{two, two}}); err == nil {
		t.Error("two contexts have the same name")
	}
	if cs := newContexts(t, Options{Contexts: []ContextOptions{two}}); cs.Named("") != nil {
		t.Error("there is a default context")
	}
}

func TestEndpoints(t *testing.T) {
	for _, tt := range []struct{ base, path, want string }{
		{"https://op.example", "/token", "https://op.example/token"},
		{"https://op.example/a/", "token", "https://op.example/a/token"},
		{"https://op.example/a", "/token?x=y", "https://op.example/a/token?x=y"},
		{"https://op.example", "https://other.example/token", "https://other.example/token"},
		{"", "http://other.example:8080/token", "http://other.example:8080/token"},
		{"https://op.example", "", ""},
		{"", "/token", "error"},
		{"op.example", "/token", "error"},
		{"", "ftp://other.example/token", "error"},
	} {
		p := Provider{BaseURL: tt.base, Endpoints: Endpoints{Token: tt.path}}
		e, err := p.resolve()
		if got := e.Token; (err != nil) != (tt.want == "error") || err == nil && got != tt.want {
			t.Errorf("%q and %q: %q, %v", tt.base, tt.path, got, err)
		}
	}
}

// lines is a logger that keeps what it is told.
type lines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, _ gateway.Level, msg string, attrs ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range attrs {
		msg += " " + a.Text()
	}
	l.lines = append(l.lines, msg)
}

// discovered is a context that knows nothing but where to discover the rest.
func discovered(p *oauthtest.Provider) ContextOptions {
	o := client(p)
	o.Provider = Provider{BaseURL: oauthtest.Issuer, Endpoints: Endpoints{Discovery: "/.well-known/openid-configuration"}, Transport: p}
	o.Keys = jwt.Options{}
	return o
}

func TestDiscovery(t *testing.T) {
	p := oauthtest.New(t)
	synctest.Test(t, func(t *testing.T) {
		good := p.Sign(t, nil)
		other := p.Sign(t, jwt.Claims{"iss": "https://other.example"})
		log := &lines{}
		const path = "/.well-known/openid-configuration"
		p.Answer(path, oauthtest.Answer{Err: errors.New("no route"), Delay: time.Second})
		cs := newContexts(t, Options{Contexts: []ContextOptions{discovered(p)}, Logger: log})
		c := cs.Named("")
		if err := cs.Initialize(); err != nil {
			t.Fatal(err)
		}
		validate := func(token string) error {
			tokens := Presented(token)
			_, err := c.Validate(context.Background(), &tokens, "")
			return err
		}
		unavailable := func(what string) {
			t.Helper()
			_, err := c.Endpoint(context.Background(), TokenEndpoint)
			e, _ := gateway.AsError(err)
			if e == nil || e.Status != 503 || e.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %v", what, err)
			}
			if got := validate(good); gateway.StatusOf(got) != 503 {
				t.Errorf("%s: a token: %v", what, got)
			}
		}
		unavailable("while it's tried") // waits for that
		unavailable("between")
		for _, bad := range []oauthtest.Answer{{Status: 500}, {Body: "[]"}, {Body: "{"}, {Body: oauthtest.Metadata(map[string]any{"issuer": nil})}} {
			p.Answer(path, bad)
			time.Sleep(longestPause + time.Second)
			unavailable(bad.Body)
		}
		p.Answer(path, oauthtest.Answer{Body: oauthtest.Metadata(map[string]any{"introspection_endpoint": nil, "revocation_endpoint": "javascript:alert(1)"})})
		time.Sleep(longestPause + time.Second)
		if url, err := c.Endpoint(context.Background(), TokenEndpoint); url != oauthtest.Issuer+"/token" || err != nil {
			t.Error(url, err)
		}
		for _, missing := range []func(*Endpoints) string{IntrospectionEndpoint, RevocationEndpoint} {
			if _, err := c.Endpoint(context.Background(), missing); gateway.StatusOf(err) != 500 || c.HasEndpoint(missing) {
				t.Errorf("an endpoint that isn't there: %v", err)
			}
		}
		if got, err := c.Issuer(context.Background()); got != oauthtest.Issuer || err != nil {
			t.Error(got, err)
		}
		if err := validate(good); err != nil {
			t.Error(err)
		}
		if err := validate(other); !errors.Is(err, ErrReauthenticate) {
			t.Errorf("the issuer that was discovered isn't enforced: %v", err)
		}
		n := len(p.Calls(path))
		time.Sleep(time.Hour)
		if again := len(p.Calls(path)); again != n {
			t.Errorf("it was discovered %d times more", again-n)
		}
		want := []string{
			"the provider can't be discovered yet default https://op.example/.well-known/openid-configuration no route",
			"the provider is discovered default https://op.example/.well-known/openid-configuration",
		}
		if d := cmp.Diff(want, log.lines); d != "" {
			t.Error(d)
		}
		if err := cs.Finalize(); err != nil {
			t.Error(err)
		}
	})
}

// A gateway ends while a provider is looked for, and one that has never begun to.
func TestDiscoveryEnds(t *testing.T) {
	p := oauthtest.New(t)
	for _, delay := range []time.Duration{0, 5 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p.Answer("/.well-known/openid-configuration", oauthtest.Answer{Err: errors.New("no route"), Delay: delay})
			cs := newContexts(t, Options{Contexts: []ContextOptions{discovered(p)}})
			if err := errors.Join(cs.Finalize(), cs.Initialize()); err != nil {
				t.Error(err)
			}
			time.Sleep(11 * time.Second)
			if err := cs.Finalize(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What the configuration says counts more than what is discovered.
func TestConfiguredFirst(t *testing.T) {
	p := oauthtest.New(t)
	p.Answer("/.well-known/openid-configuration", oauthtest.Answer{Body: oauthtest.Metadata(map[string]any{
		"issuer": "https://other.example", "token_endpoint": "https://other.example/token",
		"mtls_endpoint_aliases": map[string]any{"token_endpoint": "https://mtls.example/token", "introspection_endpoint": "https://mtls.example/introspect"},
	})})
	log := &lines{}
	o := client(p)
	o.Provider.Endpoints.Introspection, o.Provider.Endpoints.Discovery = "", "/.well-known/openid-configuration"
	o.Redeemer.Auth, o.Introspector.Auth = TLSClientAuth, SelfSignedTLSClientAuth
	cs := newContexts(t, Options{Contexts: []ContextOptions{o}, Logger: log})
	if err := cs.Initialize(); err != nil {
		t.Fatal(err)
	}
	c := cs.Named("")
	if err := c.discovery.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cs.Finalize(); err != nil {
		t.Fatal(err)
	}
	tokens := Presented(p.Sign(t, nil))
	if _, err := c.Validate(t.Context(), &tokens, ""); err != nil {
		t.Error(err)
	}
	if len(log.lines) != 2 || !strings.Contains(log.lines[0], "another issuer") {
		t.Errorf("the log is %q", log.lines)
	}
	_, _, _ = c.Redeem(t.Context(), map[string][]string{})
	_, _ = c.introspect(t.Context(), "x")
	if n := len(p.Calls("/token")); n != 1 || p.Calls("/token")[0].URL != oauthtest.Issuer+"/token" {
		t.Errorf("the token endpoint isn't that of the configuration: %v", p.Calls("/token"))
	}
	if calls := p.Calls("/introspect"); len(calls) != 1 || calls[0].URL != "https://mtls.example/introspect" {
		t.Errorf("the introspection endpoint isn't that for clients with certificates: %v", calls)
	}
}

func TestSkipVariables(t *testing.T) {
	t.Setenv("AILERON_SKIP_AT_VALIDATION", "true")
	p, log := oauthtest.New(t), &lines{}
	cs := newContexts(t, Options{Contexts: []ContextOptions{client(p)}, Logger: log})
	if err := cs.Initialize(); err != nil {
		t.Fatal(err)
	}
	tokens := Presented("garbage")
	if _, err := cs.Named("").Validate(t.Context(), &tokens, ""); err == nil {
		t.Error("an environment variable switches the validation off")
	}
	if d := cmp.Diff([]string{"tokens are validated, whatever this variable says AILERON_SKIP_AT_VALIDATION"}, log.lines); d != "" {
		t.Error(d)
	}
}

func TestAccept(t *testing.T) {
	p := oauthtest.New(t)
	o := client(p)
	o.ClaimsKey, o.AccessHeader, o.IDHeader = "who", "X-Access", "X-ID"
	c := newTestContext(t, o)
	tokens := Tokens{Access: p.Sign(t, jwt.Claims{"scope": "read", "exp": int64(4000000000), "iat": nil}), Refresh: "r"}
	r, err := c.Validate(t.Context(), &tokens, "")
	if err != nil {
		t.Fatal(err)
	}
	x := &gateway.Exchange{}
	x.Request.Header.Add("x-id", "forged")
	x.Request.Header.Add("x-access", "forged")
	c.Accept(x, r)
	want := map[string]any{
		"context": "default", "idt": "", "idt_exp": nil, "idt_claims": nil, "at": tokens.Access, "at_exp": 4e9, "rt": "r",
		"at_claims": map[string]any{"iss": oauthtest.Issuer, "aud": "client", "sub": "alice", "scope": "read", "exp": 4e9},
	}
	if d := cmp.Diff(want, claims.Get(x, "who")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(gateway.Header{{Name: "X-Access", Value: tokens.Access}}, x.Upstream); d != "" {
		t.Error(d)
	}
	if x.Request.Header.Has("X-ID") {
		t.Error("a header that a client has forged gets to the upstream")
	}
}

func TestTokens(t *testing.T) {
	for _, want := range []Tokens{
		{},
		{Access: "a"},
		{ID: "i", Access: "a", Refresh: "r\"\n", Context: "c", Scope: "x y", Expires: time.Unix(1800000000, 0), validated: true, said: jwt.Claims{"n": 1.5}},
	} {
		got, err := ParseTokens(want.Append(nil))
		want.restored = true
		if err != nil || !cmp.Equal(want, got, cmp.AllowUnexported(Tokens{})) {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "[]", "{", "null"} {
		if _, err := ParseTokens([]byte(s)); err == nil {
			t.Errorf("%q is parsed", s)
		}
	}
	response := (&Tokens{Access: "a", ID: "i", Expires: time.Now().Add(-time.Hour)}).Response()
	if d := cmp.Diff(map[string]any{"access_token": "a", "expires_in": int64(0), "id_token": "i", "token_type": "Bearer"}, response); d != "" {
		t.Error(d)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"at":"a","exp":1e99,"at_claims":{}}`))
	f.Add([]byte(`{"at":1,"exp":"x","at_claims":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tokens, err := ParseTokens(b)
		if err != nil {
			return
		}
		again, err := ParseTokens(tokens.Append(nil))
		if err != nil || again.Access != tokens.Access || again.ID != tokens.ID {
			t.Errorf("%q became %+v, %v", b, again, err)
		}
	})
}
