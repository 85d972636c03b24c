package headercert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A cert is a certificate with its key.
type cert struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

var (
	now    = time.Now().Truncate(time.Second)
	serial = big.NewInt(254)
)

// issue makes a certificate that parent signs, or the certificate itself if parent is nil.
func issue(t testing.TB, parent *cert, template x509.Certificate) *cert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore = serial, now.Add(-48*time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = now.Add(24 * time.Hour)
	}
	if parent == nil {
		parent = &cert{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent.Certificate, key.Public(), parent.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &cert{c, key}
}

func authority(t testing.TB, parent *cert, name string) *cert {
	return issue(t, parent, x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

func client1(t testing.TB, parent *cert, usages ...x509.ExtKeyUsage) *cert {
	return issue(t, parent, x509.Certificate{Subject: pkix.Name{CommonName: "alice"}, ExtKeyUsage: usages})
}

func text(certs ...*cert) string {
	var b strings.Builder
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.String()
}

func encoded(certs ...*cert) string { return base64.URLEncoding.EncodeToString([]byte(text(certs...))) }

func escaped(certs ...*cert) string { return url.PathEscape(text(certs...)) }

func structured(certs ...*cert) string {
	var items []string
	for _, c := range certs {
		items = append(items, ":"+base64.StdEncoding.EncodeToString(c.Raw)+":")
	}
	return strings.Join(items, ", ")
}

func fingerprint(c *cert) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func request(pairs ...string) *gateway.Exchange {
	x := &gateway.Exchange{Start: now}
	for i := 0; i < len(pairs); i += 2 {
		x.Request.Header.Add(pairs[i], pairs[i+1])
	}
	return x
}

func TestMiddleware(t *testing.T) {
	root := authority(t, nil, "root")
	middle := authority(t, root, "middle")
	stranger := authority(t, nil, "root")
	auth := x509.ExtKeyUsageClientAuth
	alice := client1(t, root, auth)
	behind := client1(t, middle, auth)
	old := issue(t, root, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{auth}, NotAfter: now.Add(-time.Hour)})
	ca := file(t, text(root))
	plain := Options{RootCAs: []string{ca}}
	kept := Options{RootCAs: []string{ca}, KeepCredentials: true, ClaimsKey: "Cert", Header: "X-C", FingerprintHeader: "X-F"}
	nginx := Options{RootCAs: []string{ca}, Format: EscapedPEM}
	rfc := Options{RootCAs: []string{ca}, Format: ClientCert}
	const h, f = "X-SSL-Client-Cert", "X-SSL-Client-Fingerprint"
	printed := Options{RootCAs: []string{ca}, FingerprintHeader: f}
	for name, tt := range map[string]struct {
		o      Options
		header []string
		status int // 0 passes
		code   string
		left   int
	}{
		"client":                  {plain, []string{"x-ssl-client-cert", encoded(alice)}, 0, "", 0},
		"no extended usage":       {plain, []string{h, encoded(client1(t, root))}, 0, "", 0},
		"any usage":               {plain, []string{h, encoded(client1(t, root, x509.ExtKeyUsageAny))}, 0, "", 0},
		"client and server":       {plain, []string{h, encoded(client1(t, root, x509.ExtKeyUsageServerAuth, auth))}, 0, "", 0},
		"server":                  {plain, []string{h, encoded(client1(t, root, x509.ExtKeyUsageServerAuth))}, 401, "", 1},
		"behind another":          {plain, []string{h, encoded(behind, middle)}, 0, "", 0},
		"without the other":       {plain, []string{h, encoded(behind)}, 401, "", 1},
		"of a stranger":           {plain, []string{h, encoded(client1(t, stranger, auth))}, 401, "", 1},
		"the stranger, too":       {plain, []string{h, encoded(client1(t, stranger, auth), stranger)}, 401, "", 1},
		"expired":                 {plain, []string{h, encoded(old)}, 401, "", 1},
		"none trusted":            {Options{}, []string{h, encoded(alice)}, 401, "", 1},
		"missing":                 {plain, nil, 400, "E3214", 0},
		"empty":                   {plain, []string{h, ""}, 400, "E3214", 1},
		"twice":                   {plain, []string{h, encoded(alice), h, encoded(alice)}, 400, "E3214", 2},
		"garbage":                 {plain, []string{h, "garbage"}, 400, "E3214", 1},
		"no PEM":                  {plain, []string{h, base64.URLEncoding.EncodeToString([]byte("garbage"))}, 400, "E3214", 1},
		"a key":                   {plain, []string{h, base64.URLEncoding.EncodeToString([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))}, 400, "E3214", 1},
		"not a certificate":       {plain, []string{h, base64.URLEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))}, 400, "E3214", 1},
		"escaped":                 {plain, []string{h, escaped(alice)}, 400, "E3214", 1},
		"too many":                {plain, []string{h, encoded(slices.Repeat([]*cert{alice}, maxCerts+1)...)}, 400, "E3214", 1},
		"too long":                {plain, []string{h, encoded(alice) + strings.Repeat("=", maxLen)}, 400, "E3214", 1},
		"fingerprint not asked":   {plain, []string{h, encoded(alice), f, "wrong"}, 0, "", 1},
		"fingerprint":             {printed, []string{h, encoded(alice), f, strings.ToUpper(fingerprint(alice))}, 0, "", 0},
		"wrong fingerprint":       {printed, []string{h, encoded(alice), f, fingerprint(root)}, 401, "E3215", 2},
		"missing fingerprint":     {printed, []string{h, encoded(alice)}, 401, "E3215", 1},
		"two fingerprints":        {printed, []string{h, encoded(alice), f, fingerprint(alice), f, fingerprint(alice)}, 401, "E3215", 3},
		"kept":                    {kept, []string{"X-C", encoded(alice), "X-F", fingerprint(alice)}, 0, "", 2},
		"elsewhere":               {kept, []string{h, encoded(alice), "X-F", fingerprint(alice)}, 400, "E3214", 2},
		"nginx":                   {nginx, []string{h, escaped(alice)}, 0, "", 0},
		"nginx, chain":            {nginx, []string{h, escaped(behind, middle)}, 0, "", 0},
		"nginx, bad escape":       {nginx, []string{h, "%zz"}, 400, "E3214", 1},
		"RFC 9440":                {rfc, []string{"Client-Cert", structured(alice)}, 0, "", 0},
		"RFC 9440, chain":         {rfc, []string{"Client-Cert", structured(behind), "Client-Cert-Chain", structured(middle)}, 0, "", 0},
		"RFC 9440, two lines":     {rfc, []string{"Client-Cert", structured(behind), "Client-Cert-Chain", structured(stranger), "Client-Cert-Chain", structured(middle)}, 0, "", 0},
		"RFC 9440, wrong chain":   {rfc, []string{"Client-Cert", structured(behind), "Client-Cert-Chain", structured(stranger)}, 401, "", 2},
		"RFC 9440, parameters":    {rfc, []string{"Client-Cert", structured(alice) + ";a=b"}, 0, "", 0},
		"RFC 9440, not closed":    {rfc, []string{"Client-Cert", strings.TrimSuffix(structured(alice), ":")}, 400, "E3214", 1},
		"RFC 9440, a token":       {rfc, []string{"Client-Cert", "alice"}, 400, "E3214", 1},
		"RFC 9440, empty":         {rfc, []string{"Client-Cert", "::"}, 400, "E3214", 1},
		"RFC 9440, nothing":       {rfc, []string{"Client-Cert", ","}, 400, "E3214", 1},
		"RFC 9440, not Base64":    {rfc, []string{"Client-Cert", ":!:"}, 400, "E3214", 1},
		"RFC 9440, other content": {rfc, []string{"Client-Cert", ":AAAA:"}, 400, "E3214", 1},
		"RFC 9440, too many":      {rfc, []string{"Client-Cert", structured(slices.Repeat([]*cert{alice}, maxCerts+1)...)}, 400, "E3214", 1},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := New(tt.o)
			if err != nil {
				t.Fatal(err)
			}
			passed := false
			h := m(gateway.HandlerFunc(func(*gateway.Exchange) error { passed = true; return nil }))
			for range 2 { // the second time, something may be remembered
				x := request(tt.header...)
				passed = false
				err := h.Serve(x)
				e, _ := gateway.AsError(err)
				if passed != (tt.status == 0) || err != nil && (e.Status != tt.status || e.Code != tt.code) {
					t.Errorf("passed: %v, %v", passed, err)
				}
				if len(x.Request.Header) != tt.left {
					t.Errorf("the header is %v", x.Request.Header)
				}
				key := tt.o.ClaimsKey
				if key == "" {
					key = claims.DefaultKey
				}
				if who := claims.Get(x, key); (who != nil) != passed {
					t.Errorf("the claims are %v", who)
				}
			}
		})
	}
}

func TestClaims(t *testing.T) {
	root := authority(t, nil, "root")
	u, _ := url.Parse("spiffe://example.com/alice")
	alice := issue(t, root, x509.Certificate{
		Subject: pkix.Name{CommonName: "alice", Organization: []string{"acme"}}, DNSNames: []string{"a.example"}, EmailAddresses: []string{"a@example.com"}, URIs: []*url.URL{u},
	})
	m, err := New(Options{RootCAs: []string{file(t, text(root))}})
	if err != nil {
		t.Fatal(err)
	}
	x := request("X-SSL-Client-Cert", encoded(alice))
	if err := m(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })).Serve(x); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"method": "Certificate", "name": "alice", "auth_time": float64(now.Unix()),
		"attrs": map[string]any{
			"subject": "CN=alice,O=acme", "issuer": "CN=root", "serial": "fe", "fingerprint": fingerprint(alice), "not_after": float64(alice.NotAfter.Unix()),
			"dns": []any{"a.example"}, "email": []any{"a@example.com"}, "uri": []any{"spiffe://example.com/alice"},
		},
	}
	if d := cmp.Diff(want, claims.Get(x, claims.DefaultKey)); d != "" {
		t.Error(d)
	}
}

// TestRemembered holds that what is remembered of a certificate ends with it.
func TestRemembered(t *testing.T) {
	root := authority(t, nil, "root")
	alice := issue(t, root, x509.Certificate{NotAfter: now.Add(2 * time.Minute)})
	m, err := New(Options{RootCAs: []string{file(t, text(root))}})
	if err != nil {
		t.Fatal(err)
	}
	h := m(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	for after, want := range map[time.Duration]int{0: 0, time.Minute: 0, 3 * time.Minute: 401} {
		x := request("X-SSL-Client-Cert", encoded(alice))
		x.Start = now.Add(after)
		err := h.Serve(x)
		status := 0
		if err != nil {
			status = gateway.StatusOf(err)
		}
		if status != want {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := &cache{clients: make(map[key]*client)}
	for i := range maxClients {
		c.put(key{cert: fmt.Sprint(i)}, &client{until: now}, now)
	}
	c.put(key{cert: "a"}, &client{until: now}, now)
	if len(c.clients) != 1 {
		t.Errorf("%d are remembered after all were forgotten", len(c.clients))
	}
	for i := range maxClients - 1 {
		c.put(key{cert: fmt.Sprint(i)}, &client{until: now.Add(time.Hour * time.Duration(i%2))}, now)
	}
	c.put(key{cert: "b"}, &client{until: now}, now.Add(time.Minute))
	if n := len(c.clients); n != maxClients/2 {
		t.Errorf("%d are remembered after those out of date were forgotten", n)
	}
}

func TestErrors(t *testing.T) {
	for want, name := range map[string]string{
		"load CA certificates: open nowhere: no such file or directory": "nowhere",
		"holds no certificate in PEM form":                              file(t, "garbage"),
	} {
		if _, err := New(Options{RootCAs: []string{name}}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	root := authority(f, nil, "root")
	f.Add(uint8(Base64PEM), encoded(root), "")
	f.Add(uint8(EscapedPEM), escaped(root), "")
	f.Add(uint8(ClientCert), structured(root), structured(root))
	f.Add(uint8(ClientCert), ":AAAA:;a=b,", ",:,")
	f.Fuzz(func(t *testing.T, format uint8, value, chain string) {
		certs, err := Format(format%3).parse(value, chain)
		if (err == nil) != (len(certs) > 0) || len(certs) > maxCerts {
			t.Errorf("%d certificates, %v", len(certs), err)
		}
	})
}

func Example() {
	m, err := New(Options{Format: EscapedPEM})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := m(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	fmt.Println(h.Serve(&gateway.Exchange{}))
	// Output: E3214.AppMiddleInvalidCert cert not found
}

func BenchmarkMiddleware(b *testing.B) {
	root := authority(b, nil, "root")
	m, err := New(Options{RootCAs: []string{file(b, text(root))}, FingerprintHeader: "X-F"})
	if err != nil {
		b.Fatal(err)
	}
	alice := client1(b, root)
	value, print := encoded(alice), fingerprint(alice)
	h := m(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := request()
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Start = now
		x.Request.Header.Add("X-SSL-Client-Cert", value)
		x.Request.Header.Add("X-F", print)
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}
