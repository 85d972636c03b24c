package interop

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// startZitadel runs the example server of zitadel/oidc in this process. Its users log in with test-user2 and verysecure. Access
// tokens are opaque.
func startZitadel(t *testing.T, clients ...*storage.Client) (issuer string) {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	storage.RegisterClients(clients...)
	handler = exampleop.SetupServer(server.URL, storage.NewStorage(storage.NewUserStore(server.URL)), slog.New(slog.DiscardHandler), false)
	return server.URL
}

// providerOptions are what provider/provider.mjs is told.
type providerOptions struct {
	Issuer         string           `json:"issuer"`
	Resource       string           `json:"resource"`
	Clients        []map[string]any `json:"clients"`
	Cert           string           `json:"cert,omitempty"`
	Key            string           `json:"key,omitempty"`
	FAPI           string           `json:"fapi,omitempty"`
	AccessTokenTTL int              `json:"accessTokenTTL,omitempty"`
}

// modules installs what provider/provider.mjs needs, once.
var modules = sync.OnceValues(func() (out []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-timeout=60000")
	cmd.Dir = "provider"
	return cmd.CombinedOutput()
})

// startProvider runs provider/provider.mjs until the test ends.
func startProvider(t *testing.T, o providerOptions) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = exec.LookPath("npm")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no node, or no npm")
	}
	if out, err := modules(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("the modules of provider.mjs can't be had: %v", err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, filepath.Join("provider", "provider.mjs"))
	run(t, cmd, append(os.Environ(), "PROVIDER="+string(text)), strings.TrimPrefix(strings.TrimPrefix(o.Issuer, "https://"), "http://"))
}

// A user is somebody with a browser of which only cookies, forms and redirections matter.
type user struct {
	*http.Client
	fields map[string]string // what he types
}

func newUser(t *testing.T, fields map[string]string) *user {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &user{&http.Client{Jar: jar, Timeout: 30 * time.Second}, fields}
}

// get opens a page, fills in each form that comes, and returns the first page without one.
func (u *user) get(t *testing.T, page string) (*http.Response, string) {
	t.Helper()
	resp, err := u.Get(page)
	return u.walk(t, resp, err)
}

func (u *user) walk(t *testing.T, resp *http.Response, err error) (*http.Response, string) {
	t.Helper()
	for range 8 {
		if err != nil {
			t.Fatal(err)
		}
		b, readErr := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if readErr != nil {
			t.Fatal(readErr)
		}
		action, form, ok := u.fill(resp.Request.URL, string(b))
		if !ok {
			return resp, string(b)
		}
		resp, err = u.PostForm(action, form)
	}
	t.Fatalf("the forms have no end: %s", resp.Request.URL)
	return nil, ""
}

var (
	formTag   = regexp.MustCompile(`(?s)<form[^>]*?\saction="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	attribute = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// fill fills in the form on a page, if there is one.
func (u *user) fill(base *url.URL, page string) (action string, form url.Values, ok bool) {
	m := formTag.FindStringSubmatch(page)
	if m == nil {
		return "", nil, false
	}
	target, err := base.Parse(html.UnescapeString(m[1]))
	if err != nil {
		return "", nil, false
	}
	form = make(url.Values)
	for _, input := range inputTag.FindAllString(m[2], -1) {
		values := make(map[string]string)
		for _, a := range attribute.FindAllStringSubmatch(input, -1) {
			values[a[1]] = html.UnescapeString(a[2])
		}
		if typed, ok := u.fields[values["name"]]; ok {
			values["value"] = typed
		}
		if values["name"] != "" {
			form.Set(values["name"], values["value"])
		}
	}
	return target.String(), form, true
}
