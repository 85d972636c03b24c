package clientcredentials

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

func options(p *oauthtest.Provider) Options {
	return Options{OAuth: oauth.Options{HeaderKey: "X-Context", Contexts: []oauth.ContextOptions{{
		Provider:     oauth.Provider{Issuer: oauthtest.Issuer, BaseURL: oauthtest.Issuer, Endpoints: oauth.Endpoints{Token: "/token", Introspection: "/introspect"}, Transport: p},
		Client:       oauth.Client{ID: "client", Secret: "secret", Scopes: []string{"a", "b"}},
		Keys:         jwt.Options{PublicKeys: []jwt.Key{p.Public}},
		AccessHeader: "X-Access",
	}}}}
}

// A tester asks an Authenticator.
type tester struct {
	*Authenticator
	p *oauthtest.Provider
}

func start(t testing.TB, p *oauthtest.Provider, o Options) *tester {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &tester{a, p}
}

// token returns what the upstream gets.
func (t *tester) token() (string, error) {
	x := &gateway.Exchange{}
	outcome, err := t.Authenticate(x)
	if (outcome == authn.Accepted) != (err == nil) {
		return "", fmt.Errorf("the outcome is %v, the error %w", outcome, err)
	}
	return x.Upstream.Get("X-Access"), err
}

func (t *tester) calls() int { return len(t.p.Calls("/token")) }

// issue has the provider issue tokens that live for so long, numbered by their subjects.
func issue(t testing.TB, p *oauthtest.Provider, lifetime time.Duration, extra string) {
	n := 0
	p.AnswerBy("/token", func(oauthtest.Call) oauthtest.Answer {
		n++
		token := p.Sign(t, jwt.Claims{"sub": strconv.Itoa(n), "exp": time.Now().Add(lifetime).Unix()})
		return oauthtest.Answer{Delay: time.Second, Body: `{"access_token":"` + token + `"` + extra + `}`}
	})
}

func subject(t testing.TB, token string) string {
	t.Helper()
	c, err := jwt.ParseUnverified(token)
	if err != nil {
		t.Fatal(err)
	}
	return c.Text("sub")
}

func TestOneTokenForAll(t *testing.T) {
	p := oauthtest.New(t)
	synctest.Test(t, func(t *testing.T) {
		issue(t, p, time.Hour, "")
		a := start(t, p, options(p))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if token, err := a.token(); err != nil || subject(t, token) != "1" {
					t.Error(token, err)
				}
			})
		}
		wg.Wait()
		want := map[string][]string{"grant_type": {"client_credentials"}, "scope": {"a b"}, "client_id": {"client"}, "client_secret": {"secret"}}
		if d := cmp.Diff(want, map[string][]string(p.Calls("/token")[0].Form)); d != "" || a.calls() != 1 {
			t.Errorf("asked %d times: %s", a.calls(), d)
		}
		time.Sleep(59*time.Minute - 10*time.Second) // a minute before it expires, a new one is got, while the old one serves
		check := func(what, want string, calls int) {
			t.Helper()
			if token, err := a.token(); err != nil || subject(t, token) != want {
				t.Errorf("%s: %v, %v", what, token, err)
			}
			time.Sleep(2 * time.Second)
			if n := a.calls(); n != calls {
				t.Errorf("%s: asked %d times, want %d", what, n, calls)
			}
		}
		check("before", "1", 1)
		time.Sleep(20 * time.Second)
		check("in time", "1", 2)
		check("then", "2", 2)

		p.Answer("/token", oauthtest.Answer{Status: 500})
		time.Sleep(59 * time.Minute)
		for n := range 3 {
			check("the provider fails", "2", 3+n)
			check("and isn't asked all the time", "2", 3+n)
			time.Sleep(retryAfter)
		}
		time.Sleep(time.Hour)
		for range 3 {
			if _, err := a.token(); gateway.StatusOf(err) != 500 {
				t.Errorf("the provider fails, and the token has expired: %v", err)
			}
		}
		if n := a.calls(); n != 6 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(failedAfter)
		issue(t, p, time.Hour, "")
		check("it's back", "1", 7)
	})
}

func TestLifetimes(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		after  time.Duration
		calls  int
	}{
		"opaque, for ever":         {`{"access_token":"opaque"}`, 1000 * time.Hour, 1},
		"opaque, by expires_in":    {`{"access_token":"opaque","expires_in":60}`, 61 * time.Second, 2},
		"opaque, not yet":          {`{"access_token":"opaque","expires_in":60}`, 30 * time.Second, 1},
		"opaque, soon":             {`{"access_token":"opaque","expires_in":60}`, 50 * time.Second, 2},
		"with a refresh token":     {`{"access_token":"opaque","expires_in":60,"refresh_token":"r"}`, 61 * time.Second, 2},
		"expires before it's used": {`{"access_token":"opaque","expires_in":1}`, 2 * time.Second, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := oauthtest.New(t)
			p.Answer("/token", oauthtest.Answer{Body: tt.answer})
			a := start(t, p, options(p))
			for range 2 {
				if _, err := a.token(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			time.Sleep(tt.after)
			if token, err := a.token(); err != nil || token != "opaque" {
				t.Errorf("%s: %q, %v", name, token, err)
			}
			synctest.Wait()
			if n := a.calls(); n != tt.calls {
				t.Errorf("%s: asked %d times, want %d", name, n, tt.calls)
			}
			calls := p.Calls("/token")
			if grant := calls[len(calls)-1].Form.Get("grant_type"); (grant == "refresh_token") != (name == "with a refresh token") {
				t.Errorf("%s: asked by %s", name, grant)
			}
		})
	}
}

// A refresh token that isn't good any more is no reason to fail.
func TestRefreshRefused(t *testing.T) {
	p := oauthtest.New(t)
	p.AnswerBy("/token", func(c oauthtest.Call) oauthtest.Answer {
		if c.Form.Get("grant_type") == "refresh_token" {
			return oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "invalid_grant")}
		}
		return oauthtest.Answer{Body: `{"access_token":"opaque","expires_in":60,"refresh_token":"r"}`}
	})
	synctest.Test(t, func(t *testing.T) {
		a := start(t, p, options(p))
		for range 3 {
			if _, err := a.token(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
		}
		if n := a.calls(); n != 5 {
			t.Errorf("asked %d times, want 5", n)
		}
	})
}

func TestRefused(t *testing.T) {
	stranger := oauthtest.New(t)
	for name, tt := range map[string]struct {
		answer oauthtest.Answer
		status int
	}{
		"by the provider":    {oauthtest.Answer{Status: 401, Body: oauthtest.JSON("error", "invalid_client")}, 401},
		"away":               {oauthtest.Answer{Err: errors.New("no route")}, 500},
		"somebody's else":    {oauthtest.Answer{Body: oauthtest.JSON("access_token", stranger.Sign(t, nil))}, 401},
		"no tokens":          {oauthtest.Answer{Body: "{}"}, 500},
		"the answer is HTML": {oauthtest.Answer{ContentType: "text/html"}, 500},
	} {
		p := oauthtest.New(t)
		p.Answer("/token", tt.answer)
		if token, err := start(t, p, options(p)).token(); gateway.StatusOf(err) != tt.status || token != "" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	p := oauthtest.New(t)
	a := start(t, p, options(p))
	x := &gateway.Exchange{}
	x.Request.Header.Add("X-Context", "none")
	outcome, err := a.Authenticate(x)
	if e, ok := gateway.AsError(err); outcome != authn.Failed || !ok || e.Status != 401 || e.Code != "E3050" {
		t.Errorf("an unknown context: %v, %v", outcome, err)
	}
	var h gateway.Header
	if a.Challenge(&h, err); len(h) > 0 {
		t.Errorf("clients are challenged: %v", h)
	}
}

func TestIntrospected(t *testing.T) {
	p := oauthtest.New(t)
	p.Answer("/token", oauthtest.Answer{Body: oauthtest.JSON("access_token", "opaque")})
	active := true
	p.AnswerBy("/introspect", func(oauthtest.Call) oauthtest.Answer {
		defer func() { active = true }()
		return oauthtest.Answer{Body: fmt.Sprintf(`{"active":%v}`, active)}
	})
	o := options(p)
	o.OAuth.Contexts[0].Introspect = true
	a := start(t, p, o)
	for want, revoked := range []bool{false, false, true, false} {
		active = !revoked
		if _, err := a.token(); err != nil {
			t.Fatal(want, err)
		}
	}
	if n := a.calls(); n != 2 {
		t.Errorf("asked %d times for a token, want 2: one was revoked", n)
	}
}

// A client that doesn't want to wait takes nothing from the others.
func TestHasty(t *testing.T) {
	p := oauthtest.New(t)
	synctest.Test(t, func(t *testing.T) {
		issue(t, p, time.Hour, "")
		a := start(t, p, options(p))
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		x := &gateway.Exchange{}
		x.SetContext(ctx)
		if outcome, err := a.Authenticate(x); outcome != authn.Failed || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(outcome, err)
		}
		if _, err := a.token(); err != nil || a.calls() != 1 {
			t.Errorf("asked %d times, %v", a.calls(), err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	p := oauthtest.New(b)
	p.Answer("/token", oauthtest.Answer{Body: oauthtest.JSON("access_token", p.Sign(b, nil))})
	a := start(b, p, options(p))
	x := &gateway.Exchange{}
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		if _, err := a.Authenticate(x); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	provider := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		leg.Response.Header.Add("Content-Type", "application/json")
		leg.Response.Bytes = []byte(`{"access_token":"2YotnFZFEjr1zCsicMWpAA","expires_in":3600}`)
		return nil
	})
	a, err := New(Options{OAuth: oauth.Options{Transport: provider, Contexts: []oauth.ContextOptions{{
		Provider:     oauth.Provider{Endpoints: oauth.Endpoints{Token: "https://issuer.example/token"}},
		Client:       oauth.Client{ID: "gateway", Secret: "secret"},
		AccessHeader: "X-Access-Token",
	}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := authn.New(authn.Options{Handlers: []authn.Authenticator{a}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println(x.Upstream.Get("X-Access-Token"), claims.Get(x, claims.DefaultKey)["context"])
		return nil
	}))
	fmt.Println(h.Serve(&gateway.Exchange{}))
	// Output:
	// 2YotnFZFEjr1zCsicMWpAA default
	// <nil>
}
