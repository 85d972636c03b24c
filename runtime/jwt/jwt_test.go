package jwt

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// pair is a key pair, made once for all tests.
var pairs sync.Map

func pair(t testing.TB, alg Algorithm) crypto.Signer {
	t.Helper()
	name := string(alg)
	if name[0] == 'R' || name[0] == 'P' {
		name = "RSA"
	}
	if k, ok := pairs.Load(name); ok {
		return k.(crypto.Signer)
	}
	var k crypto.Signer
	var err error
	switch name {
	case "RSA":
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := pairs.LoadOrStore(name, k)
	return stored.(crypto.Signer)
}

func pemOf(t testing.TB, typ string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

func privatePEM(t testing.TB, k crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	return pemOf(t, "PRIVATE KEY", der, err)
}

func publicPEM(t testing.TB, k crypto.Signer) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	return pemOf(t, "PUBLIC KEY", der, err)
}

func text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// keysFor are a key to sign by and the one to verify by.
func keysFor(t testing.TB, alg Algorithm, id string) (private, public Key) {
	t.Helper()
	if strings.HasPrefix(string(alg), "HS") {
		k := Key{ID: id, Algorithm: alg, Type: Common, Text: text([]byte("too short"))}
		return k, k
	}
	if alg == None {
		k := Key{ID: id, Algorithm: None, Type: Public}
		return k, k
	}
	k := pair(t, alg)
	return Key{ID: id, Algorithm: alg, Type: Private, Text: text(privatePEM(t, k))}, Key{ID: id, Algorithm: alg, Type: Public, Text: text(publicPEM(t, k))}
}

func handler(t testing.TB, o Options) *Handler {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sign(t testing.TB, k Key, c Claims) string {
	t.Helper()
	token, err := handler(t, Options{PrivateKeys: []Key{k}}).Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var all = []Algorithm{ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, None}

// A token is verified by the key of its ID and algorithm, and by no other.
func TestAlgorithms(t *testing.T) {
	ctx := t.Context()
	var public []Key
	tokens := make(map[Algorithm]string)
	for _, alg := range all {
		private, pub := keysFor(t, alg, "k-"+string(alg))
		public = append(public, pub)
		tokens[alg] = sign(t, private, Claims{"sub": "alice", "n": int64(7), "l": []string{"a"}})
	}
	everything := handler(t, Options{PublicKeys: public})
	for i, alg := range all {
		for range 2 { // the second time it's remembered
			got, err := everything.Verify(ctx, tokens[alg])
			want := &Token{alg, "k-" + string(alg), Claims{"sub": "alice", "n": 7.0, "l": []any{"a"}}}
			if err != nil || !cmp.Equal(want, got) {
				t.Fatalf("%s: %v, %v", alg, got, err)
			}
		}
		only := handler(t, Options{PublicKeys: public[i : i+1]})
		for _, other := range all {
			if _, err := only.Verify(ctx, tokens[other]); (err == nil) != (other == alg) {
				t.Errorf("the key for %s, a token of %s: %v", alg, other, err)
			}
		}
		// The same ID doesn't make it the same key.
		renamed := public[i]
		renamed.ID = "k-" + string(all[(i+1)%len(all)])
		if _, err := handler(t, Options{PublicKeys: []Key{renamed}}).Verify(ctx, tokens[all[(i+1)%len(all)]]); err == nil {
			t.Errorf("the key for %s verifies a token of %s that has its ID", alg, all[(i+1)%len(all)])
		}
	}
}

func TestKeyIDs(t *testing.T) {
	ctx := t.Context()
	private, public := keysFor(t, ES256, "")
	_, other := keysFor(t, RS256, "")
	anonymous := private
	anonymous.Type, anonymous.Text = Common, text([]byte("secret"))
	anonymous.Algorithm = HS256
	token := sign(t, anonymous, Claims{"sub": "alice"})
	if _, err := handler(t, Options{PublicKeys: []Key{public, other, anonymous}}).Verify(ctx, token); err != nil {
		t.Errorf("a token without an ID, and keys without: %v", err)
	}
	named := anonymous
	named.ID = "x"
	if _, err := handler(t, Options{PublicKeys: []Key{named}}).Verify(ctx, token); err == nil {
		t.Error("a token without an ID is verified by a key with one")
	}
	if _, err := handler(t, Options{PublicKeys: []Key{anonymous}}).Verify(ctx, sign(t, named, nil)); err == nil {
		t.Error("a token with an ID is verified by a key without one")
	}
	// A private key has its thumbprint for an ID.
	got, err := handler(t, Options{PublicKeys: []Key{{ID: thumbprint(pair(t, ES256).Public()), Algorithm: ES256, Type: Public, Text: public.Text}}}).
		Verify(ctx, sign(t, private, Claims{"sub": "alice"}))
	if err != nil || got.Claims.Text("sub") != "alice" {
		t.Error(got, err)
	}
	// Two keys of one ID, for two algorithms.
	one, two := keysFor(t, RS256, "same")
	three, four := keysFor(t, PS256, "same")
	h := handler(t, Options{PublicKeys: []Key{two, four}})
	for _, k := range []Key{one, three} {
		if _, err := h.Verify(ctx, sign(t, k, Claims{})); err != nil {
			t.Errorf("%s: %v", k.Algorithm, err)
		}
	}
}

func TestRefused(t *testing.T) {
	private, public := keysFor(t, RS256, "k")
	token := sign(t, private, Claims{"sub": "alice"})
	h := handler(t, Options{PublicKeys: []Key{public}})
	parts := strings.Split(token, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	// An attacker who signs by the public key as a secret.
	confused := sign(t, Key{ID: "k", Algorithm: HS256, Type: Common, Text: text(publicPEM(t, pair(t, RS256)))}, Claims{"sub": "mallory"})
	embedded := func() string {
		k := private
		k.Header = map[string]string{"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "kid": "other"}
		return sign(t, k, nil)
	}()
	for name, token := range map[string]string{
		"empty": "", "garbage": "garbage", "two parts": parts[0] + "." + parts[1], "four parts": token + ".x",
		"no signature": parts[0] + "." + parts[1] + ".", "other claims": parts[0] + "." + b64([]byte(`{"sub":"bob"}`)) + "." + parts[2],
		"none": b64([]byte(`{"alg":"none","kid":"k"}`)) + "." + parts[1] + ".", "None": b64([]byte(`{"alg":"None","kid":"k"}`)) + "." + parts[1] + ".",
		"claims in a list": sign(t, private, nil)[:0] + parts[0] + "." + b64([]byte(`[]`)) + "." + parts[2],
		"confused":         confused, "embedded": embedded, "JSON": `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"critical": func() string {
			k := private
			k.Header = map[string]string{"crit": "exp"}
			return sign(t, k, nil)
		}(),
		"blanks": " " + token,
	} {
		_, err := h.Verify(t.Context(), token)
		e, ok := gateway.AsError(err)
		if !ok || e.Status != 401 || e.Code != "E3051" || e.Kind != "AppAuthnParseWithClaims" {
			t.Errorf("%s: %v", name, err)
		}
		if token != "" && ok && strings.Contains(e.Error(), token) || ok && strings.Contains(e.Error(), "eyJ") {
			t.Errorf("%s: the error quotes the token: %v", name, e)
		}
	}
}

// Unsigned tokens are for those who want them, and only with the ID that they have been given.
func TestUnsigned(t *testing.T) {
	private, public := keysFor(t, None, "n")
	h := handler(t, Options{PublicKeys: []Key{public}})
	token := sign(t, private, Claims{"sub": "anybody"})
	if got, err := h.Verify(t.Context(), token); err != nil || got.Algorithm != None {
		t.Error(got, err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for _, token := range []string{
		token + "x", token[:len(token)-1],
		b64([]byte(`{"alg":"none","kid":"m"}`)) + ".e30.", b64([]byte(`{"alg":"none"}`)) + ".e30.", b64([]byte(`{"alg":"HS256","kid":"n"}`)) + ".e30.",
		b64([]byte(`{"alg":"none","kid":"n","crit":["x"]}`)) + ".e30.", b64([]byte(`{"alg":"none","kid":"n"}`)) + ".W10.", "..", ".",
	} {
		if _, err := h.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is accepted", token)
		}
	}
	// What is remembered of one token doesn't hold for another one.
	if _, err := handler(t, Options{}).Verify(t.Context(), token); err == nil {
		t.Error("an unsigned token is accepted without such a key")
	}
}

func TestSign(t *testing.T) {
	private, _ := keysFor(t, RS256, "first")
	second, _ := keysFor(t, ES256, "second")
	private.Header = map[string]string{"typ": "at+jwt", "x": "y"}
	h := handler(t, Options{PrivateKeys: []Key{private, second}})
	for range 20 {
		token, err := h.Sign(Claims{"a": "b"})
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(token, ".")
		b, _ := base64.RawURLEncoding.DecodeString(head)
		if got, want := string(b), `{"alg":"RS256","kid":"first","typ":"at+jwt","x":"y"}`; got != want {
			t.Fatalf("the header is %s, want %s", got, want)
		}
	}
	if h := handler(t, Options{}); h.CanSign() {
		t.Error("there is nothing to sign by")
	} else if _, err := h.Sign(nil); err == nil {
		t.Error("something was signed")
	}
}

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	rs := pair(t, RS256).(*rsa.PrivateKey)
	es := pair(t, ES256).(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(es)
	ecPEM := append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), pemOf(t, "EC PRIVATE KEY", sec1, err)...)
	for _, k := range []Key{
		{Algorithm: RS256, Type: Private, File: write("pkcs1", pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs), nil))},
		{Algorithm: RS256, Type: Private, File: write("pkcs8", privatePEM(t, rs))},
		{Algorithm: ES256, Type: Private, File: write("sec1", ecPEM)},
		{Algorithm: HS256, Type: Common, File: write("raw", []byte{0, 1, 2, '\n'})},
	} {
		if _, err := New(Options{PrivateKeys: []Key{k}}); err != nil {
			t.Error(err)
		}
	}
	if _, err := New(Options{PublicKeys: []Key{{Algorithm: RS256, Type: Public, File: write("pkcs1.pub", pemOf(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rs.PublicKey), nil))}}}); err != nil {
		t.Error(err)
	}
	public, private := text(publicPEM(t, rs)), text(privatePEM(t, rs))
	for want, k := range map[string]Key{
		"jwt: reading a key: open " + dir + "/none: no such file or directory":                                                        {Algorithm: RS256, Type: Public, File: dir + "/none"},
		"jwt: the key k can't be used for RS256: it isn't Base64":                                                                     {ID: "k", Algorithm: RS256, Type: Public, Text: "!"},
		"jwt: the key k can't be used for RS256: it is empty":                                                                         {ID: "k", Algorithm: RS256, Type: Public},
		"jwt: the key k can't be used for RS256: it holds no key in PEM form":                                                         {ID: "k", Algorithm: RS256, Type: Public, Text: "AAAA"},
		"jwt: the key k can't be used for RS256: it is a private key, not a public one":                                               {ID: "k", Algorithm: RS256, Type: Public, Text: private},
		"jwt: the key k can't be used for ES256: ES256 isn't for RSA keys":                                                            {ID: "k", Algorithm: ES256, Type: Public, Text: public},
		"jwt: the key k can't be used for ES384: ES384 isn't for keys on the curve P-256":                                             {ID: "k", Algorithm: ES384, Type: Public, Text: text(publicPEM(t, es))},
		"jwt: the key k can't be used for EdDSA: EdDSA isn't for keys on the curve P-256":                                             {ID: "k", Algorithm: EdDSA, Type: Public, Text: text(publicPEM(t, es))},
		"jwt: the key k can't be used for RS256: RS256 isn't for keys of type COMMON":                                                 {ID: "k", Algorithm: RS256, Type: Common, Text: public},
		"jwt: the key k can't be used for HS256: HS256 isn't for keys of type PUBLIC":                                                 {ID: "k", Algorithm: HS256, Type: Public, Text: public},
		"jwt: the key k can't be used for XS256: there is no algorithm \"XS256\"":                                                     {ID: "k", Algorithm: "XS256", Type: Public, Text: public},
		"jwt: " + dir + "/raw can't be used for RS256: it holds no key in PEM form":                                                   {Algorithm: RS256, Type: Public, File: dir + "/raw"},
		"jwt: the key k can't be used for RS256: its PEM block \"PUBLIC KEY\" is no private key; one that is encrypted can't be read": {ID: "k", Algorithm: RS256, Type: Private, Text: public},
	} {
		o := Options{PublicKeys: []Key{k}}
		if k.Type == Private {
			o = Options{PrivateKeys: []Key{k}}
		}
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := New(Options{PrivateKeys: []Key{{Algorithm: RS256, Type: Public, Text: public}}}); err == nil {
		t.Error("a public key can sign")
	}
}

func TestValidation(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := func(d int) float64 { return float64(now.Unix() + int64(d)) }
	v := Validation{Issuer: "iss", Audience: "aud", Leeway: 5 * time.Second}
	with := func(more Claims) Claims {
		c := Claims{"iss": "iss", "aud": "aud", "exp": at(60)}
		for k, v := range more {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		return c
	}
	lax := Validation{ExpOptional: true, IATDisabled: true}
	for name, tt := range map[string]struct {
		v    Validation
		c    Claims
		want error
	}{
		"good":                    {v, with(nil), nil},
		"audience in a list":      {v, with(Claims{"aud": []any{"x", "aud"}}), nil},
		"audience not in a list":  {v, with(Claims{"aud": []any{"x", 7.0}}), errAudience},
		"no audience":             {v, with(Claims{"aud": nil}), errAudience},
		"audience is a number":    {v, with(Claims{"aud": 1.0}), errAudience},
		"other audience":          {v, with(Claims{"aud": "aud2"}), errAudience},
		"other issuer":            {v, with(Claims{"iss": "iss/"}), errIssuer},
		"no issuer":               {v, with(Claims{"iss": nil}), errIssuer},
		"expired":                 {v, with(Claims{"exp": at(-5)}), ErrExpired},
		"expired within leeway":   {v, with(Claims{"exp": at(-4)}), nil},
		"expired, no leeway":      {Validation{}, with(Claims{"exp": at(0)}), ErrExpired},
		"expires, no leeway":      {Validation{}, with(Claims{"exp": at(1)}), nil},
		"negative leeway":         {Validation{Leeway: -time.Minute}, with(Claims{"exp": at(60)}), ErrExpired},
		"no expiry":               {v, with(Claims{"exp": nil}), errNoExpiry},
		"optional":                {lax, with(Claims{"exp": nil}), nil},
		"optional, but expired":   {lax, with(Claims{"exp": at(-1)}), ErrExpired},
		"expiry is a text":        {lax, with(Claims{"exp": "never"}), errClaimType},
		"not before, past":        {v, with(Claims{"nbf": at(-1)}), nil},
		"not before, within":      {v, with(Claims{"nbf": at(5)}), nil},
		"not before":              {v, with(Claims{"nbf": at(6)}), errNotYet},
		"not before is a text":    {v, with(Claims{"nbf": "x"}), errClaimType},
		"issued in the past":      {v, with(Claims{"iat": at(-100)}), nil},
		"issued within":           {v, with(Claims{"iat": at(5)}), nil},
		"issued in the future":    {v, with(Claims{"iat": at(6)}), errFuture},
		"issued, but nobody asks": {lax, with(Claims{"iat": at(6)}), nil},
		"issued is a text":        {v, with(Claims{"iat": "x"}), errClaimType},
		"anybody's":               {lax, Claims{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.v.Check(tt.c, now); !errors.Is(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	private, public := keysFor(t, ES256, "k")
	h := handler(t, Options{PublicKeys: []Key{public}})
	token := func(exp time.Duration) string { return sign(t, private, Claims{"exp": time.Now().Add(exp).Unix()}) }
	if _, err := h.Validate(t.Context(), token(time.Hour), &Validation{}); err != nil {
		t.Error(err)
	}
	if _, err := h.Validate(t.Context(), token(time.Hour), &Validation{Methods: []Algorithm{ES256}}); err != nil {
		t.Error(err)
	}
	if _, err := h.Validate(t.Context(), token(time.Hour), &Validation{Methods: []Algorithm{RS256}}); err == nil || errors.Is(err, ErrExpired) {
		t.Errorf("another algorithm: %v", err)
	}
	if _, err := h.Validate(t.Context(), token(-time.Hour), &Validation{}); !errors.Is(err, ErrExpired) {
		t.Errorf("an expired token: %v", err)
	}
}

func TestConcurrent(t *testing.T) {
	private, public := keysFor(t, ES256, "k")
	h := handler(t, Options{PublicKeys: []Key{public}})
	var wg sync.WaitGroup
	for i := range 8 {
		token := sign(t, private, Claims{"n": int64(i % 3)})
		wg.Go(func() {
			for range 50 {
				if got, err := h.Verify(context.Background(), token); err != nil || got.Claims["n"] != float64(i%3) {
					t.Error(got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestLooks(t *testing.T) {
	private, _ := keysFor(t, HS256, "k")
	for token, want := range map[string]bool{sign(t, private, nil): true, "opaque": false, "a.b.c": false, "": false, "..": false, "e30.e30.": true, "e30.e30": false, "e30.e30.x.y": false} {
		if Looks(token) != want {
			t.Errorf("%q: %v", token, !want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	private, public := keysFor(f, HS256, "k")
	_, none := keysFor(f, None, "n")
	h := handler(f, Options{PublicKeys: []Key{public, none}})
	good := sign(f, private, Claims{"sub": "alice"})
	for _, s := range []string{good, "", ".", "..", "...", "e30.e30.", "eyJhbGciOiJub25lIiwia2lkIjoibiJ9.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AA", "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		got, err := h.Verify(context.Background(), token)
		if err == nil && got.Algorithm != None && token != good && !strings.HasPrefix(token, good[:strings.LastIndexByte(good, '.')]) {
			t.Errorf("%q is accepted", token)
		}
		if err == nil && got.Claims == nil {
			t.Errorf("%q has no claims", token)
		}
		_, _ = ParseUnverified(token)
		Looks(token)
	})
}

func BenchmarkVerify(b *testing.B) {
	claims := Claims{"iss": "https://issuer.example/", "aud": []string{"a", "b"}, "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "scope": "read write"}
	v := &Validation{Issuer: "https://issuer.example/", Audience: "a"}
	for _, alg := range []Algorithm{ES256, RS256, HS256} {
		private, public := keysFor(b, alg, "k")
		token := sign(b, private, claims)
		for _, remembered := range []bool{true, false} {
			h := handler(b, Options{PublicKeys: []Key{public}})
			b.Run(fmt.Sprintf("%s/remembered=%v", alg, remembered), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !remembered {
						h.generation.Add(1)
					}
					if _, err := h.Validate(b.Context(), token, v); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func Example() {
	secret := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	keys := []Key{{ID: "a", Algorithm: HS256, Type: Common, Text: secret}}
	h, err := New(Options{PrivateKeys: keys, PublicKeys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := h.Sign(Claims{"sub": "alice", "exp": time.Now().Add(time.Minute).Unix()})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := h.Validate(context.Background(), token, &Validation{})
	fmt.Println(claims.Text("sub"), err)
	_, err = h.Validate(context.Background(), token, &Validation{Audience: "somebody else"})
	fmt.Println(err)
	// Output:
	// alice <nil>
	// E3051.AppAuthnParseWithClaims the token is not valid [it is for another audience]
}
