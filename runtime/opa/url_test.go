package opa_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/opa"
)

// A site is a transport that answers by itself.
type site struct {
	mu       sync.Mutex
	files    map[string]string
	types    map[string]string
	status   int // if it isn't 0
	redirect map[string]string
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
	if to := s.redirect[q.Scheme+"://"+q.Host+q.Path]; to != "" {
		r.Status = 302
		r.Header.Set("Location", to)
		return nil
	}
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

func TestRedirections(t *testing.T) {
	const from = "https://policies.example/old.tar.gz"
	for name, c := range map[string]struct {
		to    map[string]string
		works bool
	}{
		"to another path":   {map[string]string{from: "shop.tar.gz"}, true},
		"twice":             {map[string]string{from: "/more", "https://policies.example/more": "https://policies.example/shop.tar.gz"}, true},
		"to the clear":      {map[string]string{from: "http://policies.example/shop.tar.gz"}, false},
		"to somewhere else": {map[string]string{from: "ftp://policies.example/shop.tar.gz"}, false},
		"in a circle":       {map[string]string{from: from}, false},
		// Where it's let in only with credentials, which it doesn't get after that.
		"by another host": {map[string]string{from: "https://other.example/x", "https://other.example/x": "https://policies.example/shop.tar.gz"}, false},
	} {
		s := newSite(t)
		s.redirect = c.to
		a, err := opa.New(opa.Options{Regos: []opa.Rego{{
			Query: "data.shop.allow", Bundles: []opa.Source{{Name: from}}, Transport: s, Header: gateway.Header{{Name: "Authorization", Value: "Bearer t"}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Initialize(); (err == nil) != c.works {
			t.Errorf("%s: error %v", name, err)
		}
		for i, credentials := range s.asked {
			if away := name == "by another host" && i > 0; (credentials == "") != away {
				t.Errorf("%s: request %d has the credentials %q", name, i, credentials)
			}
		}
		if err := a.Finalize(); err != nil {
			t.Error(err)
		}
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
