// Package provider is a small OpenID provider, to try the example with. It knows two people and one client, and forgets all logins
// when it ends: it's no provider for anything else.
package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// people may log in by these passwords.
var people = map[string]string{"alice": "wonderland", "bob": "builder"}

// clientID is the client, whose secret is in the environment.
const clientID = "gateway"

func clientSecret() string {
	if s := os.Getenv("CLIENT_SECRET"); s != "" {
		return s
	}
	return "not-so-secret"
}

// A provider is one with its key, and what it has given out.
type provider struct {
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	grants map[string]*grant // by their codes and tokens
}

// A grant is that somebody has logged in for the client.
type grant struct {
	name, redirectURI, challenge, nonce, kind string
	ends                                      time.Time
}

// Handler returns the provider.
func Handler() (http.Handler, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &provider{key: key, grants: make(map[string]*grant)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /jwks", p.keys)
	mux.HandleFunc("GET /authorize", p.form)
	mux.HandleFunc("POST /authorize", p.login)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("/userinfo", p.userinfo)
	return mux, nil
}

func issuer(r *http.Request) string { return "http://" + r.Host }

func (p *provider) metadata(w http.ResponseWriter, r *http.Request) {
	base := issuer(r)
	answer(w, http.StatusOK, map[string]any{
		"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token", "userinfo_endpoint": base + "/userinfo",
		"jwks_uri": base + "/jwks", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	point, _ := p.key.PublicKey.Bytes() // 4, x and y
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
}

// page is the form to log in with. It takes along what the client has asked for.
func page(q url.Values, remark string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<title>Log in</title>\n<form action=\"/authorize\" method=\"post\">\n")
	for _, name := range slices.Sorted(maps.Keys(q)) {
		fmt.Fprintf(&b, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", html.EscapeString(name), html.EscapeString(q.Get(name)))
	}
	b.WriteString("<p>" + remark + "</p>\n" + `<label>Name <input name="name" autofocus></label>
<label>Password <input name="password" type="password"></label>
<button>Log in</button>
</form>
`)
	return b.String()
}

// form shows the form to log in with, unless the client shouldn't have sent anybody here.
func (p *provider) form(w http.ResponseWriter, r *http.Request) {
	p.show(w, r.URL.Query(), "The password of alice is wonderland, that of bob builder.")
}

func (p *provider) show(w http.ResponseWriter, q url.Values, remark string) {
	u, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != clientID, q.Get("response_type") != "code", q.Get("code_challenge_method") != "S256", len(q.Get("code_challenge")) != 43,
		err != nil, u.Scheme != "http", u.Hostname() != "127.0.0.1":
		http.Error(w, "this isn't how the client of the example asks", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, page(q, remark))
}

// login sends whoever has the right password back to the client, with a code.
func (p *provider) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "no form", http.StatusBadRequest)
		return
	}
	q := r.PostForm
	name, password := q.Get("name"), q.Get("password")
	q.Del("name")
	q.Del("password")
	if want, ok := people[name]; !ok || !equal(password, want) {
		p.show(w, q, "That is not right.")
		return
	}
	u, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || u.Hostname() != "127.0.0.1" {
		http.Error(w, "bad redirect_uri", http.StatusBadRequest)
		return
	}
	code := p.give(&grant{name: name, redirectURI: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), kind: "code"}, time.Minute)
	u.RawQuery = url.Values{"code": {code}, "state": q["state"], "iss": {issuer(r)}}.Encode()
	http.Redirect(w, r, u.String(), http.StatusFound)
}

// token changes a code, or a refresh token, for tokens.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != clientID || !equal(secret, clientSecret()) {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	var g *grant
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		g = p.take(r.PostFormValue("code"), "code")
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if g != nil && (g.redirectURI != r.PostFormValue("redirect_uri") || g.challenge != encode(sum[:])) {
			g = nil
		}
	case "refresh_token":
		g = p.take(r.PostFormValue("refresh_token"), "refresh")
	}
	if g == nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	answer(w, http.StatusOK, p.tokens(issuer(r), g))
}

// userinfo tells who the owner of an access token is.
func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) {
	name, ok := p.verify(r.Header.Get("Authorization"))
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer(w, http.StatusOK, map[string]any{"sub": name, "email": name + "@example.com"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// give keeps a grant for some time, and returns what it's to be had for.
func (p *provider) give(g *grant, life time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, old := range p.grants {
		if time.Now().After(old.ends) {
			delete(p.grants, key)
		}
	}
	g.ends = time.Now().Add(life)
	key := rand.Text()
	p.grants[key] = g
	return key
}

// take returns a grant, once.
func (p *provider) take(key, kind string) *grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.grants[key]
	if g == nil || g.kind != kind || time.Now().After(g.ends) {
		return nil
	}
	delete(p.grants, key)
	return g
}
