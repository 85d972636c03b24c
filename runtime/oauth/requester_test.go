package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

func TestClientAuthentication(t *testing.T) {
	p := oauthtest.New(t)
	p.Answer("/token", oauthtest.Answer{Body: oauthtest.JSON("access_token", "a")})
	secret := jwt.Key{ID: "c", Algorithm: jwt.HS256, Type: jwt.Common, Text: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
	type sent struct {
		Form          url.Values
		Authorization string
		Extra         string
		Query         string
	}
	form := func(pairs ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for name, tt := range map[string]struct {
		r      Requester
		keys   jwt.Options
		secret string
		want   sent
		verify jwt.Key // of the assertion
	}{
		"form":            {r: Requester{}, secret: "s3cr&t", want: sent{Form: form("client_id", "client", "client_secret", "s3cr&t")}},
		"public client":   {r: Requester{}, want: sent{Form: form("client_id", "client")}},
		"basic":           {r: Requester{Auth: BasicAuth}, secret: "s3cr&t", want: sent{Form: form(), Authorization: "Basic Y2xpZW50OnMzY3ImdA=="}},
		"TLS":             {r: Requester{Auth: TLSClientAuth}, secret: "s3cr&t", want: sent{Form: form("client_id", "client")}},
		"self-signed":     {r: Requester{Auth: SelfSignedTLSClientAuth}, secret: "s3cr&t", want: sent{Form: form("client_id", "client")}},
		"secret JWT":      {r: Requester{Auth: ClientSecretJWT}, keys: jwt.Options{PrivateKeys: []jwt.Key{secret}}, want: sent{Form: form()}, verify: secret},
		"secret JWT, own": {r: Requester{Auth: ClientSecretJWT}, secret: "0123456789abcdef0123456789abcdef", want: sent{Form: form()}, verify: jwt.Key{Algorithm: jwt.HS256, Type: jwt.Common, Text: secret.Text}},
		"private key JWT": {r: Requester{Auth: PrivateKeyJWT}, keys: jwt.Options{PrivateKeys: []jwt.Key{secret}}, want: sent{Form: form()}, verify: secret},
		"extra": {
			r:    Requester{Header: gateway.Header{{Name: "X-Extra", Value: "1"}, {Name: "Accept", Value: "application/json, x/y"}}, Query: map[string]string{"a": "b c", "d": "&"}},
			want: sent{Form: form("client_id", "client"), Extra: "1", Query: "a=b+c&d=%26"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := client(p)
			o.Client.Keys, o.Client.Secret, o.Redeemer = tt.keys, tt.secret, tt.r
			c := newTestContext(t, o)
			tokens, _, err := c.Redeem(t.Context(), url.Values{"grant_type": {"client_credentials"}})
			if err != nil || tokens.Access != "a" || tokens.Context != "default" {
				t.Fatal(tokens, err)
			}
			calls := p.Calls("/token")
			call := calls[len(calls)-1]
			u, _ := url.Parse(call.URL)
			got := sent{call.Form, call.Header.Get("Authorization"), call.Header.Get("X-Extra"), u.RawQuery}
			if tt.verify.Algorithm != "" {
				checkAssertion(t, got.Form, tt.verify)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if call.Method != "POST" || call.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || !strings.HasPrefix(call.Header.Get("Accept"), "application/json") {
				t.Errorf("sent as %s with %v", call.Method, call.Header)
			}
		})
	}
	o := client(p)
	o.Introspector.Auth = PrivateKeyJWT
	if _, err := New(Options{Contexts: []ContextOptions{o}}); err == nil {
		t.Error("there is nothing to sign assertions by")
	}
}

func checkAssertion(t *testing.T, form url.Values, key jwt.Key) {
	t.Helper()
	if got := form.Get("client_assertion_type"); got != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		t.Errorf("client_assertion_type is %q", got)
	}
	h, err := jwt.New(jwt.Options{PublicKeys: []jwt.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	said, err := h.Validate(t.Context(), form.Get("client_assertion"), &jwt.Validation{Issuer: "client", Audience: oauthtest.Issuer + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	exp, _, _ := said.Time("exp")
	if left := time.Until(time.Unix(int64(exp), 0)); left > time.Minute || said.Text("sub") != "client" || len(said.Text("jti")) != 36 {
		t.Errorf("the assertion says %v", said)
	}
	form.Del("client_assertion")
	form.Del("client_assertion_type")
}

// What a provider answers decides about the status, and nothing of it that is secret gets into an error.
func TestRedeemFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		answer oauthtest.Answer
		status int
		want   string
	}{
		"away":             {oauthtest.Answer{Err: errors.New("no route")}, 500, "E3052.AppAuthnRedeemToken no tokens can be had [E3001.AppGenRoundTrip the provider can't be asked [no route]]"},
		"no JSON":          {oauthtest.Answer{ContentType: "text/html", Body: "<html>"}, 500, "E3052.AppAuthnRedeemToken no tokens can be had [E3002.AppGenInvalidResponse the answer of the provider isn't application/json]"},
		"broken JSON":      {oauthtest.Answer{Body: `{"access_token":"s3cret`}, 500, "E3052.AppAuthnRedeemToken no tokens can be had [E3005.AppGenUnmarshal the answer of the provider is no JSON object]"},
		"too long":         {oauthtest.Answer{Body: strings.Repeat(" ", 1<<20+1)}, 500, "E3052.AppAuthnRedeemToken no tokens can be had [E3001.AppGenRoundTrip the provider can't be asked [reading the answer of op.example: the answer is longer than 1 MiB]]"},
		"no tokens":        {oauthtest.Answer{Body: "{}"}, 500, "E3005.AppGenUnmarshal there are no tokens in the answer of the provider"},
		"refused":          {oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "invalid_grant", "error_description", "s3cret is wrong")}, 401, "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 400 Bad Request, invalid_grant"},
		"refused, no JSON": {oauthtest.Answer{Status: 401, Body: "nothing"}, 401, "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 401 Unauthorized"},
		"strange code":     {oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "a\nb")}, 401, "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 400 Bad Request"},
		"fails":            {oauthtest.Answer{Status: 503}, 500, "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 503 Service Unavailable"},
		"redirects":        {oauthtest.Answer{Status: 302, Body: "{}"}, 500, "E3052.AppAuthnRedeemToken there are no tokens: the provider has answered with status 302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			p := oauthtest.New(t)
			p.Answer("/token", tt.answer)
			c := newTestContext(t, client(p))
			_, _, err := c.Redeem(t.Context(), url.Values{"password": {"s3cret"}})
			if gateway.StatusOf(err) != tt.status || err == nil || err.Error() != tt.want {
				t.Errorf("got %d %v, want %d %s", gateway.StatusOf(err), err, tt.status, tt.want)
			}
		})
	}
	p := oauthtest.New(t)
	o := client(p)
	o.Provider.Endpoints.Token = ""
	if _, _, err := newTestContext(t, o).Redeem(t.Context(), url.Values{}); gateway.StatusOf(err) != 500 {
		t.Errorf("without an endpoint: %v", err)
	}
}

func TestPush(t *testing.T) {
	p := oauthtest.New(t)
	p.Answer("/par", oauthtest.Answer{Status: 201, Body: oauthtest.JSON("request_uri", "urn:x")})
	c := newTestContext(t, client(p))
	answer, err := c.Push(t.Context(), func(*Endpoints) string { return oauthtest.Issuer + "/par" }, url.Values{"state": {"s"}})
	if err != nil || answer.Status != 201 || answer.Values["request_uri"] != "urn:x" {
		t.Error(answer, err)
	}
	if form := p.Calls("/par")[0].Form; form.Get("state") != "s" || form.Get("client_secret") != "s3cr&t" {
		t.Errorf("sent %v", form)
	}
}

func TestTokensOf(t *testing.T) {
	now := time.Unix(1800000000, 0)
	for body, want := range map[string]Tokens{
		`{"access_token":"a","expires_in":60,"scope":"x"}`:                      {Access: "a", Expires: now.Add(time.Minute), Scope: "x"},
		`{"access_token":"a","expires_in":"60"}`:                                {Access: "a", Expires: now.Add(time.Minute)},
		`{"access_token":"a","expires_in":"soon"}`:                              {Access: "a"},
		`{"access_token":"a","expires_in":-1}`:                                  {Access: "a"},
		`{"access_token":"a","expires_in":1e300}`:                               {Access: "a"},
		`{"id_token":"i","access_token":7,"refresh_token":"r","expires_in":[]}`: {ID: "i", Refresh: "r"},
	} {
		p := oauthtest.New(t)
		p.Answer("/token", oauthtest.Answer{Body: body})
		answer, err := newTestContext(t, client(p)).post(t.Context(), &Requester{Transport: p}, TokenEndpoint, url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := tokensOf(answer, now)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(Tokens{})); d != "" || !ok {
			t.Errorf("%s: %s", body, d)
		}
	}
}
