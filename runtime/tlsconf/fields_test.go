package tlsconf_test

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// Each way to ask for client certificates, with each kind of client.
func TestClientAuth(t *testing.T) {
	ca, foreign := testpki.New(t), testpki.New(t)
	pair := func(ca *testpki.CA, name string) []tlsconf.KeyPair {
		cert, key := ca.Issue(t, name)
		return []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	}
	own := pair(ca, "server.test")
	clients := map[string][]tlsconf.KeyPair{"nobody": nil, "friend": pair(ca, "friend"), "stranger": pair(foreign, "stranger")}
	for auth, welcome := range map[tls.ClientAuthType]string{
		tls.NoClientCert:               "nobody friend stranger",
		tls.RequestClientCert:          "nobody friend stranger",
		tls.RequireAnyClientCert:       "friend stranger",
		tls.VerifyClientCertIfGiven:    "nobody friend",
		tls.RequireAndVerifyClientCert: "friend",
	} {
		for name, certificates := range clients {
			server := tlsconf.Options{Certificates: own, ClientAuth: auth, ClientCAs: []string{ca.File}}
			client := tlsconf.Options{RootCAs: []string{ca.File}, ServerName: "server.test", Certificates: certificates}
			_, serverErr, clientErr := handshake(t, server, client)
			if ok := serverErr == nil && clientErr == nil; ok != strings.Contains(welcome, name) {
				t.Errorf("%v, %s: server %v, client %v", auth, name, serverErr, clientErr)
			}
		}
	}
}

func TestSessionTickets(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	for _, tt := range []struct{ serverOff, clientOff, want bool }{{false, false, true}, {true, false, false}, {false, true, false}} {
		for _, version := range []int{tls.VersionTLS12, tls.VersionTLS13} {
			addr := echo(t, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}, SessionTicketsDisabled: tt.serverOff})
			client, err := tlsconf.NewClient(tlsconf.Options{
				RootCAs: []string{ca.File}, ServerName: "localhost", SessionTicketsDisabled: tt.clientOff, MinVersion: version, MaxVersion: version,
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			resumed := false
			for range 2 {
				c, err := dial(t, addr, client.Config())
				if err != nil {
					t.Fatal(err)
				}
				resumed = c.ConnectionState().DidResume
			}
			if resumed != tt.want {
				t.Errorf("version %x, off at the server %v, at the client %v: resumed %v", version, tt.serverOff, tt.clientOff, resumed)
			}
		}
	}
}

// The first records of a connection are small, so that the other side can use them early, unless that is switched off.
func TestDynamicRecordSizing(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	trusting := tlsconf.Options{RootCAs: []string{ca.File}, ServerName: "localhost"}
	for _, disabled := range []bool{false, true} {
		server, err := tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}, DynamicRecordSizingDisabled: disabled})
		if err != nil {
			t.Fatal(err)
		}
		trusting.DynamicRecordSizingDisabled = disabled
		client, err := tlsconf.NewClient(trusting, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, b := net.Pipe()
		toClient, toServer := &recorder{Conn: a}, &recorder{Conn: b}
		s, c := tls.Server(toClient, server), tls.Client(toServer, client.Config())
		const size = 12 << 10
		go func() {
			if s.Handshake() == nil {
				_, _ = s.Write(make([]byte, size))
				_, _ = io.ReadFull(s, make([]byte, size))
			}
			_ = a.Close()
		}()
		if _, err := io.ReadFull(c, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = c.Read(make([]byte, 1)) // its end
		for side, r := range map[string]*recorder{"server": toClient, "client": toServer} {
			if large := r.largest > size; large != disabled {
				t.Errorf("disabled %v: the largest record of the %s has %d bytes", disabled, side, r.largest)
			}
		}
	}
}

// A recorder measures the records that are written to a connection. crypto/tls writes whole ones.
type recorder struct {
	net.Conn
	largest int
}

func (r *recorder) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 5; {
		n := int(binary.BigEndian.Uint16(rest[3:]))
		r.largest = max(r.largest, n)
		rest = rest[min(len(rest), 5+n):]
	}
	return r.Conn.Write(p)
}

// Go's servers don't renegotiate, so that one of OpenSSL has to.
func TestRenegotiation(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no openssl command")
	}
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	for support, want := range map[tls.RenegotiationSupport]int{tls.RenegotiateNever: 0, tls.RenegotiateOnceAsClient: 1, tls.RenegotiateFreelyAsClient: 3} {
		addr, server, printed := opensslServer(t, cert, key)
		client, err := tlsconf.NewClient(tlsconf.Options{RootCAs: []string{ca.File}, ServerName: "localhost", Renegotiation: support}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, client.Config())
		_ = c.SetDeadline(time.Now().Add(patience))
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		got := 0
		for ; got < 3; got++ {
			// r has s_server renegotiate; other lines it sends.
			line := fmt.Sprintf("line %d\n", got)
			answered := make(chan bool)
			go func() { answered <- reads(c, line) }()
			_, _ = io.WriteString(server, "r\n")
			for text := range printed {
				if strings.HasPrefix(text, "SSL_do_handshake") {
					break
				}
			}
			_, _ = io.WriteString(server, line)
			if !<-answered {
				break
			}
		}
		if got != want {
			t.Errorf("%v: %d renegotiations", support, got)
		}
		_ = c.Close()
	}
}

func reads(c io.Reader, line string) bool {
	b := make([]byte, len(line))
	_, err := io.ReadFull(c, b)
	return err == nil && string(b) == line
}

// opensslServer starts a server of TLS 1.2 that sends what is written to it, and returns what it prints.
func opensslServer(t *testing.T, cert, key string) (addr string, stdin io.Writer, printed <-chan string) {
	t.Helper()
	cmd := exec.Command("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key, "-tls1_2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := make(chan string, 1000)
	go func() {
		for sc := bufio.NewScanner(out); sc.Scan(); {
			lines <- sc.Text()
		}
		close(lines)
	}()
	for line := range lines {
		if rest, ok := strings.CutPrefix(line, "ACCEPT "); ok {
			return rest, in, lines
		}
	}
	t.Fatal("openssl s_server doesn't listen")
	return "", nil, nil
}

// Each suite of TLS 1.2 and below, on both sides, the weak ones included if they are asked for.
func TestCipherSuites(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	certificates := []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}, rsaPair(t)}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS13) {
			continue
		}
		server := tlsconf.Options{Certificates: certificates, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
		client := tlsconf.Options{ServerName: "localhost", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
		state, serverErr, clientErr := handshake(t, server, client)
		if serverErr != nil || clientErr != nil || state.CipherSuite != suite.ID {
			t.Errorf("%s: server %v, client %v, suite %s", suite.Name, serverErr, clientErr, tls.CipherSuiteName(state.CipherSuite))
		}
	}
}

// rsaPair makes a certificate with a key of RSA, which signs itself.
func rsaPair(t *testing.T) tlsconf.KeyPair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rsa"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	p := tlsconf.KeyPair{CertFile: filepath.Join(t.TempDir(), "rsa.crt"), KeyFile: filepath.Join(t.TempDir(), "rsa.key")}
	for name, block := range map[string]*pem.Block{
		p.CertFile: {Type: "CERTIFICATE", Bytes: der}, p.KeyFile: {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
