// Package oauthtest has a provider of OAuth 2.0 and OpenID Connect for tests. It's a transport, so that no network is needed.
package oauthtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

// Issuer is the issuer, and the base of the URLs of its endpoints.
const Issuer = "https://op.example"

// A Call is a request that the provider has got.
type Call struct {
	Method, URL string
	Header      gateway.Header
	Form        url.Values
}

// An Answer answers a call. A Content-Type of "" is application/json.
type Answer struct {
	Status      int
	ContentType string
	Header      gateway.Header
	Body        string
	Err         error
	Delay       time.Duration
}

// A Provider is a provider. Its fields may be changed between the calls of a test.
type Provider struct {
	mu      sync.Mutex
	answers map[string]func(Call) Answer
	calls   []Call

	private jwt.Key
	Public  jwt.Key
	signer  *jwt.Handler
}

// New returns a provider whose metadata are at /.well-known/openid-configuration, and whose keys at /jwks.
func New(tb testing.TB) *Provider {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	text := func(typ string, der []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
	}
	p := &Provider{
		private: jwt.Key{ID: "op", Algorithm: jwt.ES256, Type: jwt.Private, Text: text("PRIVATE KEY", private)},
		Public:  jwt.Key{ID: "op", Algorithm: jwt.ES256, Type: jwt.Public, Text: text("PUBLIC KEY", public)},
		answers: make(map[string]func(Call) Answer),
	}
	if p.signer, err = jwt.New(jwt.Options{PrivateKeys: []jwt.Key{p.private}}); err != nil {
		tb.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "op", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		tb.Fatal(err)
	}
	p.Answer("/jwks", Answer{Body: string(set)})
	p.Answer("/.well-known/openid-configuration", Answer{Body: Metadata(nil)})
	return p
}

// Metadata are the metadata of the provider, with those in changes. One that is nil is left out.
func Metadata(changes map[string]any) string {
	m := map[string]any{
		"issuer": Issuer, "authorization_endpoint": Issuer + "/auth", "token_endpoint": Issuer + "/token", "userinfo_endpoint": Issuer + "/userinfo",
		"introspection_endpoint": Issuer + "/introspect", "jwks_uri": Issuer + "/jwks",
	}
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Sign returns a token of the provider, for the audience "client", that expires in an hour; what is in c counts more, and a claim that is nil is left out.
func (p *Provider) Sign(tb testing.TB, c jwt.Claims) string {
	tb.Helper()
	now := time.Now()
	all := jwt.Claims{"iss": Issuer, "aud": "client", "sub": "alice", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, c)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	token, err := p.signer.Sign(all)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// Answer has requests for path answered by a.
func (p *Provider) Answer(path string, a Answer) { p.AnswerBy(path, func(Call) Answer { return a }) }

// AnswerBy has requests for path answered by what f returns.
func (p *Provider) AnswerBy(path string, f func(Call) Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = f
}

// Calls returns the calls for path so far.
func (p *Provider) Calls(path string) (calls []Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if u, err := url.Parse(c.URL); err == nil && u.Path == path {
			calls = append(calls, c)
		}
	}
	return calls
}

// Serve answers a request.
func (p *Provider) Serve(leg *gateway.Exchange) error {
	r := &leg.Request
	c := Call{Method: r.Method, URL: r.Scheme + "://" + r.Host + r.RawPath, Header: r.Header}
	if r.RawQuery != "" {
		c.URL += "?" + r.RawQuery
	}
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		if c.Form, err = url.ParseQuery(string(b)); err != nil {
			return err
		}
	}
	p.mu.Lock()
	p.calls = append(p.calls, c)
	answer := p.answers[r.Path]
	p.mu.Unlock()
	a := Answer{Status: 404, Body: "{}"}
	if answer != nil {
		a = answer(c)
	}
	select {
	case <-time.After(a.Delay):
	case <-leg.Context().Done():
		return leg.Context().Err()
	}
	if a.Err != nil {
		return a.Err
	}
	leg.Response.Status = a.Status
	if a.Status == 0 {
		leg.Response.Status = 200
	}
	if a.ContentType == "" {
		a.ContentType = "application/json;charset=utf-8"
	}
	leg.Response.Header = append(gateway.Header{{Name: "Content-Type", Value: a.ContentType}}, a.Header...)
	leg.Response.Body = io.NopCloser(strings.NewReader(a.Body))
	return nil
}

// JSON is a body that is an object of texts.
func JSON(pairs ...string) string {
	m := make(map[string]string)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}
