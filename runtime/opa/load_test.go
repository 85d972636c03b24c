package opa_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/aileron-gateway/aileronc/internal/policy"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

// tarball is a bundle with these files, signed if there's a key.
func tarball(t *testing.T, files map[string]string, key string) []byte {
	t.Helper()
	var entries []policy.Entry
	for name, text := range files {
		entries = append(entries, policy.Entry{Path: "/" + name, Data: []byte(text)})
	}
	packed, err := policy.Pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	if key == "" {
		return packed
	}
	b, err := bundle.NewReader(bytes.NewReader(packed)).WithRegoVersion(ast.RegoV0).Read()
	if err != nil {
		t.Fatal(err)
	}
	claims := filepath.Join(t.TempDir(), "claims.json")
	writeFile(t, claims, `{"scope": "shop"}`)
	if err := b.GenerateSignature(bundle.NewSigningConfig(key, "ES256", claims), "build", false); err != nil {
		t.Fatal(err)
	}
	var signed bytes.Buffer
	if err := bundle.NewWriter(&signed).DisableFormat(true).Write(b); err != nil {
		t.Fatal(err)
	}
	return signed.Bytes()
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func keyPair(t *testing.T) (private, publicFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	priv, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicFile = filepath.Join(t.TempDir(), "public.pem")
	writeFile(t, publicFile, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub})))
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: priv})), publicFile
}

var shop = map[string]string{
	"shop/shop.rego": "package shop\n\nallow { data.shop.paths[_] == input.api }",
	"shop/data.json": `{"paths": ["/cart"]}`,
}

func TestBundles(t *testing.T) {
	private, public := keyPair(t)
	other, _ := keyPair(t)
	verify := opa.Verification{Keys: []opa.VerificationKey{{ID: "build", Algorithm: "ES256", Scope: "shop", File: public}}, KeyID: "build"}
	scope, skip := verify, verify
	scope.Scope, skip.Skip = "books", true
	signed := tarball(t, shop, private)
	forged := tarball(t, shop, other)
	plain := tarball(t, shop, "")
	v1 := tarball(t, map[string]string{"shop/shop.rego": "package shop\n\nallow if \"/cart\" == input.api"}, "")
	said := tarball(t, map[string]string{".manifest": `{"rego_version": 1, "roots": ["shop"]}`, "shop/shop.rego": "package shop\n\nallow if input.api == \"/cart\""}, "")
	for name, c := range map[string]struct {
		content []byte
		verify  opa.Verification
		starts  bool
	}{
		"plain":                      {plain, opa.Verification{}, true},
		"of version 1":               {v1, opa.Verification{}, true},
		"of version 1, as it says":   {said, opa.Verification{}, true},
		"signed":                     {signed, verify, true},
		"of another scope":           {signed, scope, false},
		"signed by somebody else":    {forged, verify, false},
		"not signed":                 {plain, verify, false},
		"signed, and no key":         {signed, opa.Verification{}, false},
		"forged, but nobody looks":   {forged, skip, true},
		"not signed, nobody looks":   {plain, skip, true},
		"in WebAssembly":             {tarball(t, map[string]string{"policy.wasm": "x"}, ""), opa.Verification{}, false},
		"only what has changed":      {tarball(t, map[string]string{"patch.json": `{"data": [{"op": "add", "path": "/x", "value": 1}]}`}, ""), opa.Verification{}, false},
		"with a policy that doesn't": {tarball(t, map[string]string{"shop/shop.rego": "package shop\nallow {"}, ""), opa.Verification{}, false},
	} {
		a, err := opa.New(opa.Options{Regos: []opa.Rego{{Query: "data.shop.allow", Bundles: []opa.Source{{Name: "shop.tar.gz", Content: c.content}}, Verification: c.verify}}})
		if (err == nil) != c.starts {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil {
			continue
		}
		for path, status := range map[string]int{"/cart": 200, "/other": 403} {
			if got := ask(t, a, &gateway.Exchange{Request: gateway.Request{Path: path}}); got != status {
				t.Errorf("%s: status %d for %s", name, got, path)
			}
		}
	}
}

func TestTamperedBundle(t *testing.T) {
	private, public := keyPair(t)
	entries, err := policy.Unpack(tarball(t, shop, private))
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if strings.HasSuffix(entries[i].Path, ".json") && strings.HasSuffix(entries[i].Path, "data.json") {
			entries[i].Data = bytes.Replace(entries[i].Data, []byte("cart"), []byte("evil"), 1)
		}
	}
	packed, err := policy.Pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	_, err = opa.New(opa.Options{Regos: []opa.Rego{{
		Query: "data.shop.allow", Bundles: []opa.Source{{Name: "shop.tar.gz", Content: packed}},
		Verification: opa.Verification{Keys: []opa.VerificationKey{{ID: "build", Algorithm: "ES256", Scope: "shop", File: public}}, KeyID: "build"},
	}}})
	if err == nil || !strings.Contains(err.Error(), "digest mismatch") {
		t.Errorf("error %v", err)
	}
}

func TestBundleFolderWithPoliciesAndData(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "b", "shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range shop {
		writeFile(t, filepath.Join(dir, "b", name), text)
	}
	users := filepath.Join(dir, "users.yaml")
	writeFile(t, users, "alice:\n  age: 42\n")
	nets := filepath.Join(dir, "nets.csv")
	writeFile(t, nets, "eu,10.1.0.0/16\nus,10.2.0.0/16\n")
	a := open(t, opa.Options{Regos: []opa.Rego{{
		Policies: rego(`package authz
import data.shop
allow { shop.allow; data.company.users.alice.age == 42; net.cidr_contains(data.nets[_][1], "10.2.3.4"); data.company.n == 12345678901234567890 }`),
		Bundles: []opa.Source{{Name: filepath.Join(dir, "b")}},
		Data: []opa.Document{
			{At: "/company/users", Source: opa.Source{Name: users}},
			{At: "nets", Source: opa.Source{Name: nets}},
			{At: "/company/n", Source: opa.Source{Name: "n.json", Content: []byte("12345678901234567890")}},
		},
	}}})
	if got := ask(t, a, &gateway.Exchange{Request: gateway.Request{Path: "/cart"}}); got != 200 {
		t.Errorf("status %d", got)
	}
}

func TestOverlappingBundles(t *testing.T) {
	_, err := opa.New(opa.Options{Regos: []opa.Rego{{Query: "data.shop.allow", Bundles: []opa.Source{
		{Name: "a.tar.gz", Content: tarball(t, shop, "")}, {Name: "b.tar.gz", Content: tarball(t, map[string]string{"x/data.json": "{}"}, "")},
	}}}})
	if err == nil || !strings.Contains(err.Error(), "root") {
		t.Errorf("error %v", err)
	}
}
