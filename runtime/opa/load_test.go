package opa_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

// A site is a transport that answers by itself.
type site struct {
	mu       sync.Mutex
	files    map[string]string
	types    map[string]string
	status   int      // if it isn't 0
	asked    []string // credentials
	token    string
	served   int
	notAgain int
}

func (s *site) set(path, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = content
}

func (s *site) Serve(x *gateway.Exchange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, r := &x.Request, &x.Response
	s.asked = append(s.asked, q.Header.Get("Authorization"))
	content, ok := s.files[q.Path]
	switch etag := `"` + content + `"`; {
	case s.status != 0:
		r.Status = s.status
	case q.Method != "GET" || q.Host != "policies.example" || q.Scheme != "https" || q.Header.Get("Authorization") != "Bearer "+s.token:
		r.Status = 401
	case !ok:
		r.Status = 404
	case q.Header.Get("If-None-Match") == etag:
		s.notAgain++
		r.Status = 304
	default:
		s.served++
		r.Status = 200
		r.Header.Set("ETag", etag)
		r.Header.Set("Content-Type", s.types[q.Path])
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(content)), -1
	}
	return nil
}

func newSite(t *testing.T) *site {
	return &site{
		token: "t", types: map[string]string{"/roles": "text/csv; charset=utf-8", "/users": "application/json", "/levels": "application/yaml", "/page": "text/html"},
		files: map[string]string{"/shop.tar.gz": string(tarball(t, shop, "")), "/roles": "alice,buyer\n", "/users": `{"alice": 1}`, "/levels": "a: 1", "/page": "<p>"},
	}
}

func (s *site) rego() opa.Rego {
	return opa.Rego{
		Policies:  rego("package authz\nimport data.shop\nallow { shop.allow; data.roles[0] == [\"alice\", \"buyer\"]; data.users.alice == data.levels.a }"),
		Bundles:   []opa.Source{{Name: "https://policies.example/shop.tar.gz"}},
		Data:      []opa.Document{at("/roles"), at("/users"), at("/levels")},
		Transport: s,
		Header:    gateway.Header{{Name: "Authorization", Value: "Bearer t"}},
	}
}

func at(path string) opa.Document {
	return opa.Document{At: path, Source: opa.Source{Name: "https://policies.example" + path}}
}

var cart = gateway.Request{Path: "/cart"}

func TestURLs(t *testing.T) {
	a, err := opa.New(opa.Options{Regos: []opa.Rego{newSite(t).rego()}})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, a, &gateway.Exchange{Request: cart}); got != 403 {
		t.Errorf("before anything is loaded: status %d", got)
	}
	if err := a.Initialize(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, a, &gateway.Exchange{Request: cart}); got != 200 {
		t.Errorf("status %d", got)
	}
	if err := a.Finalize(); err != nil {
		t.Error(err)
	}
}

func TestBadURLs(t *testing.T) {
	for name, change := range map[string]func(*site, *opa.Rego){
		"a wrong token":   func(s *site, _ *opa.Rego) { s.token = "u" },
		"an error":        func(s *site, _ *opa.Rego) { s.status = 500 },
		"304 at once":     func(s *site, _ *opa.Rego) { s.status = 304 },
		"no such file":    func(_ *site, r *opa.Rego) { r.Data = append(r.Data, at("/none")) },
		"a page":          func(_ *site, r *opa.Rego) { r.Data = append(r.Data, at("/page")) },
		"no tarball":      func(s *site, _ *opa.Rego) { s.set("/shop.tar.gz", "x") },
		"too large":       func(s *site, _ *opa.Rego) { s.set("/users", strings.Repeat(" ", 64<<20)+"{}") },
		"a bad policy":    func(_ *site, r *opa.Rego) { r.Policies = rego("package authz\nallow {") },
		"an unknown file": func(_ *site, r *opa.Rego) { r.Policies = []opa.Source{{Name: "no.rego"}} },
	} {
		s := newSite(t)
		r := s.rego()
		change(s, &r)
		a, err := opa.New(opa.Options{Regos: []opa.Rego{r}})
		if err == nil {
			err = a.Initialize()
			_ = a.Finalize() // there's nothing to close
		}
		if err == nil {
			t.Errorf("%s: it starts", name)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: %.100s…", name, err)
		}
	}
}

// TestURLWithCredentials: they are sent, and never shown.
func TestURLWithCredentials(t *testing.T) {
	s := newSite(t)
	a, err := opa.New(opa.Options{Regos: []opa.Rego{{Bundles: []opa.Source{{Name: "https://me:s3cret@policies.example/shop.tar.gz?key=s3cret"}}, Transport: s}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Initialize(); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
	if len(s.asked) != 1 || s.asked[0] != "Basic bWU6czNjcmV0" {
		t.Errorf("credentials %q", s.asked)
	}
}

func TestReload(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "authz.rego")
	writeFile(t, file, "package authz\nallow { data.shop.allow }")
	r := s.rego()
	r.Policies = []opa.Source{{Name: file}}
	log := &lines{level: gateway.LevelInfo}
	a := open(t, opa.Options{Regos: []opa.Rego{r}, ReloadInterval: time.Millisecond, Logger: log})
	status := func(path string) int { return ask(t, a, &gateway.Exchange{Request: gateway.Request{Path: path}}) }
	if status("/cart") != 200 || status("/new") != 403 {
		t.Fatal("it doesn't begin as it should")
	}
	eventually(t, "being asked whether something has changed", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.notAgain > 8 && s.served == 4
	})
	// A new bundle, a new file.
	s.set("/shop.tar.gz", string(tarball(t, map[string]string{"shop/shop.rego": "package shop\nallow if input.api == \"/new\""}, "")))
	eventually(t, "the new bundle", func() bool { return status("/new") == 200 && status("/cart") == 403 })
	replace(t, file, "package authz\nallow { input.api == \"/other\" }")
	eventually(t, "the new file", func() bool { return status("/other") == 200 && status("/new") == 403 })
	if !strings.Contains(log.text(), "INFO policies loaded again") || strings.Contains(log.text(), "ERROR") {
		t.Errorf("the log is\n%s", log.text())
	}
	// What is broken changes nothing, and is told once.
	replace(t, file, "package authz\nallow {")
	eventually(t, "an error", func() bool { return strings.Contains(log.text(), "ERROR policies not loaded again") })
	s.mu.Lock()
	before := s.notAgain
	s.mu.Unlock()
	eventually(t, "trying again", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.notAgain > before+8
	})
	if n := strings.Count(log.text(), "ERROR"); n != 1 || status("/other") != 200 {
		t.Errorf("status %d; the log is\n%s", status("/other"), log.text())
	}
	replace(t, file, "package authz\nallow { input.api == \"/last\" }")
	eventually(t, "the file that is mended", func() bool { return status("/last") == 200 })
}

// replace replaces a file at once, so that nobody reads a half.
func replace(t *testing.T, file, text string) {
	t.Helper()
	writeFile(t, file+".new", text)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}
