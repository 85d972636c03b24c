package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/aileron-gateway/aileronc/internal/freeport"
)

const clientSecret = "a secret that the provider knows, too, and that is long enough to sign by it"

// openID is a gateway of openid.yaml with its providers. The names of the addresses are those of the config.
type openID struct {
	*gateway
	zitadel, provider string
}

// startOpenID starts all of them, for an engine.
func startOpenID(t *testing.T, engine string) *openID {
	t.Helper()
	o := &openID{gateway: &gateway{addrs: make(map[string]string)}}
	o.certify(t)
	binary := build(t, "openid.yaml", engine)
	servers := []string{"INTROSPECTED", "PLAIN", "SIGNED", "POSTED", "BOUND", "RESOURCES", "MACHINE", "VERIFIED", "ASKED"}
	env := append(os.Environ(), "CERT="+o.cert, "KEY="+o.key, "CLIENT_SECRET="+clientSecret, "SECURE=false")
	var addrs []string
	for _, name := range servers {
		o.addrs[name] = freeport.Addr(t)
		addrs = append(addrs, o.addrs[name])
		env = append(env, name+"="+o.addrs[name])
	}
	// The upstream answers with the tokens that it gets, and with the request.
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Token", r.Header.Get("X-Access-Token"))
		_, _ = io.WriteString(w, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	}))
	t.Cleanup(upstream.Close)
	o.zitadel = startZitadel(t, storage.WebClient("web", clientSecret, "http://"+o.addrs["INTROSPECTED"]+"/callback"))
	o.provider = "http://" + freeport.Addr(t)
	secure := "https://" + freeport.Addr(t)
	keyFile, jwk := clientKey(t)
	startProvider(t, providerOptions{Issuer: o.provider, Resource: "urn:gateway", AccessTokenTTL: 3, Clients: o.clients(jwk)})
	startProvider(t, providerOptions{Issuer: secure, Resource: "urn:gateway", Cert: o.cert, Key: o.key, FAPI: "2.0", Clients: []map[string]any{o.boundClient(t)}})
	env = append(env, "ZITADEL="+o.zitadel, "PROVIDER="+o.provider, "SECURE_PROVIDER="+secure, "CLIENT_KEY="+keyFile, "UPSTREAM="+strings.TrimPrefix(upstream.URL, "http://"))
	run(t, exec.Command(binary), env, addrs...)
	return o
}

// clientKey makes the key of clients, as a file and as the provider has to know it.
func clientKey(t *testing.T) (file string, jwk map[string]any) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "client.key")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, ecJWK(t, &key.PublicKey)
}

func ecJWK(t *testing.T, key *ecdsa.PublicKey) map[string]any {
	t.Helper()
	point, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]any{"kty": "EC", "crv": "P-256", "kid": "client", "alg": "ES256", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:])}
}

// clients are those of the provider without TLS.
func (o *openID) clients(jwk map[string]any) []map[string]any {
	client := func(id, server string, more map[string]any) map[string]any {
		c := map[string]any{
			"client_id": id, "redirect_uris": []string{"http://" + o.addrs[server] + "/callback"}, "grant_types": []string{"authorization_code", "refresh_token"},
			"jwks": map[string]any{"keys": []any{jwk}},
		}
		maps.Copy(c, more)
		return c
	}
	return []map[string]any{
		{
			"client_id": "machine", "client_secret": clientSecret, "token_endpoint_auth_method": "client_secret_jwt", "grant_types": []string{"client_credentials"},
			"redirect_uris": []string{}, "response_types": []string{},
		},
		client("plain", "PLAIN", map[string]any{"token_endpoint_auth_method": "private_key_jwt"}),
		client("signed", "SIGNED", map[string]any{
			"token_endpoint_auth_method": "private_key_jwt", "require_pushed_authorization_requests": true,
			"request_object_signing_alg": "ES256", "require_signed_request_object": true, "authorization_signed_response_alg": "RS256",
		}),
		client("posted", "POSTED", map[string]any{
			"token_endpoint_auth_method": "client_secret_jwt", "client_secret": clientSecret, "request_object_signing_alg": "ES256",
			"require_signed_request_object": true, "authorization_signed_response_alg": "RS256",
		}),
	}
}

// boundClient is the client with a certificate.
func (o *openID) boundClient(t *testing.T) map[string]any {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	jwk := ecJWK(t, cert.PublicKey.(*ecdsa.PublicKey))
	jwk["x5c"] = []string{base64.StdEncoding.EncodeToString(pair.Certificate[0])}
	return map[string]any{
		"client_id": "bound", "redirect_uris": []string{"http://" + o.addrs["BOUND"] + "/callback"}, "grant_types": []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_method": "self_signed_tls_client_auth", "tls_client_certificate_bound_access_tokens": true, "jwks": map[string]any{"keys": []any{jwk}},
	}
}

// alice logs in at either provider.
func alice(t *testing.T) *user {
	u := newUser(t, map[string]string{"username": "test-user2", "login": "alice", "password": "verysecure"})
	u.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return u
}

// TestOpenID logs in at real providers, in all the ways that there are.
func TestOpenID(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			o := startOpenID(t, engine)
			for _, server := range []string{"INTROSPECTED", "PLAIN", "SIGNED", "POSTED", "BOUND"} {
				t.Run(server, func(t *testing.T) { o.login(t, server) })
			}
			t.Run("restored", o.restored)
			t.Run("refreshed", o.refreshed)
			t.Run("certificate", o.certificate)
			t.Run("tokens", o.tokens)
		})
	}
}

// login logs in, comes to where he was going to, and stays logged in.
func (o *openID) login(t *testing.T, server string) {
	page := "http://" + o.addrs[server] + "/page?a=b"
	u := alice(t)
	resp, body := u.get(t, page)
	if resp.StatusCode != 200 || body != "GET /page?a=b " || resp.Header.Get("X-Token") == "" {
		t.Fatalf("%s: %d %.500s", resp.Request.URL, resp.StatusCode, body)
	}
	if resp, body = u.get(t, page+"c"); resp.StatusCode != 200 || body != "GET /page?a=bc " {
		t.Errorf("%d %.500s", resp.StatusCode, body)
	}
	if server == "INTROSPECTED" {
		if resp, body = u.get(t, "http://"+o.addrs[server]+"/me"); resp.StatusCode != 200 || !strings.Contains(body, `"sub"`) || !strings.Contains(body, `"email"`) {
			t.Errorf("user info: %d %.500s", resp.StatusCode, body)
		}
	}
	// Somebody else isn't.
	other := newUser(t, nil)
	other.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if resp, body := other.get(t, page); resp.StatusCode != 302 {
		t.Errorf("%d %.500s", resp.StatusCode, body)
	}
}

// restored sends a form without being logged in, and finds it handled after the login.
func (o *openID) restored(t *testing.T) {
	u := alice(t)
	resp, err := u.PostForm("http://"+o.addrs["INTROSPECTED"]+"/orders", url.Values{"book": {"Alice"}})
	if resp, body := u.walk(t, resp, err); resp.StatusCode != 200 || body != "POST /orders book=Alice" {
		t.Errorf("%d %.500s", resp.StatusCode, body)
	}
}

// refreshed sees another token as soon as the first has expired.
func (o *openID) refreshed(t *testing.T) {
	u := alice(t)
	page := "http://" + o.addrs["PLAIN"] + "/page"
	first, _ := u.get(t, page)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		resp, body := u.get(t, page)
		if resp.StatusCode != 200 || resp.Request.URL.Path != "/page" {
			t.Fatalf("%s: %d %.500s", resp.Request.URL, resp.StatusCode, body)
		}
		if resp.Header.Get("X-Token") != first.Header.Get("X-Token") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the token stays the same")
		}
	}
}

// certificate uses a token that is bound to a certificate, with and without that.
func (o *openID) certificate(t *testing.T) {
	resp, _ := alice(t).get(t, "http://"+o.addrs["BOUND"]+"/page")
	token := resp.Header.Get("X-Token")
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		t.Fatal(err)
	}
	for want, certificates := range map[int][]tls.Certificate{200: {pair}, 401: nil} {
		client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}}
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+o.addrs["RESOURCES"]+"/page", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d certificates: %d, not %d", len(certificates), resp.StatusCode, want)
		}
	}
}

// tokens brings the token that one server has got to those that know clients by tokens.
func (o *openID) tokens(t *testing.T) {
	machine, body := newUser(t, nil).get(t, "http://"+o.addrs["MACHINE"]+"/page")
	if machine.StatusCode != 200 {
		t.Fatalf("%d %.500s", machine.StatusCode, body)
	}
	login, _ := alice(t).get(t, "http://"+o.addrs["INTROSPECTED"]+"/page")
	verified, opaque := machine.Header.Get("X-Token"), login.Header.Get("X-Token")
	for _, tt := range []struct {
		server, token string
		want          int
	}{
		{"VERIFIED", verified, 200}, {"VERIFIED", opaque, 401}, {"VERIFIED", "", 401}, {"VERIFIED", verified[:len(verified)-4] + "AAAA", 401},
		{"ASKED", opaque, 200}, {"ASKED", verified, 401}, {"ASKED", "", 401}, {"ASKED", opaque[:len(opaque)-4], 401},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+o.addrs[tt.server]+"/page", nil)
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if challenge := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != tt.want || tt.want == 401 && !strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%s, a token of %d bytes: %d %q, not %d", tt.server, len(tt.token), resp.StatusCode, challenge, tt.want)
		}
	}
}
