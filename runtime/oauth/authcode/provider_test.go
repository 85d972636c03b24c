package authcode

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
	"github.com/aileron-gateway/aileronc/runtime/oauth"
)

// The names of things in the tests.
const (
	issuer      = "https://op.example"
	callbackURL = "https://site.example/callback"
	clientID    = "web"
	secret      = "a secret of the client, and not a short one"
)

// A provider is a strict one, without a network: it's the transport of the context.
type provider struct {
	t      *testing.T
	issuer string
	name   string // who logs in
	keys   *jwt.Handler
	codes  map[string]url.Values // what was asked for
	pushed map[string]url.Values
	used   map[string]bool // codes, and refresh tokens, that were

	fetch          func(uri string) string // gets a request object
	tokenLife      time.Duration
	noRefresh      bool
	wrongNonce     bool
	jwks           map[string]any
	certificates   bool          // clients have them, and no secrets
	loggedIn       time.Duration // ago; -1 doesn't tell
	unbound        bool          // access tokens aren't bound to them
	tokenStatus    int           // of the token endpoint, if it isn't 200
	down           error
	pushes, tokens int // how often it was asked
}

func hmacKey(id string) jwt.Key {
	return jwt.Key{ID: id, Algorithm: jwt.HS256, Type: jwt.Common, Text: base64.StdEncoding.EncodeToString([]byte("the key of the provider " + id))}
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, issuer: issuer, name: "alice", codes: make(map[string]url.Values), pushed: make(map[string]url.Values), used: make(map[string]bool), tokenLife: time.Hour}
	p.keys = mustKeys(t, jwt.Options{PrivateKeys: []jwt.Key{hmacKey("op")}, PublicKeys: []jwt.Key{hmacKey("op")}})
	return p
}

// newPublicProvider is one whose keys are public, and published.
func newPublicProvider(t *testing.T) *provider {
	t.Helper()
	op := newProvider(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	op.keys = mustKeys(t, jwt.Options{PrivateKeys: []jwt.Key{{
		ID: "op", Algorithm: jwt.RS256, Type: jwt.Private,
		Text: base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}}})
	op.jwks = map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "op", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": "AQAB",
	}}}
	return op
}

func mustKeys(t *testing.T, o jwt.Options) *jwt.Handler {
	t.Helper()
	keys, err := jwt.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// context is one of which p is the provider.
func (p *provider) context(name string) oauth.ContextOptions {
	return oauth.ContextOptions{
		Name: name,
		Provider: oauth.Provider{
			Issuer: p.issuer, BaseURL: p.issuer, Transport: p,
			Endpoints: oauth.Endpoints{Authorization: "/auth", Token: "/token", Userinfo: "/userinfo", Introspection: "/introspect", PushedAuthorization: "/par"},
		},
		Client:       oauth.Client{ID: clientID, Secret: secret, Scopes: []string{"openid", "email"}},
		Keys:         jwt.Options{PublicKeys: []jwt.Key{hmacKey("op")}},
		AccessHeader: "X-Access-Token",
	}
}

// Serve answers requests of the gateway.
func (p *provider) Serve(x *gateway.Exchange) error {
	if p.down != nil {
		return p.down
	}
	var body []byte
	if x.Request.Body != nil {
		body, _ = io.ReadAll(x.Request.Body)
	}
	form, _ := url.ParseQuery(string(body))
	status, said := 404, map[string]any{"error": "no such endpoint"}
	switch x.Request.Path {
	case "/token":
		status, said = p.token(form)
	case "/par":
		p.pushes++
		status, said = p.authenticated(form, func() (int, map[string]any) {
			uri := fmt.Sprintf("urn:pushed:%d", p.pushes)
			p.pushed[uri] = form
			return 201, map[string]any{"request_uri": uri, "expires_in": 60}
		})
	case "/jwks":
		status, said = 200, p.jwks
	case "/.well-known/openid-configuration":
		status, said = 200, map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/auth", "token_endpoint": p.issuer + "/token", "pushed_authorization_request_endpoint": p.issuer + "/par",
			"jwks_uri": p.issuer + "/jwks", "authorization_response_iss_parameter_supported": true, "require_pushed_authorization_requests": true,
		}
	case "/userinfo":
		if claims, err := p.keys.Verify(x.Context(), strings.TrimPrefix(x.Request.Header.Get("Authorization"), "Bearer ")); err == nil {
			status, said = 200, map[string]any{"sub": claims.Claims["sub"], "email": "alice@example.com"}
		} else {
			status, said = 401, map[string]any{}
			x.Response.Header.Add("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
	}
	x.Response.Status = status
	x.Response.Header.Add("Content-Type", "application/json")
	x.Response.Bytes, _ = json.Marshal(said)
	return nil
}

func (p *provider) authenticated(form url.Values, then func() (int, map[string]any)) (int, map[string]any) {
	if form.Get("client_id") != clientID || !p.certificates && form.Get("client_secret") != secret {
		return 401, map[string]any{"error": "invalid_client"}
	}
	return then()
}

func (p *provider) token(form url.Values) (int, map[string]any) {
	p.tokens++
	if p.tokenStatus != 0 {
		return p.tokenStatus, map[string]any{"error": "temporarily_unavailable"}
	}
	return p.authenticated(form, func() (int, map[string]any) {
		code := form.Get("code") + form.Get("refresh_token")
		asked := p.codes[code]
		switch {
		case asked == nil || p.used[code]:
			return 400, map[string]any{"error": "invalid_grant"}
		case form.Get("grant_type") == "refresh_token":
		case asked.Get("redirect_uri") != form.Get("redirect_uri"), asked.Get("code_challenge") != "" && asked.Get("code_challenge") != challengeBy(asked.Get("code_challenge_method"), form.Get("code_verifier")):
			return 400, map[string]any{"error": "invalid_grant", "error_description": "redirect_uri or PKCE"}
		}
		p.used[code] = true
		return 200, p.issue(asked)
	})
}

func challengeBy(method, verifier string) string {
	if method == "plain" {
		return verifier
	}
	return challenge(verifier)
}

// issue makes tokens for what was asked for.
func (p *provider) issue(asked url.Values) map[string]any {
	now := time.Now()
	claims := jwt.Claims{"iss": p.issuer, "aud": clientID, "sub": asked.Get("name"), "iat": now.Unix(), "exp": now.Add(p.tokenLife).Unix(), "jti": fmt.Sprint(len(p.codes))}
	if p.certificates && !p.unbound {
		claims["cnf"] = map[string]any{"x5t#S256": "the hash of a certificate"}
	}
	access := p.sign(claims)
	delete(claims, "cnf")
	if p.loggedIn >= 0 {
		claims["auth_time"] = now.Add(-p.loggedIn).Unix()
	}
	if nonce := asked.Get("nonce"); nonce != "" {
		claims["nonce"] = nonce
	}
	if p.wrongNonce {
		claims["nonce"] = "another"
	}
	said := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": p.tokenLife / time.Second, "id_token": p.sign(claims)}
	if !p.noRefresh {
		refresh := fmt.Sprintf("refresh%d", len(p.codes))
		again := url.Values{"name": asked["name"]}
		p.codes[refresh] = again
		said["refresh_token"] = refresh
	}
	return said
}

func (p *provider) sign(c jwt.Claims) string {
	token, err := p.keys.Sign(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// ask takes an authorization request and returns its parameters.
func (p *provider) ask(location string) url.Values {
	p.t.Helper()
	u, err := url.Parse(location)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != p.issuer+"/auth" {
		p.t.Fatalf("the client is sent to %q", location)
	}
	asked := u.Query()
	if uri := asked.Get("request_uri"); strings.HasPrefix(uri, "urn:pushed:") {
		if asked = p.pushed[uri]; asked == nil {
			p.t.Fatalf("%q was never pushed", uri)
		}
		delete(p.pushed, uri)
	} else if uri != "" {
		asked.Set("request", p.fetch(uri))
	}
	if request := asked.Get("request"); request != "" {
		token, err := mustKeys(p.t, jwt.Options{PublicKeys: []jwt.Key{hmacKey("client")}}).Validate(p.t.Context(), request, &jwt.Validation{Issuer: clientID, Audience: p.issuer})
		if err != nil {
			p.t.Fatal(err)
		}
		for name := range token {
			if value := token.Text(name); value != "" {
				asked.Set(name, value)
			}
		}
	}
	if asked.Get("client_id") != clientID || asked.Get("response_type") != "code" || asked.Get("redirect_uri") != callbackURL || !strings.Contains(asked.Get("scope"), "openid") {
		p.t.Fatalf("asked for %v", asked)
	}
	return asked
}

// login logs p.name in and returns the parameters that the client is sent back with.
func (p *provider) login(location string) url.Values {
	p.t.Helper()
	asked := p.ask(location)
	code := fmt.Sprintf("code%d", len(p.codes))
	asked.Set("name", p.name)
	p.codes[code] = asked
	back := url.Values{"code": {code}, "iss": {p.issuer}}
	if state := asked.Get("state"); state != "" {
		back.Set("state", state)
	}
	if strings.HasSuffix(asked.Get("response_mode"), "jwt") {
		return p.signed(back, time.Minute)
	}
	return back
}

// signed is a signed response (JARM).
func (p *provider) signed(back url.Values, life time.Duration) url.Values {
	claims := jwt.Claims{"aud": clientID, "exp": time.Now().Add(life).Unix()}
	for name := range back {
		claims[name] = back.Get(name)
	}
	return url.Values{"response": {p.sign(claims)}}
}

// A body that can be read once.
func bodyOf(text string) io.ReadCloser { return io.NopCloser(bytes.NewReader([]byte(text))) }
