package servertest

import (
	"crypto/tls"
	"io"
	"os"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// presented is the certificate that a new connection gets.
func (g *running) presented(t testing.TB, ca *testpki.CA, name string) string {
	t.Helper()
	c, err := g.dialTLS(t, ca, &tls.Config{ServerName: name})
	if err != nil {
		t.Fatal(err)
	}
	c.get("GET /", "Connection: close")
	c.expect(200, "HTTP/1.1 https gw.test / alpn= peer= body=0/0")
	return c.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
}

func testCertificateByName(t *testing.T, e Engine) {
	ca := testpki.New(t)
	var o tlsconf.Options
	for _, name := range []string{"first.test", "*.wild.test"} {
		cert, key := ca.Issue(t, name)
		o.Certificates = append(o.Certificates, tlsconf.KeyPair{CertFile: cert, KeyFile: key})
	}
	g := start(t, e, secure(t, ca, o), about)
	for name, want := range map[string]string{"first.test": "first.test", "x.wild.test": "*.wild.test", "localhost": "first.test"} {
		if got := g.presented(t, ca, name); got != want {
			t.Errorf("%s: got the certificate of %s", name, got)
		}
	}
}

func testSessionTickets(t *testing.T, e Engine) {
	ca := testpki.New(t)
	for _, disabled := range []bool{false, true} {
		g := start(t, e, secure(t, ca, tlsconf.Options{SessionTicketsDisabled: disabled, NextProtos: []string{"http/1.1"}}), about)
		config := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0), NextProtos: []string{"http/1.1"}}
		for i := range 3 {
			c, err := g.dialTLS(t, ca, config)
			if err != nil {
				t.Fatal(err)
			}
			c.get("GET /")
			c.expect(200, "HTTP/1.1 https gw.test / alpn=http/1.1 peer= body=0/0")
			if resumed := c.Conn.(*tls.Conn).ConnectionState().DidResume; resumed != (i > 0 && !disabled) {
				t.Errorf("disabled %v, connection %d: resumed %v", disabled, i, resumed)
			}
			_ = c.Close()
		}
	}
}

// A certificate that is replaced is that of new connections. What is open stays.
func testReplacedCertificate(t *testing.T, e Engine) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "first")
	next, nextKey := ca.Issue(t, "second")
	g := start(t, e, secure(t, ca, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}}), about)
	old, err := g.dialTLS(t, ca, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.presented(t, ca, "localhost"); got != "first" {
		t.Errorf("at first: %s", got)
	}
	for to, from := range map[string]string{cert: next, key: nextKey} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool {
		time.Sleep(20 * time.Millisecond) // a second it takes anyway
		return g.presented(t, ca, "localhost") == "second"
	})
	old.get("GET /")
	old.expect(200, "HTTP/1.1 https gw.test / alpn= peer= body=0/0")
}

// With another authority, those whom the first one has vouched for are out, sessions or not.
func testReplacedClientCA(t *testing.T, e Engine) {
	ca, other := testpki.New(t), testpki.New(t)
	trusted, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	o := secure(t, ca, tlsconf.Options{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: []string{ca.File}})
	g := start(t, e, o, about)
	cert, key := ca.Issue(t, "friend")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	welcome := func() bool {
		time.Sleep(20 * time.Millisecond)
		c, err := g.dialTLS(t, ca, config)
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, request("GET /", "Connection: close"))
		rest, _ := c.rest()
		return rest != ""
	}
	for range 2 { // the second time, in the session of the first one
		if !welcome() {
			t.Error("not welcome at first")
		}
	}
	foreign, err := os.ReadFile(other.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca.File, foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return !welcome() })
	if err := os.WriteFile(ca.File, trusted, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, welcome)
}
