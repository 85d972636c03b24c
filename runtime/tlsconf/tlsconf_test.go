package tlsconf_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// handshake connects a client and a server and returns what each of them says.
func handshake(t *testing.T, server, client tlsconf.Options) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	sc, err := tlsconf.Server(server)
	if err != nil {
		t.Fatal(err)
	}
	cc, err := tlsconf.NewClient(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = conn.Close() }()
		s := tls.Server(conn, sc)
		if err = s.Handshake(); err == nil {
			_, err = s.Write([]byte("x")) // of TLS 1.3, a client learns here that it was refused
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(conn, cc.Config())
	_, clientErr = c.Read(make([]byte, 1))
	_ = conn.Close()
	return c.ConnectionState(), <-done, clientErr
}

func TestHandshake(t *testing.T) {
	ca, foreign := testpki.New(t), testpki.New(t)
	pair := func(ca *testpki.CA, name string) []tlsconf.KeyPair {
		cert, key := ca.Issue(t, name)
		return []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	}
	own, other := pair(ca, "server.test"), pair(foreign, "server.test")
	several := slices.Concat(pair(ca, "first.test"), pair(ca, "one.wild.test"), pair(ca, "*.wild.test"))
	trusting := tlsconf.Options{RootCAs: []string{ca.File}, ServerName: "server.test"}
	with := func(o tlsconf.Options, f func(o *tlsconf.Options)) tlsconf.Options { f(&o); return o }
	named := func(name string) tlsconf.Options {
		return with(trusting, func(o *tlsconf.Options) { o.ServerName = name })
	}
	presents := func(name string) func(t *testing.T, s tls.ConnectionState) {
		return func(t *testing.T, s tls.ConnectionState) {
			if got := s.PeerCertificates[0].Subject.CommonName; got != name {
				t.Errorf("got the certificate of %s", got)
			}
		}
	}

	tests := []struct {
		name           string
		server, client tlsconf.Options
		fails          bool
		check          func(t *testing.T, s tls.ConnectionState)
	}{
		{name: "trusted", server: tlsconf.Options{Certificates: own}, client: trusting},
		{name: "unknown authority", server: tlsconf.Options{Certificates: other}, client: trusting, fails: true},
		{name: "unknown authority, not verified", server: tlsconf.Options{Certificates: other}, client: tlsconf.Options{InsecureSkipVerify: true}},
		{name: "wrong name", server: tlsconf.Options{Certificates: own}, client: with(trusting, func(o *tlsconf.Options) { o.ServerName = "else.test" }), fails: true},
		{name: "certificate by server name", server: tlsconf.Options{Certificates: several}, client: named("first.test"), check: presents("first.test")},
		{name: "the exact name stands first", server: tlsconf.Options{Certificates: several}, client: named("one.wild.test"), check: presents("one.wild.test")},
		{name: "wildcard", server: tlsconf.Options{Certificates: several}, client: named("two.wild.test"), check: presents("*.wild.test")},
		{name: "a name that none has", server: tlsconf.Options{Certificates: several}, client: tlsconf.Options{ServerName: "x.y.wild.test", InsecureSkipVerify: true}, check: presents("first.test")},
		{name: "no name", server: tlsconf.Options{Certificates: several}, client: tlsconf.Options{ServerName: "127.0.0.1", InsecureSkipVerify: true}, check: presents("first.test")},
		{
			name: "ALPN", server: tlsconf.Options{Certificates: own, NextProtos: []string{"h2", "http/1.1"}},
			client: with(trusting, func(o *tlsconf.Options) { o.NextProtos = []string{"http/1.1"} }),
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.NegotiatedProtocol != "http/1.1" {
					t.Errorf("negotiated %q", s.NegotiatedProtocol)
				}
			},
		},
		{
			name: "versions", server: tlsconf.Options{Certificates: own, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}, client: trusting,
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.Version != tls.VersionTLS12 || s.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
					t.Errorf("version %x, suite %x", s.Version, s.CipherSuite)
				}
			},
		},
		{
			name: "the client's versions", client: with(trusting, func(o *tlsconf.Options) { o.MinVersion, o.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }), server: tlsconf.Options{Certificates: own},
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.Version != tls.VersionTLS12 {
					t.Errorf("version %x", s.Version)
				}
			},
		},
		{
			name: "the client's suites", client: with(trusting, func(o *tlsconf.Options) {
				o.MaxVersion, o.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
			}), server: tlsconf.Options{Certificates: own},
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.CipherSuite != tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
					t.Errorf("suite %x", s.CipherSuite)
				}
			},
		},
		{
			name: "the client's curves", client: with(trusting, func(o *tlsconf.Options) { o.Curves = []tls.CurveID{tls.CurveP521} }), server: tlsconf.Options{Certificates: own},
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.CurveID != tls.CurveP521 {
					t.Errorf("curve %v", s.CurveID)
				}
			},
		},
		{
			name: "no common suite", server: tlsconf.Options{Certificates: own, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
			client: with(trusting, func(o *tlsconf.Options) { o.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384} }), fails: true,
		},
		{name: "old versions are off", server: tlsconf.Options{Certificates: own, MaxVersion: tls.VersionTLS12}, client: with(trusting, func(o *tlsconf.Options) { o.MinVersion, o.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), fails: true},
		{name: "old versions can be on", server: tlsconf.Options{Certificates: own, MinVersion: tls.VersionTLS10}, client: with(trusting, func(o *tlsconf.Options) { o.MinVersion, o.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })},
		{name: "no common protocol", server: tlsconf.Options{Certificates: own, NextProtos: []string{"h2"}}, client: with(trusting, func(o *tlsconf.Options) { o.NextProtos = []string{"other"} }), fails: true},
		{name: "no common curve", server: tlsconf.Options{Certificates: own, Curves: []tls.CurveID{tls.CurveP384}}, client: with(trusting, func(o *tlsconf.Options) { o.Curves = []tls.CurveID{tls.CurveP521} }), fails: true},
		{name: "no common version", server: tlsconf.Options{Certificates: own, MinVersion: tls.VersionTLS13}, client: with(trusting, func(o *tlsconf.Options) { o.MaxVersion = tls.VersionTLS12 }), fails: true},
		{
			name: "curves", server: tlsconf.Options{Certificates: own, Curves: []tls.CurveID{tls.CurveP384}}, client: trusting,
			check: func(t *testing.T, s tls.ConnectionState) {
				if s.CurveID != tls.CurveP384 {
					t.Errorf("curve %v", s.CurveID)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state, serverErr, clientErr := handshake(t, tt.server, tt.client)
			if failed := serverErr != nil || clientErr != nil; failed != tt.fails {
				t.Fatalf("server %v, client %v; want failure %v", serverErr, clientErr, tt.fails)
			}
			if tt.check != nil {
				tt.check(t, state)
			}
		})
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "a")
	_, otherKey := ca.Issue(t, "b")
	nonsense := filepath.Join(t.TempDir(), "nonsense.pem")
	if err := os.WriteFile(nonsense, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	server := func(o tlsconf.Options) error { _, err := tlsconf.Server(o); return err }
	client := func(o tlsconf.Options) error { _, err := tlsconf.NewClient(o, nil); return err }
	tests := []struct {
		name    string
		make    func(tlsconf.Options) error
		options tlsconf.Options
		want    string
	}{
		{"no certificate", server, tlsconf.Options{}, "certificate"},
		{"missing file", server, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: "gone.crt", KeyFile: key}}}, "gone.crt"},
		{"no PEM", server, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: nonsense, KeyFile: key}}}, nonsense},
		{"key of another certificate", client, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: otherKey}}}, otherKey},
		{"missing root CA", client, tlsconf.Options{RootCAs: []string{"gone.crt"}}, "gone.crt"},
		{"root CA without certificate", client, tlsconf.Options{RootCAs: []string{cert, nonsense}}, nonsense},
		{"client CA without certificate", server, tlsconf.Options{Certificates: good, ClientCAs: []string{nonsense}}, nonsense},
		{"verification without client CA", server, tlsconf.Options{Certificates: good, ClientAuth: tls.VerifyClientCertIfGiven}, "client CA"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.make(tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func ExampleServer() {
	_, err := tlsconf.Server(tlsconf.Options{
		Certificates: []tlsconf.KeyPair{{CertFile: "/etc/gateway/tls.crt", KeyFile: "/etc/gateway/tls.key"}},
		MinVersion:   tls.VersionTLS13,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    []string{"/etc/gateway/partners.crt"},
	})
	fmt.Println(err)
	// Output: load certificate "/etc/gateway/tls.crt" with key "/etc/gateway/tls.key": open /etc/gateway/tls.crt: no such file or directory
}
