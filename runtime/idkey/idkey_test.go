package idkey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/idkey"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

func file(t testing.TB, text string, e credentials.Encoding) credentials.Files {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys.list")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return credentials.Files{Paths: []string{name}, Encoding: e}
}

func request(pairs ...string) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Unix(1700000000, 0)}
	for i := 0; i < len(pairs); i += 2 {
		x.Request.Header.Add(pairs[i], pairs[i+1])
	}
	return x
}

const (
	plain  = "bd16d0c8-7bc0-4bf4-a0b0-bccaa3e2f072"
	secret = "ZXhhbXBsZV9wYXNzd29yZA==" // example_password
)

// TestLayers has what AILERON Gateway's documentation shows of the ways in which a key is stored.
func TestLayers(t *testing.T) {
	for stored, o := range map[string]idkey.Options{
		plain: {},
		"d7c405e8697751f4b430f9325417b8fc1d16c83a081bb039c3b1d7bfe12a30d6":                                                                 {Hash: credentials.Hashed(digest.SHA256)},
		"066d62d945e88a5b2096dbbd861ff5202efba067b92d194484b64d953de6996f":                                                                 {Hash: credentials.HMAC(digest.SHA256, secret)},
		"313233343536373839303132333435368e1d0838f4a08ab69a5961a9ce54ae24281541e1d1fc228dae66e9b23dfcfa8cb9e9656ee728d35b29e88385a011911e": {Cipher: credentials.AESCBC(secret)},
		"31323334353637383930313233343536eccf566b5b0eceb06e4ccf5c7c1339748c552cc91ed60cbeacaee1bc7501b4adac5b9562a46da20dee0e081fbdf58c40": {Hash: credentials.Hashed(digest.SHA256), Cipher: credentials.AESCBC(secret)},
		"3132333435363738393031323334353631171a0d42718570af0171844bc0d447e53e7bf2283f96773c5f5fb71bd81d6d4dfac14e2c90d4f4540038e26689e3d6": {Hash: credentials.HMAC(digest.SHA256, secret), Cipher: credentials.AESCBC(secret)},
	} {
		encoding := credentials.Encoding(credentials.Base16)
		if stored == plain {
			encoding = nil
		}
		o.Keys = file(t, "user0:"+stored, encoding)
		a, err := idkey.New(o)
		if err != nil {
			t.Errorf("%s: %v", stored, err)
			continue
		}
		for key, want := range map[string]authn.Outcome{plain: authn.Accepted, plain + "x": authn.Refused, "user0": authn.Refused} {
			if got, err := a.Authenticate(request("X-Api-Id", "user0", "X-Api-Key", key)); got != want {
				t.Errorf("%s: %s gives %v, %v", stored, key, got, err)
			}
		}
	}
}

func TestMiddleware(t *testing.T) {
	o := idkey.Options{Keys: file(t, "a:1:{\"x\":2}\nb:2", nil)}
	kept := o
	kept.KeepCredentials, kept.IDHeader, kept.KeyHeader, kept.ClaimsKey = true, "X-I", "X-K", "who"
	const missing = "no api key provided"
	wrong := func(why string) string { return "unauthorized api key [" + why + "]" }
	const half, several, unknown = "there is an api key without an id in the request, or an id without a key",
		"there is more than one api key or id in the request", "unknown id or wrong api key"
	for name, tt := range map[string]struct {
		o      idkey.Options
		header []string
		err    string
		claims map[string]any
		left   int
	}{
		"right":     {o, []string{"x-api-id", "a", "x-api-key", "1"}, "", map[string]any{"name": "a", "attrs": map[string]any{"x": 2.0}}, 0},
		"kept":      {kept, []string{"X-I", "b", "X-K", "2"}, "", map[string]any{"name": "b", "attrs": nil}, 2},
		"wrong":     {o, []string{"X-Api-Id", "a", "X-Api-Key", "2"}, wrong(unknown), nil, 2},
		"unknown":   {o, []string{"X-Api-Id", "c", "X-Api-Key", "2"}, wrong(unknown), nil, 2},
		"no key":    {o, []string{"X-Api-Id", "a"}, wrong(half), nil, 1},
		"no id":     {o, []string{"X-Api-Key", "1"}, wrong(half), nil, 1},
		"empty":     {o, []string{"X-Api-Id", "", "X-Api-Key", ""}, wrong(half), nil, 2},
		"nothing":   {o, nil, missing, nil, 0},
		"two ids":   {o, []string{"X-Api-Id", "a", "X-Api-Id", "b", "X-Api-Key", "1"}, wrong(several), nil, 3},
		"two keys":  {o, []string{"X-Api-Id", "a", "X-Api-Key", "1", "X-Api-Key", "1"}, wrong(several), nil, 3},
		"elsewhere": {kept, []string{"X-Api-Id", "a", "X-Api-Key", "1"}, missing, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := idkey.New(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			x := request(tt.header...)
			passed, got := false, ""
			if err := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error {
				passed = true
				return nil
			})).Serve(x); err != nil {
				if got = err.Error(); gateway.StatusOf(err) != 403 {
					t.Errorf("the status is %d", gateway.StatusOf(err))
				}
			}
			if got != tt.err || passed != (tt.err == "") || len(x.Request.Header) != tt.left {
				t.Errorf("passed: %v, error: %s, header: %v", passed, got, x.Request.Header)
			}
			key := tt.o.ClaimsKey
			if key == "" {
				key = claims.DefaultKey
			}
			if tt.claims != nil {
				tt.claims["method"], tt.claims["auth_time"] = "APIKey", 1.7e9
			}
			if d := cmp.Diff(tt.claims, claims.Get(x, key)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestChallenge(t *testing.T) {
	a, err := idkey.New(idkey.Options{Keys: credentials.Files{}})
	if err != nil {
		t.Fatal(err)
	}
	var h gateway.Header
	if a.Challenge(&h, nil); h.Get("WWW-Authenticate") != `ApiKey header="X-Api-Key", id="X-Api-Id"` {
		t.Error(h)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]idkey.Options{
		"keys.list:1: there is no colon in it":       {Keys: file(t, "a", nil)},
		"keys.list:2: the user or id a is in ":       {Keys: file(t, "a:1\na:2", nil)},
		"keys.list:1: the secret can't be decrypted": {Keys: file(t, "a:1", nil), Cipher: credentials.AESCTR(secret)},
		"the secret of the HMAC is empty":            {Keys: file(t, "a:1", nil), Hash: credentials.HMAC(digest.SHA256, "")},
	} {
		if _, err := idkey.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func Example() {
	vars := env.New([]string{"ID_1=alice", "KEY_1=s3cret"})
	clients, err := idkey.New(idkey.Options{Keys: credentials.Variables{IDs: vars.Prefixed("", "ID_"), Secrets: vars.Prefixed("", "KEY_")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := clients.Middleware(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("hello,", claims.Get(x, claims.DefaultKey)["name"])
		return nil
	}))
	fmt.Println(h.Serve(request("X-Api-Id", "alice", "X-Api-Key", "s3cret")))
	fmt.Println(h.Serve(request("X-Api-Id", "alice", "X-Api-Key", "secret")))
	// Output:
	// hello, alice
	// <nil>
	// unauthorized api key [unknown id or wrong api key]
}

func BenchmarkMiddleware(b *testing.B) {
	a, err := idkey.New(idkey.Options{Keys: file(b, "user0:"+plain, nil)})
	if err != nil {
		b.Fatal(err)
	}
	h := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := request()
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Start = time.Unix(1700000000, 0)
		x.Request.Header.Add("X-Api-Id", "user0")
		x.Request.Header.Add("X-Api-Key", plain)
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}
