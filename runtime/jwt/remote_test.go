package jwt

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A publisher publishes sets of keys.
type publisher struct {
	mu     sync.Mutex
	sets   map[string]string // by URL
	status int               // instead of 200
	err    error
	delay  time.Duration
	asked  atomic.Int32
}

func (p *publisher) Serve(leg *gateway.Exchange) error {
	p.asked.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-time.After(p.delay):
	case <-leg.Context().Done():
		return leg.Context().Err()
	}
	r := &leg.Request
	set, ok := p.sets[r.Scheme+"://"+r.Host+r.RawPath]
	leg.Response.Status = 200
	switch {
	case p.err != nil:
		return p.err
	case r.Method != "GET" || !ok:
		leg.Response.Status = 404
	case p.status != 0:
		leg.Response.Status = p.status
	}
	leg.Response.Body = io.NopCloser(strings.NewReader(set))
	return nil
}

// set changes what is published.
func (p *publisher) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func jwks(t testing.TB, keys ...jose.JSONWebKey) string {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func jwk(t testing.TB, alg Algorithm, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: pair(t, alg).Public(), KeyID: id, Use: "sig"}
}

const keysURL = "https://issuer.example/keys"

func TestRemoteKeys(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encryption := jwk(t, ES384, "enc")
	encryption.Use = "enc"
	named := jwk(t, RS256, "rs")
	named.Algorithm = "RS256"
	secret := `{"kty":"oct","kid":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}`
	private := jose.JSONWebKey{Key: weak, KeyID: "private"}
	set := jwks(t, jwk(t, ES256, "es"), named, encryption, jwk(t, EdDSA, ""), private)
	set = strings.Replace(set, `{"keys":[`, `{"keys":[`+secret+`,{"kty":"unknown"},7,`, 1)
	p := &publisher{sets: map[string]string{keysURL: set, "https://other.example/keys": jwks(t, jwk(t, ES256, "es2"))}}
	o := Options{JWKS: map[string]string{"https://issuer.example": keysURL}, Transport: p}
	signed := func(alg Algorithm, id, issuer string, header map[string]string) string {
		k, _ := keysFor(t, alg, id)
		k.Header = header
		return sign(t, k, Claims{"iss": issuer})
	}
	const issuer = "https://issuer.example"
	hs := Key{ID: "oct", Algorithm: HS256, Type: Common, Text: text([]byte("0123456789abcdef0123456789abcdef"))}
	jku := o
	jku.UseJKU = true
	other := map[string]string{"jku": "https://other.example/keys"}
	listed := jku
	listed.JWKS = map[string]string{issuer: keysURL, "https://other.example": "https://other.example/keys"}
	for name, tt := range map[string]struct {
		o     Options
		token string
		ok    bool
	}{
		"by ID":                            {o, signed(ES256, "es", issuer, nil), true},
		"another algorithm than the key's": {o, signed(RS512, "rs", issuer, nil), false},
		"the key's algorithm":              {o, signed(RS256, "rs", issuer, nil), true},
		"without an ID":                    {o, signed(EdDSA, "", issuer, map[string]string{"kid": ""}), true},
		"unknown ID":                       {o, signed(ES256, "nobody", issuer, nil), false},
		"for encryption":                   {o, signed(ES384, "enc", issuer, nil), false},
		"a secret that is public":          {o, sign(t, hs, Claims{"iss": issuer}), false},
		"another issuer":                   {o, signed(ES256, "es", "https://other.example", nil), false},
		"no issuer":                        {o, signed(ES256, "es", "", nil), false},
		"jku of a listed URL":              {listed, signed(ES256, "es2", "https://third.example", other), true},
		"jku, and the issuer has its own":  {listed, signed(ES256, "es2", issuer, other), false},
		"jku that isn't listed":            {jku, signed(ES256, "es2", "https://third.example", other), false},
		"jku, but it isn't wanted":         {o, signed(ES256, "es2", "https://third.example", other), false},
		"jku of the issuer's own":          {jku, signed(ES256, "es", "https://third.example", map[string]string{"jku": keysURL}), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := handler(t, tt.o)
			for range 2 {
				if _, err := h.Verify(t.Context(), tt.token); (err == nil) != tt.ok {
					t.Error(err)
				}
			}
		})
	}
	t.Run("fallback", func(t *testing.T) {
		h := handler(t, Options{Transport: p})
		token := signed(ES256, "es", "whoever", nil)
		if _, err := h.Verify(t.Context(), token); err == nil || h.HasKeys() {
			t.Error("there are keys")
		}
		h.UseJWKS(keysURL)
		if _, err := h.Verify(t.Context(), token); err != nil || !h.HasKeys() {
			t.Error(err)
		}
	})
}

// The set is read once, again for keys that aren't in it but not too often, and again when it's old.
func TestRemoteRefresh(t *testing.T) {
	one, two := jwk(t, ES256, "one"), jwk(t, ES384, "two")
	private1, _ := keysFor(t, ES256, "one")
	private2, _ := keysFor(t, ES384, "two")
	token1, token2 := sign(t, private1, Claims{"iss": "i"}), sign(t, private2, Claims{"iss": "i"})
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{sets: map[string]string{keysURL: jwks(t, one)}}
		h := handler(t, Options{JWKS: map[string]string{"i": keysURL}, Transport: p})
		check := func(what, token string, ok bool, asked int32) {
			t.Helper()
			_, err := h.Verify(context.Background(), token)
			if (err == nil) != ok {
				t.Errorf("%s: %v", what, err)
			}
			synctest.Wait()
			if n := p.asked.Load(); n != asked {
				t.Errorf("%s: asked %d times, want %d", what, n, asked)
			}
		}
		check("the first time", token1, true, 1)
		check("known", token1, true, 1)
		check("unknown, too soon", token2, false, 1)
		time.Sleep(againAfter)
		check("unknown", token2, false, 2)
		check("unknown, too soon again", token2, false, 2)
		p.set(func() { p.sets[keysURL] = jwks(t, two) })
		time.Sleep(againAfter)
		check("there is a new one", token2, true, 3)
		check("and the old one is gone", token1, false, 3)

		p.set(func() { p.sets[keysURL] = jwks(t, one) })
		time.Sleep(staleAfter)
		check("old keys serve while new ones are read", token2, true, 4)
		check("then they are gone", token2, false, 4)
		check("and this is back", token1, true, 4)

		p.set(func() { p.err = errors.New("away") })
		time.Sleep(staleAfter)
		for n := range int32(3) {
			check("the server is away", token1, true, 5+n)
			check("and isn't asked all the time", token1, true, 5+n)
			time.Sleep(retryAfter)
		}
		p.set(func() { p.err, p.sets[keysURL] = nil, "{}" })
		check("what it says is no set", token1, true, 8)
		p.set(func() { p.sets[keysURL] = jwks(t, one) })
		time.Sleep(retryAfter)
		check("it's back", token1, true, 9)
		check("it's back", token1, true, 9)
	})
}

func TestRemoteFailures(t *testing.T) {
	private, _ := keysFor(t, ES256, "one")
	token := sign(t, private, Claims{"iss": "i"})
	set := jwks(t, jwk(t, ES256, "one"))
	for name, change := range map[string]func(p *publisher){
		"away":     func(p *publisher) { p.err = errors.New("no route") },
		"status":   func(p *publisher) { p.status = 500 },
		"no JSON":  func(p *publisher) { p.sets[keysURL] = "<html>" },
		"no keys":  func(p *publisher) { p.sets[keysURL] = `{"keys":null}` },
		"too long": func(p *publisher) { p.sets[keysURL] = set + strings.Repeat(" ", 1<<20) },
		"slow":     func(p *publisher) { p.delay = time.Hour },
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{sets: map[string]string{keysURL: set}}
			change(p)
			log := &lines{}
			h := handler(t, Options{JWKS: map[string]string{"i": keysURL}, Transport: p, Logger: log})
			for range 3 {
				_, err := h.Verify(context.Background(), token)
				if err == nil || !strings.Contains(err.Error(), "E3401.AppUtilGetJWKSet the keys can't be read from "+keysURL) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := p.asked.Load(); n != 1 {
				t.Errorf("%s: asked %d times", name, n)
			}
			if n := len(log.lines); n != 1 {
				t.Errorf("%s: told %d times: %v", name, n, log.lines)
			}
			*p = publisher{sets: map[string]string{keysURL: set}}
			time.Sleep(retryAfter)
			if _, err := h.Verify(context.Background(), token); err != nil {
				t.Errorf("%s: then %v", name, err)
			}
		})
	}
}

// lines is a logger that keeps what it is told.
type lines struct{ lines []string }

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, _ gateway.Level, msg string, attrs ...gateway.Attr) {
	for _, a := range attrs {
		msg += " " + a.Text()
	}
	l.lines = append(l.lines, msg)
}

// Who waits for keys waits no longer than it wants to, and the others get them.
func TestRemoteShared(t *testing.T) {
	private, _ := keysFor(t, ES256, "one")
	token := sign(t, private, Claims{"iss": "i"})
	set := jwks(t, jwk(t, ES256, "one"))
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{sets: map[string]string{keysURL: set}, delay: 5 * time.Second}
		h := handler(t, Options{JWKS: map[string]string{"i": keysURL}, Transport: p})
		hasty, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := h.Verify(hasty, token); err == nil {
				t.Error("a token is verified without keys")
			}
		})
		for range 5 {
			wg.Go(func() {
				if _, err := h.Verify(context.Background(), token); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add([]byte(jwks(f, jwk(f, ES256, "one"))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AA"},{},[],null]}`))
	f.Add([]byte(`{"keys":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := parseSet(b)
		if err != nil {
			return
		}
		for id, keys := range set {
			for _, k := range keys {
				if _, secret := k.verifier.([]byte); secret || k.id != id {
					t.Errorf("%q has %T", b, k.verifier)
				}
				for _, alg := range all {
					k.fits(alg)
				}
			}
		}
	})
}
