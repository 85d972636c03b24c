package ropc

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// A site is a gateway with sessions, in front of an upstream that answers with the body that it gets.
type site struct {
	h       gateway.Handler
	cookies []string
}

func newSite(t testing.TB, p *oauthtest.Provider, change func(o *Options)) *site {
	t.Helper()
	o := Options{OAuth: oauth.Options{HeaderKey: "X-Context", Contexts: []oauth.ContextOptions{
		{
			Provider:     oauth.Provider{Issuer: oauthtest.Issuer, BaseURL: oauthtest.Issuer, Endpoints: oauth.Endpoints{Token: "/token", Introspection: "/introspect"}, Transport: p},
			Client:       oauth.Client{ID: "client", Secret: "secret", Scopes: []string{"openid"}},
			Keys:         jwt.Options{PublicKeys: []jwt.Key{p.Public}},
			AccessHeader: "X-Access",
		},
	}}}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	upstream := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		if x.Request.Body != nil {
			b, err := io.ReadAll(x.Request.Body)
			if err != nil {
				return err
			}
			x.Response.Bytes = b
		}
		if claims.Get(x, claims.DefaultKey) == nil || !x.Upstream.Has("X-Access") {
			return errors.New("there are no claims")
		}
		return nil
	})
	return &site{h: sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{a}})(upstream))}
}

// get sends a request, and keeps the cookies.
func (s *site) get(x *gateway.Exchange) (status int, body string, err error) {
	if len(s.cookies) > 0 {
		x.Request.Header.Add("Cookie", strings.Join(s.cookies, "; "))
	}
	err = s.h.Serve(x)
	status, body = x.Response.Status, string(x.Response.Bytes)
	if err != nil {
		status, body = gateway.StatusOf(err), ""
	}
	for v := range x.Response.Header.Values("Set-Cookie") {
		c, _, _ := strings.Cut(v, ";")
		s.cookies = []string{c}
	}
	return status, body, err
}

func basicAuth(userAndPassword string) *gateway.Exchange {
	x := &gateway.Exchange{}
	x.Request.Method, x.Request.Path = "GET", "/"
	x.Request.Header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(userAndPassword)))
	return x
}

func plain(path string) *gateway.Exchange {
	x := &gateway.Exchange{}
	x.Request.Method, x.Request.Path = "GET", path
	return x
}

func form(values string) *gateway.Exchange {
	x := &gateway.Exchange{}
	x.Request.Method, x.Request.Path = "POST", "/"
	x.Request.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	x.Request.Body, x.Request.ContentLength = io.NopCloser(strings.NewReader(values)), int64(len(values))
	return x
}

// accounts has the provider know alice and her password.
func accounts(t testing.TB, p *oauthtest.Provider, more func() string) {
	p.AnswerBy("/token", func(c oauthtest.Call) oauthtest.Answer {
		switch c.Form.Get("grant_type") + c.Form.Get("username") + c.Form.Get("password") {
		case "passwordalices3c:ret":
			return oauthtest.Answer{Body: `{"access_token":"` + p.Sign(t, nil) + `"` + more() + `}`}
		case "passwordcarols3c:ret":
			return oauthtest.Answer{Body: `{"access_token":"` + p.Sign(t, jwt.Claims{"iss": "x"}) + `"}`}
		case "passworddownx":
			return oauthtest.Answer{Status: 503, Body: "{}"}
		case "refresh_token":
			return oauthtest.Answer{Body: `{"access_token":"` + p.Sign(t, nil) + `","refresh_token":"second"}`}
		}
		return oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "invalid_grant")}
	})
}

func nothing() string { return "" }

func TestLogin(t *testing.T) {
	keys := func(o *Options) { o.UsernameKey, o.PasswordKey = "u", "p" }
	const body = "u=alice&p=s3c%3Aret&x=y"
	multipart := form(body)
	multipart.Request.Header.Set("Content-Type", "multipart/form-data")
	unknown := basicAuth("alice:s3c:ret")
	unknown.Request.Header.Add("X-Context", "none")
	twice := basicAuth("alice:s3c:ret")
	twice.Request.Header.Add("Authorization", "Basic x")
	for name, tt := range map[string]struct {
		change func(o *Options)
		x      *gateway.Exchange
		status int
		body   string
		err    string
	}{
		"basic":           {nil, basicAuth("alice:s3c:ret"), 200, "", ""},
		"wrong password":  {nil, basicAuth("alice:secret"), 401, "", "wrong credentials [E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 400 Bad Request, invalid_grant]"},
		"nothing":         {nil, plain("/"), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"no password":     {nil, basicAuth("alice:"), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"no name":         {nil, basicAuth(":x"), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"twice":           {nil, twice, 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"form, no keys":   {nil, form(body), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"form":            {keys, form(body), 200, body, ""},
		"form, no name":   {keys, form("p=x"), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"form, too long":  {keys, form(strings.Repeat("x", maxForm+1)), 413, "", "E3056.AppAuthnInvalidCredential the form can't be read [the body is too long]"},
		"another type":    {keys, multipart, 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"basic, but keys": {keys, basicAuth("alice:s3c:ret"), 401, "", "wrong credentials [E3056.AppAuthnInvalidCredential there is no name and password in the request]"},
		"invalid tokens":  {nil, basicAuth("carol:s3c:ret"), 401, "", "wrong credentials [authn/oauth: authentication required: E3051.AppAuthnParseWithClaims the token is not valid [it is of another issuer]]"},
		"provider fails":  {nil, basicAuth("down:x"), 500, "", "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 503 Service Unavailable"},
		"unknown context": {nil, unknown, 401, "", "no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			p := oauthtest.New(t)
			accounts(t, p, nothing)
			s := newSite(t, p, tt.change)
			status, body, err := s.get(tt.x)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if status != tt.status || body != tt.body || got != tt.err {
				t.Errorf("got %d %q, %s; want %d %q, %s", status, body, got, tt.status, tt.body, tt.err)
			}
			if e, _ := gateway.AsError(err); err != nil && e.Header.Has("WWW-Authenticate") {
				t.Errorf("there is a challenge: %v", e.Header)
			}
			if strings.Contains(got, "s3c") || strings.Contains(got, "eyJ") {
				t.Errorf("the error quotes something: %s", got)
			}
			// From then on, the session is enough.
			if status, _, _ := s.get(plain("/")); (status == 200) != (tt.status == 200) {
				t.Errorf("then the status is %d", status)
			}
		})
	}
}

func TestGrant(t *testing.T) {
	p := oauthtest.New(t)
	accounts(t, p, nothing)
	if status, _, err := newSite(t, p, nil).get(basicAuth("alice:s3c:ret")); status != 200 {
		t.Fatal(err)
	}
	want := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"s3c:ret"}, "scope": {"openid"}, "client_id": {"client"}, "client_secret": {"secret"}}
	if d := cmp.Diff(want, p.Calls("/token")[0].Form); d != "" {
		t.Error(d)
	}
}

func TestWithoutSession(t *testing.T) {
	a, err := New(Options{OAuth: oauth.Options{Contexts: []oauth.ContextOptions{{}}}})
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := a.Authenticate(basicAuth("alice:s3c:ret")); outcome != authn.Absent || err != nil {
		t.Error(outcome, err)
	}
}

// Tokens of a session are refreshed, and kept, and those that can't be are forgotten.
func TestRefresh(t *testing.T) {
	p := oauthtest.New(t)
	seconds := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	first := true
	p.AnswerBy("/token", func(c oauthtest.Call) oauthtest.Answer {
		if c.Form.Get("grant_type") == "refresh_token" {
			first = false
			return oauthtest.Answer{Body: oauthtest.JSON("access_token", p.Sign(t, nil))}
		}
		return oauthtest.Answer{Body: oauthtest.JSON("access_token", p.Sign(t, jwt.Claims{"exp": seconds(-time.Minute)}), "refresh_token", "r")}
	})
	s := newSite(t, p, nil)
	for range 3 {
		if status, _, err := s.get(basicAuth("alice:s3c:ret")); status != 200 || first {
			t.Errorf("status %d, %v", status, err)
		}
	}
	if n := len(p.Calls("/token")); n != 2 {
		t.Errorf("asked %d times, want 2: once for tokens, and once to refresh them", n)
	}
}

func TestRedeemTokenPath(t *testing.T) {
	p := oauthtest.New(t)
	accounts(t, p, func() string { return `,"token_type":"Bearer","expires_in":60,"x":"y"` })
	s := newSite(t, p, func(o *Options) { o.RedeemTokenPath = "/tokens" })
	at := func(x *gateway.Exchange) *gateway.Exchange {
		x.Request.Path = "/tokens"
		return x
	}
	status, body, err := s.get(at(basicAuth("alice:wrong")))
	if status != 400 || body != `{"error":"invalid_grant"}` || err != nil {
		t.Errorf("refused: %d %s %v", status, body, err)
	}
	if status, _, err := s.get(at(plain("/"))); status != 401 {
		t.Errorf("nothing: %d %v", status, err)
	}
	x := at(basicAuth("alice:s3c:ret"))
	status, body, err = s.get(x)
	if status != 200 || !strings.Contains(body, `"x":"y"`) || err != nil || x.Response.Header.Get("Cache-Control") != "no-store" || x.Response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the first time: %d %s %v %v", status, body, err, x.Response.Header)
	}
	status, body, err = s.get(at(plain("/")))
	if status != 200 || err != nil {
		t.Errorf("then: %d %v", status, err)
	}
	for _, part := range []string{`{"access_token":"eyJ`, `"token_type":"Bearer"`, `"expires_in":`, `"at":"eyJ`, `"at_claims":{"aud":"client"`, `"context":"default"`} {
		if !strings.Contains(body, part) {
			t.Errorf("then: there is no %s in %s", part, body)
		}
	}
	if status, _, err := s.get(plain("/")); status != 200 {
		t.Errorf("elsewhere: %d %v", status, err)
	}
}

func BenchmarkSession(b *testing.B) {
	p := oauthtest.New(b)
	accounts(b, p, nothing)
	s := newSite(b, p, nil)
	if status, _, err := s.get(basicAuth("alice:s3c:ret")); status != 200 {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if status, _, err := s.get(plain("/")); status != 200 {
			b.Fatal(err)
		}
	}
}

func Example() {
	provider := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		b, err := io.ReadAll(leg.Request.Body)
		if err != nil {
			return err
		}
		fmt.Println(string(b))
		leg.Response.Status = 200
		leg.Response.Header.Add("Content-Type", "application/json")
		leg.Response.Bytes = []byte(`{"access_token":"2YotnFZFEjr1zCsicMWpAA"}`)
		return nil
	})
	a, err := New(Options{OAuth: oauth.Options{Transport: provider, Contexts: []oauth.ContextOptions{{
		Provider: oauth.Provider{Endpoints: oauth.Endpoints{Token: "https://issuer.example/token"}},
		Client:   oauth.Client{ID: "gateway"},
	}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := session.New(session.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := sessions(authn.New(authn.Options{Handlers: []authn.Authenticator{a}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("hello")
		return nil
	})))
	fmt.Println(h.Serve(basicAuth("alice:secret")))
	// Output:
	// client_id=gateway&grant_type=password&password=secret&scope=&username=alice
	// hello
	// <nil>
}
