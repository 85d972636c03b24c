package apikey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/apikey"
	"github.com/aileron-gateway/aileronc/runtime/authn"
	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/credentials"
	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

func file(t testing.TB, text string) credentials.Files {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys.list")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return credentials.Files{Paths: []string{name}}
}

func encoded(f credentials.Files, e credentials.Encoding) credentials.Files {
	f.Encoding = e
	return f
}

func request(pairs ...string) *gateway.Exchange {
	x := &gateway.Exchange{Start: time.Unix(1700000000, 0)}
	x.Request.Header.Add("Accept", "*/*")
	for i := 0; i < len(pairs); i += 2 {
		x.Request.Header.Add(pairs[i], pairs[i+1])
	}
	return x
}

const plain = "bd16d0c8-7bc0-4bf4-a0b0-bccaa3e2f072"

// What is stored of plain.
const (
	sum = "d7c405e8697751f4b430f9325417b8fc1d16c83a081bb039c3b1d7bfe12a30d6" // SHA-256
	mac = "066d62d945e88a5b2096dbbd861ff5202efba067b92d194484b64d953de6996f" // HMAC-SHA-256, with the key example_password
)

func TestMiddleware(t *testing.T) {
	raw := apikey.Options{Keys: file(t, "# keys\n"+plain+"\nother:{\"name\":\"o\",\"n\":1}\n")}
	kept := raw
	kept.KeepCredentials, kept.Header, kept.ClaimsKey = true, "X-Key", "who"
	hashed := apikey.Options{Keys: encoded(file(t, strings.ToUpper(sum)), credentials.Base16), Hash: credentials.Hashed(digest.SHA256)}
	keyed := apikey.Options{
		Keys: encoded(file(t, mac), credentials.Base16),
		Hash: credentials.HMAC(digest.SHA256, "ZXhhbXBsZV9wYXNzd29yZA=="),
	}
	variables := apikey.Options{Keys: credentials.Variables{
		Secrets: env.New([]string{"K_1=" + plain, "K_X=other", "K_2=", "K_ID_7=id", "K_KEY_07=pair", "K_KEY_8=alone"}).Prefixed("p", "K_"),
	}}
	const missing, unknown, several = "no api key provided", "unauthorized api key [non registered api key provided]",
		"unauthorized api key [there is more than one api key in the request]"
	at := func(attrs any) map[string]any {
		return map[string]any{"method": "APIKey", "auth_time": 1.7e9, "attrs": attrs}
	}
	for name, tt := range map[string]struct {
		o      apikey.Options
		header []string
		err    string
		claims map[string]any
		left   []string
	}{
		"known":           {raw, []string{"x-api-key", plain}, "", at(nil), nil},
		"with attributes": {raw, []string{"X-Api-Key", "other"}, "", at(map[string]any{"name": "o", "n": 1.0}), nil},
		"missing":         {raw, nil, missing, nil, nil},
		"empty":           {raw, []string{"X-Api-Key", ""}, missing, nil, nil},
		"unknown":         {raw, []string{"X-Api-Key", plain + "x"}, unknown, nil, nil},
		"a comment":       {raw, []string{"X-Api-Key", "# keys"}, unknown, nil, nil},
		"twice":           {raw, []string{"X-Api-Key", plain, "X-Api-Key", plain}, several, nil, nil},
		"kept":            {kept, []string{"X-Key", plain}, "", at(nil), []string{plain}},
		"in another":      {kept, []string{"X-Api-Key", plain}, missing, nil, nil},
		"hashed":          {hashed, []string{"X-Api-Key", plain}, "", at(nil), nil},
		"the hash itself": {hashed, []string{"X-Api-Key", sum}, unknown, nil, nil},
		"keyed hash":      {keyed, []string{"X-Api-Key", plain}, "", at(nil), nil},
		"variable":        {variables, []string{"X-Api-Key", "other"}, "", at(nil), nil},
		"empty variable":  {variables, []string{"X-Api-Key", "2"}, unknown, nil, nil},
		"id of a pair":    {variables, []string{"X-Api-Key", "id"}, unknown, nil, nil},
		"key of a pair":   {variables, []string{"X-Api-Key", "pair"}, unknown, nil, nil},
		"half of a pair":  {variables, []string{"X-Api-Key", "alone"}, "", at(nil), nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := apikey.New(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			x := request(tt.header...)
			passed := false
			err = a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error {
				passed = true
				return nil
			})).Serve(x)
			got := ""
			if err != nil {
				got = err.Error()
				if status := gateway.StatusOf(err); status != 403 {
					t.Errorf("the status is %d", status)
				}
			}
			if got != tt.err || passed != (err == nil) {
				t.Errorf("passed: %v, error: %s", passed, got)
			}
			key := tt.o.ClaimsKey
			if key == "" {
				key = claims.DefaultKey
			}
			if d := cmp.Diff(tt.claims, claims.Get(x, key)); d != "" {
				t.Error(d)
			}
			var left []string
			for _, f := range x.Request.Header {
				if strings.Contains(f.Name, "Key") {
					left = append(left, f.Value)
				}
			}
			if d := cmp.Diff(tt.left, left); passed && d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAuthenticator(t *testing.T) {
	a, err := apikey.New(apikey.Options{Keys: file(t, "k"), Header: "X-K"})
	if err != nil {
		t.Fatal(err)
	}
	for want, x := range map[authn.Outcome]*gateway.Exchange{
		authn.Absent: request(), authn.Refused: request("X-K", "l"), authn.Accepted: request("X-K", "k"),
	} {
		if got, err := a.Authenticate(x); got != want || (err != nil) != (want == authn.Refused) {
			t.Errorf("got %v, want %v: %v", got, want, err)
		}
	}
	var h gateway.Header
	if a.Challenge(&h, nil); h.Get("WWW-Authenticate") != `ApiKey header="X-K"` {
		t.Error(h)
	}
}

func TestErrors(t *testing.T) {
	for want, o := range map[string]apikey.Options{
		"no such file or directory":        {Keys: credentials.Files{Paths: []string{"nowhere"}}},
		"keys.list:3: the key is in ":      {Keys: file(t, "a\nb\na")},
		"keys.list:2: the attributes":      {Keys: file(t, "a\nb:c")},
		"the secret of the HMAC is empty":  {Keys: file(t, ""), Hash: credentials.HMAC(digest.SHA256, "")},
		"the secret of the HMAC is not Ba": {Keys: file(t, ""), Hash: credentials.HMAC(digest.SHA256, "secret")},
		"K_2: the key is in K_1, too":      {Keys: credentials.Variables{Secrets: env.New([]string{"K_1=k", "K_2=k"}).Prefixed("", "K_")}},
	} {
		if _, err := apikey.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func Example() {
	partners, err := apikey.New(apikey.Options{
		Keys: credentials.Variables{Secrets: env.New([]string{"PARTNER_1=s3cret"}).Prefixed("", "PARTNER_")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := partners.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error {
		fmt.Println("passed")
		return nil
	}))
	fmt.Println(h.Serve(request()))
	fmt.Println(h.Serve(request("X-Api-Key", "s3cret")))
	// Output:
	// no api key provided
	// passed
	// <nil>
}

func BenchmarkMiddleware(b *testing.B) {
	for name, o := range map[string]apikey.Options{
		"raw":    {Keys: file(b, plain)},
		"SHA256": {Keys: encoded(file(b, sum), credentials.Base16), Hash: credentials.Hashed(digest.SHA256)},
		"HMAC":   {Keys: encoded(file(b, mac), credentials.Base16), Hash: credentials.HMAC(digest.SHA256, "ZXhhbXBsZV9wYXNzd29yZA==")},
	} {
		b.Run(name, func(b *testing.B) {
			a, err := apikey.New(o)
			if err != nil {
				b.Fatal(err)
			}
			h := a.Middleware(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
			x := request()
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Start = time.Unix(1700000000, 0)
				x.Request.Header.Add("X-Api-Key", plain)
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
