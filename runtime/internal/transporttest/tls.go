package transporttest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"log"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var tlsTests = []test{
	{"TLS", testTLS},
	{"SchemeDecides", testSchemeDecides},
	{"RefusedUpstreams", testRefusedUpstreams},
	{"ClientCertificate", testClientCertificate},
	{"SessionResumption", testSessionResumption},
	{"ReplacedTLSFiles", testReplacedTLSFiles},
	{"UpgradeOverTLS", testUpgradeOverTLS},
}

// newTLSServer starts an https upstream with a certificate of ca for localhost and 127.0.0.1.
func newTLSServer(t *testing.T, ca *testpki.CA, http2 bool, configure func(*tls.Config), h http.HandlerFunc) *httptest.Server {
	t.Helper()
	cert, key := ca.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if configure != nil {
		configure(s.TLS)
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // errors are what some tests are about
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func trusting(ca *testpki.CA) wire.TransportOptions {
	return wire.TransportOptions{TLS: tlsconf.Options{RootCAs: []string{ca.File}}}
}

// proto answers with the protocol and the body.
func proto(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	fmt.Fprint(w, r.Proto, " ", string(b))
}

func testTLS(t *testing.T, e Engine) {
	ca := testpki.New(t)
	for _, http2 := range []bool{false, true} { // the upstream would speak it
		s := newTLSServer(t, ca, http2, nil, proto)
		for _, protos := range [][]string{nil, {"http/1.1"}, {"h2", "http/1.1"}} {
			o := trusting(ca)
			o.TLS.NextProtos = protos
			tr := newTransport(t, e, o)
			for _, text := range []string{"abc", strings.Repeat("large", 100_000)} {
				for _, length := range []int64{int64(len(text)), -1} {
					l := newLeg(t, "POST", s.URL)
					l.setBody(text, length)
					l.serve(tr).expect(200, "HTTP/1.1 "+text)
					l.end()
				}
			}
		}
	}
}

// One transport serves both schemes, whether it has a TLS configuration or not.
func testSchemeDecides(t *testing.T, e Engine) {
	ca := testpki.New(t)
	tr := newTransport(t, e, trusting(ca))
	for _, url := range []string{newTLSServer(t, ca, false, nil, proto).URL, newServer(t, proto).URL} {
		if _, body := get(t, tr, url); body != "HTTP/1.1 " {
			t.Errorf("%s: %s", url, body)
		}
	}
}

func testRefusedUpstreams(t *testing.T, e Engine) {
	ca := testpki.New(t)
	s, clear := newTLSServer(t, ca, false, nil, proto), newServer(t, proto)
	wrongName := trusting(ca)
	wrongName.TLS.ServerName = "other.example"
	for name, tt := range map[string]struct {
		options   wire.TransportOptions
		url, want string
	}{
		"unknown authority": {wire.TransportOptions{}, s.URL, "unknown authority"},
		"another name":      {wrongName, s.URL, "other.example"},
		"a clear one":       {trusting(ca), "https" + strings.TrimPrefix(clear.URL, "http"), ""},
		"scheme":            {wire.TransportOptions{}, "ftp://127.0.0.1", "scheme"},
		"no scheme":         {wire.TransportOptions{}, "://127.0.0.1", "scheme"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLeg(t, "GET", tt.url)
			defer l.end()
			err := newTransport(t, e, tt.options).Serve(l.Exchange)
			if err == nil || !strings.Contains(err.Error(), tt.want) || gateway.IsTimeout(err) {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
		})
	}
}

func testClientCertificate(t *testing.T, e Engine) {
	ca := testpki.New(t)
	s := newTLSServer(t, ca, false, func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool
	}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	o := trusting(ca)
	cert, key := ca.Issue(t, "the gateway")
	o.TLS.Certificates = []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	if _, body := get(t, newTransport(t, e, o), s.URL); body != "the gateway" {
		t.Errorf("the upstream saw %q", body)
	}
	l := newLeg(t, "GET", s.URL)
	defer l.end()
	if err := newTransport(t, e, trusting(ca)).Serve(l.Exchange); err == nil {
		t.Error("no error without a certificate")
	}
}

// A second connection resumes the session of the first.
func testSessionResumption(t *testing.T, e Engine) {
	ca := testpki.New(t)
	s := newTLSServer(t, ca, false, nil, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS.DidResume) })
	o := trusting(ca)
	o.DisableKeepAlives = true
	tr := newTransport(t, e, o)
	get(t, tr, s.URL)
	if _, resumed := get(t, tr, s.URL); resumed != "true" {
		t.Errorf("resumed: %s", resumed)
	}
}

func testUpgradeOverTLS(t *testing.T, e Engine) {
	ca := testpki.New(t)
	s := newTLSServer(t, ca, false, nil, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, switching+"hello ")
		b, _ := io.ReadAll(rw)
		_, _ = c.Write(b)
	})
	l := newLeg(t, "GET", s.URL)
	defer l.end()
	l.Request.Header = fields("Connection", "Upgrade", "Upgrade", "echo")
	l.serve(newTransport(t, e, trusting(ca)))
	c := l.Response.Conn
	_, _ = io.WriteString(c, "world")
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); string(b) != "hello world" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	_ = c.Close()
}

// Authorities, and the transport's own certificate, are those that are in the files.
func testReplacedTLSFiles(t *testing.T, e Engine) {
	ca, other := testpki.New(t), testpki.New(t)
	peer := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}
	asking := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	s, foreign := newTLSServer(t, ca, false, asking, peer), newTLSServer(t, other, false, asking, peer)
	cert, key := ca.Issue(t, "first")
	next, nextKey := ca.Issue(t, "second")
	o := wire.TransportOptions{TLS: tlsconf.Options{
		RootCAs: []string{filepath.Join(t.TempDir(), "roots.crt")}, Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}},
	}}
	copyFile(t, o.TLS.RootCAs[0], ca.File)
	tr := newTransport(t, e, o)
	asked := func(url string) string {
		l := newLeg(t, "GET", url)
		defer l.end()
		if err := tr.Serve(l.Exchange); err != nil {
			return err.Error()
		}
		return l.text()
	}
	if got := asked(s.URL); got != "first" {
		t.Errorf("at first: %s", got)
	}
	if got := asked(foreign.URL); !strings.Contains(got, "unknown authority") {
		t.Errorf("an upstream of another authority: %s", got)
	}
	copyFile(t, o.TLS.RootCAs[0], other.File)
	eventually(t, "the new authority", func() bool {
		time.Sleep(20 * time.Millisecond) // a second it takes anyway
		return asked(foreign.URL) == "first"
	})
	copyFile(t, cert, next)
	copyFile(t, key, nextKey)
	eventually(t, "the new certificate", func() bool {
		time.Sleep(20 * time.Millisecond)
		_ = tr.Close() // connections that are open stay as they are
		return asked(foreign.URL) == "second"
	})
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
