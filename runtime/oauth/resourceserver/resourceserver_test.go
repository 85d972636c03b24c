package resourceserver

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
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
	return Options{OAuth: oauth.Options{Contexts: []oauth.ContextOptions{{
		Provider:     oauth.Provider{Issuer: oauthtest.Issuer, Endpoints: oauth.Endpoints{Introspection: oauthtest.Issuer + "/introspect"}, Transport: p},
		Client:       oauth.Client{ID: "client"},
		Keys:         jwt.Options{PublicKeys: []jwt.Key{p.Public}},
		AccessHeader: "X-Access",
	}}}}
}

func server(t testing.TB, o Options) (*Authenticator, gateway.Handler) {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a, authn.New(authn.Options{Handlers: []authn.Authenticator{a}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Status = 204
		x.Response.Header.Add("x-fapi-interaction-id", "of the upstream")
		return nil
	}))
}

func request(fields ...string) *gateway.Exchange {
	x := &gateway.Exchange{}
	for i := 0; i < len(fields); i += 2 {
		x.Request.Header.Add(fields[i], fields[i+1])
	}
	return x
}

// What AILERON Gateway's own tests expect of tokens, and what it expects but doesn't do.
func TestResourceServer(t *testing.T) {
	p := oauthtest.New(t)
	stranger := oauthtest.New(t)
	strict := options(p)
	with := func(change func(c *oauth.ContextOptions)) Options {
		o := options(p)
		change(&o.OAuth.Contexts[0])
		return o
	}
	loose := with(func(c *oauth.ContextOptions) {
		c.Access = oauth.Validation{Issuer: "-", Audience: "-", ExpOptional: true}
	})
	custom := options(p)
	custom.HeaderKey = "X-Token"
	chosen := options(p)
	chosen.OAuth.HeaderKey = "X-Context"
	introspected := with(func(c *oauth.ContextOptions) { c.Introspect = true })
	p.AnswerBy("/introspect", func(c oauthtest.Call) oauthtest.Answer {
		switch c.Form.Get("token") {
		case "down":
			return oauthtest.Answer{Err: errors.New("no route")}
		case "unauthorized":
			return oauthtest.Answer{Status: 401}
		}
		return oauthtest.Answer{Body: fmt.Sprintf(`{"active":%v,"sub":"alice"}`, c.Form.Get("token") == "opaque")}
	})
	seconds := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	bearer := func(c jwt.Claims) []string { return []string{"Authorization", "Bearer " + p.Sign(t, c)} }
	const invalid, missing = `Bearer error="invalid_token"`, "Bearer"
	for name, tt := range map[string]struct {
		o         Options
		header    []string
		status    int
		challenge string
	}{
		"good":                         {strict, bearer(nil), 204, ""},
		"lower case":                   {strict, []string{"authorization", "bearer " + p.Sign(t, nil)}, 204, ""},
		"no scheme":                    {strict, []string{"Authorization", p.Sign(t, nil)}, 204, ""},
		"another scheme":               {strict, []string{"Authorization", "Basic YTpi"}, 401, missing},
		"nothing":                      {strict, nil, 401, missing},
		"empty":                        {strict, []string{"Authorization", ""}, 401, missing},
		"only the scheme":              {strict, []string{"Authorization", "Bearer"}, 401, missing},
		"garbage":                      {strict, []string{"Authorization", "Bearer garbage"}, 401, invalid},
		"twice":                        {strict, append(bearer(nil), bearer(nil)...), 401, invalid},
		"stranger's":                   {strict, []string{"Authorization", "Bearer " + stranger.Sign(t, nil)}, 401, invalid},
		"expired":                      {strict, bearer(jwt.Claims{"exp": seconds(-time.Minute)}), 401, invalid},
		"wrong iss":                    {strict, bearer(jwt.Claims{"iss": "x"}), 401, invalid},
		"no iss":                       {strict, bearer(jwt.Claims{"iss": nil}), 401, invalid},
		"wrong aud":                    {strict, bearer(jwt.Claims{"aud": "x"}), 401, invalid},
		"no aud":                       {strict, bearer(jwt.Claims{"aud": nil}), 401, invalid},
		"no exp":                       {strict, bearer(jwt.Claims{"exp": nil}), 401, invalid},
		"future nbf":                   {strict, bearer(jwt.Claims{"nbf": seconds(time.Minute)}), 401, invalid},
		"future iat":                   {strict, bearer(jwt.Claims{"iat": seconds(time.Minute)}), 401, invalid},
		"past nbf":                     {strict, bearer(jwt.Claims{"nbf": seconds(-time.Minute)}), 204, ""},
		"past iat":                     {strict, bearer(jwt.Claims{"iat": seconds(-time.Minute)}), 204, ""},
		"loose: wrong iss and aud":     {loose, bearer(jwt.Claims{"iss": "x", "aud": "x"}), 204, ""},
		"loose: none of them":          {loose, bearer(jwt.Claims{"iss": nil, "aud": nil, "exp": nil}), 204, ""},
		"loose: expired":               {loose, bearer(jwt.Claims{"exp": seconds(-time.Minute)}), 401, invalid},
		"another header":               {custom, []string{"X-Token", p.Sign(t, nil)}, 204, ""},
		"another header, not this one": {custom, bearer(nil), 401, ""},
		"unknown context":              {chosen, append(bearer(nil), "X-Context", "x"), 401, missing},
		"known context":                {chosen, append(bearer(nil), "X-Context", "default"), 204, ""},
		"introspected":                 {introspected, []string{"Authorization", "Bearer opaque"}, 204, ""},
		"inactive":                     {introspected, []string{"Authorization", "Bearer other"}, 401, invalid},
		"introspection refused":        {introspected, []string{"Authorization", "Bearer unauthorized"}, 401, invalid},
		"introspection away":           {introspected, []string{"Authorization", "Bearer down"}, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, h := server(t, tt.o)
			for range 3 { // no refusal leaves a trace in the next one
				x := request(tt.header...)
				err := h.Serve(x)
				var challenges []string
				status := x.Response.Status
				if e, ok := gateway.AsError(err); ok {
					status = e.Status
					for v := range e.Header.Values("WWW-Authenticate") {
						challenges = append(challenges, v)
					}
				}
				var want []string
				if tt.challenge != "" {
					want = []string{tt.challenge}
				}
				if d := cmp.Diff(want, challenges); d != "" || status != tt.status {
					t.Errorf("status %d, want %d; %v\n%s", status, tt.status, err, d)
				}
				if passed := claims.Get(x, claims.DefaultKey) != nil; passed != (tt.status == 204) || passed != x.Upstream.Has("X-Access") {
					t.Errorf("there are claims: %v; the upstream gets %v", passed, x.Upstream)
				}
			}
		})
	}
}

func TestFAPI(t *testing.T) {
	p := oauthtest.New(t)
	o := options(p)
	o.FAPI = true
	mine, other := &x509.Certificate{Raw: []byte("mine")}, &x509.Certificate{Raw: []byte("other")}
	boundTo := func(c *x509.Certificate) jwt.Claims {
		sum := sha256.Sum256(c.Raw)
		return jwt.Claims{"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}}
	}
	conn := func(certs ...*x509.Certificate) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: certs}
	}
	for name, tt := range map[string]struct {
		tls    *tls.ConnectionState
		claims jwt.Claims
		want   string
	}{
		"mine":           {conn(mine, other), boundTo(mine), ""},
		"other":          {conn(other, mine), boundTo(mine), "the token is bound to another certificate"},
		"none":           {conn(), boundTo(mine), "the client has presented no certificate"},
		"cleartext":      {nil, boundTo(mine), "the client has presented no certificate"},
		"not bound":      {conn(mine), nil, "the token isn't bound to a certificate"},
		"bound to a key": {conn(mine), jwt.Claims{"cnf": map[string]any{"jkt": "x"}}, "the token isn't bound to a certificate"},
		"cnf is a text":  {conn(mine), jwt.Claims{"cnf": "x"}, "the token isn't bound to a certificate"},
	} {
		for _, id := range []string{"", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"} {
			_, h := server(t, o)
			x := request("Authorization", "Bearer "+p.Sign(t, tt.claims))
			x.Request.TLS = tt.tls
			if id != "" {
				x.Request.Header.Add("x-fapi-interaction-id", id)
			}
			err := h.Serve(x)
			if tt.want == "" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if tt.want != "" {
				want := "wrong credentials [E3050.AppAuthnAuthentication the access token is not valid for this client [E3056.AppAuthnInvalidCredential " + tt.want + "]]"
				if e, ok := gateway.AsError(err); !ok || e.Status != 401 || e.Error() != want || e.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
					t.Errorf("%s: got %v, want %s", name, err, want)
				}
			}
			var ids []string
			for v := range x.Response.Header.Values("x-fapi-interaction-id") {
				ids = append(ids, v)
			}
			if len(ids) != 1 || id != "" && ids[0] != id || len(ids[0]) != 36 || x.Upstream.Get("x-fapi-interaction-id") != ids[0] {
				t.Errorf("%s: the response has the IDs %v, the upstream gets %v", name, ids, x.Upstream)
			}
		}
	}
	if _, h := server(t, options(p)); h.Serve(request()) == nil {
		t.Error("no token is needed")
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	p := oauthtest.New(b)
	_, h := server(b, options(p))
	token := "Bearer " + p.Sign(b, jwt.Claims{"scope": "read write", "email": "alice@example.com", "azp": "client", "jti": "0123456789"})
	x := &gateway.Exchange{}
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Header.Add("Authorization", token)
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	secret := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	keys := []jwt.Key{{ID: "a", Algorithm: jwt.HS256, Type: jwt.Common, Text: secret}}
	a, err := New(Options{OAuth: oauth.Options{Contexts: []oauth.ContextOptions{{
		Provider: oauth.Provider{Issuer: "https://issuer.example"},
		Client:   oauth.Client{ID: "api"},
		Keys:     jwt.Options{PublicKeys: keys},
	}}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := authn.New(authn.Options{Handlers: []authn.Authenticator{a}})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		said := claims.Get(x, claims.DefaultKey)["at_claims"].(map[string]any)
		fmt.Println("hello,", said["sub"])
		return nil
	}))

	issuer, err := jwt.New(jwt.Options{PrivateKeys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := issuer.Sign(jwt.Claims{"iss": "https://issuer.example", "aud": "api", "sub": "alice", "exp": time.Now().Add(time.Minute).Unix()})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := &gateway.Exchange{}
	x.Request.Header.Add("Authorization", "Bearer "+token)
	fmt.Println(h.Serve(x))
	fmt.Println(h.Serve(&gateway.Exchange{}))
	// Output:
	// hello, alice
	// <nil>
	// no credentials
}
