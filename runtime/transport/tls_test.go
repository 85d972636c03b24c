package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// newTLSServer starts an https upstream and returns the file of the authority to trust.
func newTLSServer(t *testing.T, http2 bool, configure func(*tls.Config), h http.HandlerFunc) (s *httptest.Server, ca string) {
	t.Helper()
	s = httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.TLS = new(tls.Config)
	if configure != nil {
		configure(s.TLS)
	}
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, writePEM(t, "CERTIFICATE", s.Certificate().Raw)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// newClientCert returns a self-signed certificate, as files and parsed.
func newClientCert(t *testing.T, name string) (tlsconf.KeyPair, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return tlsconf.KeyPair{CertFile: writePEM(t, "CERTIFICATE", der), KeyFile: writePEM(t, "PRIVATE KEY", keyDER)}, cert
}

func proto(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	fmt.Fprint(w, r.Proto, " ", string(b))
}

func TestProtocols(t *testing.T) {
	for name, tt := range map[string]struct {
		server2   bool
		transport func(tlsconf.Options) (*Transport, error)
		want      string
	}{
		"HTTP/1.1":               {true, func(o tlsconf.Options) (*Transport, error) { return HTTP1(HTTPOptions{TLS: o}) }, "HTTP/1.1 abc"},
		"HTTP/2 allowed":         {true, func(o tlsconf.Options) (*Transport, error) { return HTTP1(HTTPOptions{TLS: o, AllowHTTP2: true}) }, "HTTP/2.0 abc"},
		"HTTP/2 allowed, not so": {false, func(o tlsconf.Options) (*Transport, error) { return HTTP1(HTTPOptions{TLS: o, AllowHTTP2: true}) }, "HTTP/1.1 abc"},
		"HTTP/2 in ALPN alone": {true, func(o tlsconf.Options) (*Transport, error) {
			o.NextProtos = []string{"h2", "http/1.1"}
			return HTTP1(HTTPOptions{TLS: o})
		}, "HTTP/1.1 abc"},
		"HTTP/2":                    {true, func(o tlsconf.Options) (*Transport, error) { return HTTP2(HTTP2Options{TLS: o}) }, "HTTP/2.0 abc"},
		"HTTP/2, cleartext allowed": {true, func(o tlsconf.Options) (*Transport, error) { return HTTP2(HTTP2Options{TLS: o, AllowHTTP: true}) }, "HTTP/2.0 abc"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ca := newTLSServer(t, tt.server2, nil, proto)
			tr, err := tt.transport(tlsconf.Options{RootCAs: []string{ca}})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			leg, end := newLeg(t, "POST", s.URL)
			defer end()
			setBody(leg, "abc", 3)
			mustServe(t, tr, leg)
			if diff := cmp.Diff(tt.want, readAll(t, leg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// One transport serves both schemes, whether it has a TLS configuration or not.
func TestSchemeDecides(t *testing.T) {
	s, ca := newTLSServer(t, true, nil, proto)
	for name, tr := range map[string]*Transport{
		"HTTP/1.1": newHTTP1(t, HTTPOptions{TLS: tlsconf.Options{RootCAs: []string{ca}}}),
		"HTTP/2":   newHTTP2(t, HTTP2Options{TLS: tlsconf.Options{RootCAs: []string{ca}}, AllowHTTP: true}),
	} {
		for _, url := range []string{s.URL, newServerFor(t, name).URL} {
			if _, body := get(t, tr, url); !strings.HasPrefix(body, name) {
				t.Errorf("%s to %s: %s", name, url, body)
			}
		}
	}
}

func newServerFor(t *testing.T, name string) *httptest.Server {
	if name == "HTTP/2" {
		return newServer2(t, proto)
	}
	return newServer(t, proto)
}

func TestRefusedUpstreams(t *testing.T) {
	s1, ca1 := newTLSServer(t, false, nil, proto)
	noALPN, caNoALPN := newTLSServer(t, false, func(c *tls.Config) { c.NextProtos = []string{} }, proto)
	cleartext := newServer2(t, proto)
	for name, tt := range map[string]struct {
		tr        *Transport
		url, want string
	}{
		"no HTTP/2": {newHTTP2(t, HTTP2Options{TLS: tlsconf.Options{RootCAs: []string{ca1}}}), s1.URL, "no application protocol"},
		"no ALPN":   {newHTTP2(t, HTTP2Options{TLS: tlsconf.Options{RootCAs: []string{caNoALPN}}}), noALPN.URL, "HTTP/2"},
		"cleartext": {newHTTP2(t, HTTP2Options{}), cleartext.URL, "without TLS is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			leg, end := newLeg(t, "GET", tt.url)
			defer end()
			err := tt.tr.Serve(leg)
			if err == nil || !strings.Contains(err.Error(), tt.want) || gateway.IsTimeout(err) {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	pair, cert := newClientCert(t, "the gateway")
	for _, http2 := range []bool{false, true} {
		s, ca := newTLSServer(t, http2, func(c *tls.Config) {
			c.ClientAuth = tls.RequireAndVerifyClientCert
			c.ClientCAs = x509.NewCertPool()
			c.ClientCAs.AddCert(cert)
		}, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		})
		options := tlsconf.Options{RootCAs: []string{ca}, Certificates: []tlsconf.KeyPair{pair}}
		tr := newHTTP1(t, HTTPOptions{TLS: options})
		if http2 {
			tr = newHTTP2(t, HTTP2Options{TLS: options})
		}
		if _, body := get(t, tr, s.URL); body != "the gateway" {
			t.Errorf("HTTP/2: %v: the upstream saw %q", http2, body)
		}
		options.Certificates = nil
		leg, end := newLeg(t, "GET", s.URL)
		defer end()
		if err := newHTTP1(t, HTTPOptions{TLS: options}).Serve(leg); err == nil {
			t.Errorf("HTTP/2: %v: no error without a certificate", http2)
		}
	}
}
