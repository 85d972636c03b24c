package tlsconf_test

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// patience is how long something may take that happens within a second or two on an idle machine.
const patience = 30 * time.Second

// echo is a server that sends back what it gets.
func echo(t *testing.T, o tlsconf.Options) (addr string) {
	t.Helper()
	config, err := tlsconf.Server(o)
	if err != nil {
		t.Fatal(err)
	}
	return serveEcho(t, config)
}

func serveEcho(t *testing.T, config *tls.Config) (addr string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// dial connects, and has a byte sent back, so that the server's tickets have come, too.
func dial(t *testing.T, addr string, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(raw, config)
	t.Cleanup(func() { _ = c.Close() })
	return c, ping(c)
}

func ping(c *tls.Conn) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("x")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// lines is a logger.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, level gateway.Level, msg string, _ ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, map[gateway.Level]string{gateway.LevelInfo: "info: ", gateway.LevelWarn: "warn: "}[level]+msg)
}

func (l *lines) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.text {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// copyTo puts the content of a file into another.
func copyTo(t *testing.T, to, from string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A place is where a certificate and its key are, and how they are replaced there.
type place struct {
	tlsconf.KeyPair
	replace func(cert, key string)
}

var places = map[string]func(t *testing.T, dir, cert, key string) place{
	"written over": func(t *testing.T, dir, cert, key string) place {
		p := place{KeyPair: tlsconf.KeyPair{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}}
		p.replace = func(cert, key string) { copyTo(t, p.CertFile, cert); copyTo(t, p.KeyFile, key) }
		return p
	},
	"renamed": func(t *testing.T, dir, cert, key string) place {
		p := place{KeyPair: tlsconf.KeyPair{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}}
		p.replace = func(cert, key string) {
			for to, from := range map[string]string{p.CertFile: cert, p.KeyFile: key} {
				copyTo(t, to+".new", from)
				if err := os.Rename(to+".new", to); err != nil {
					t.Fatal(err)
				}
			}
		}
		return p
	},
	// crt -> ..data/crt, ..data -> ..1: what Kubernetes makes of a secret
	"swapped above": func(t *testing.T, dir, cert, key string) place {
		p := place{KeyPair: tlsconf.KeyPair{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}}
		version := 0
		link := func(target, name string) {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		link("..data/crt", "crt")
		link("..data/key", "key")
		p.replace = func(cert, key string) {
			version++
			folder := ".." + string(rune('0'+version))
			if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			copyTo(t, filepath.Join(dir, folder, "crt"), cert)
			copyTo(t, filepath.Join(dir, folder, "key"), key)
			link(folder, "..data_tmp")
			if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		return p
	},
}

func TestReplacedCertificate(t *testing.T) {
	for name, makePlace := range places {
		t.Run(name, func(t *testing.T) {
			ca := testpki.New(t)
			first, firstKey := ca.Issue(t, "first")
			second, secondKey := ca.Issue(t, "second")
			t.Parallel()
			p := makePlace(t, t.TempDir(), first, firstKey)
			p.replace(first, firstKey)
			log := &lines{}
			addr := echo(t, tlsconf.Options{Certificates: []tlsconf.KeyPair{p.KeyPair}, Logger: log})
			trusting := &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"}
			presented := func() string {
				c, err := dial(t, addr, trusting)
				if err != nil {
					t.Fatal(err)
				}
				return c.ConnectionState().PeerCertificates[0].Subject.CommonName
			}
			old, err := dial(t, addr, trusting)
			if err != nil {
				t.Fatal(err)
			}
			if got := presented(); got != "first" {
				t.Fatalf("at first: %s", got)
			}
			p.replace(second, secondKey)
			eventually(t, "the second certificate", func() bool { return presented() == "second" })
			if err := ping(old); err != nil {
				t.Errorf("the connection from before: %v", err)
			}
			if log.count("info: TLS files have changed") != 1 || log.count("warn") != 0 {
				t.Errorf("logged %q", log.text)
			}
		})
	}
}

func TestBrokenFilesAreNotUsed(t *testing.T) {
	for name, breakIt := range map[string]func(t *testing.T, cert, other string) error{
		"nonsense":            func(_ *testing.T, cert, _ string) error { return os.WriteFile(cert, []byte("nonsense"), 0o600) },
		"gone":                func(_ *testing.T, cert, _ string) error { return os.Remove(cert) },
		"another's key stays": func(t *testing.T, cert, other string) error { copyTo(t, cert, other); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			ca := testpki.New(t)
			cert, key := ca.Issue(t, "first")
			next, nextKey := ca.Issue(t, "second")
			t.Parallel()
			log := &lines{}
			addr := echo(t, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}, Logger: log})
			if err := breakIt(t, cert, next); err != nil {
				t.Fatal(err)
			}
			present := func(want string) bool {
				c, err := dial(t, addr, &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"})
				if err != nil {
					t.Fatal(err)
				}
				return c.ConnectionState().PeerCertificates[0].Subject.CommonName == want
			}
			// Long enough for the files to be looked at several times.
			warned := 0
			for end := time.Now().Add(4 * time.Second); time.Now().Before(end) || warned == 0 && time.Now().Before(end.Add(patience)); time.Sleep(100 * time.Millisecond) {
				if !present("first") {
					t.Fatal("another certificate")
				}
				warned = log.count("warn: TLS files have changed, but can't be used")
			}
			if warned != 1 || log.count("") != 1 || log.count(cert) != 1 {
				t.Errorf("logged %q", log.text)
			}
			copyTo(t, key, nextKey)
			copyTo(t, cert, next)
			eventually(t, "the mended files", func() bool { return present("second") })
		})
	}
}

// A session must not outlive the authority of its client certificate, nor the key that it was begun with.
func TestSessionsEndWithTheFiles(t *testing.T) {
	ca, other := testpki.New(t), testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	friend, friendKey := ca.Issue(t, "friend")
	pair, err := tls.LoadX509KeyPair(friend, friendKey)
	if err != nil {
		t.Fatal(err)
	}
	clients := filepath.Join(t.TempDir(), "clients.crt")
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		copyTo(t, clients, ca.File)
		config, err := tlsconf.Server(tlsconf.Options{
			Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: []string{clients},
		})
		if err != nil {
			t.Fatal(err)
		}
		addr := serveEcho(t, tlsconf.WithProtocols(config, true))
		client := &tls.Config{
			RootCAs: ca.Pool, ServerName: "localhost", Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(0), NextProtos: []string{"http/1.1"},
		}
		for i := range 3 {
			c, err := dial(t, addr, client)
			if err != nil {
				t.Fatal(err)
			}
			s := c.ConnectionState()
			if want := i > 0; s.DidResume != want || s.NegotiatedProtocol != "http/1.1" {
				t.Errorf("version %x, connection %d: resumed %v, protocol %q", version, i, s.DidResume, s.NegotiatedProtocol)
			}
		}
		both, err := os.ReadFile(other.File)
		if err != nil {
			t.Fatal(err)
		}
		own, _ := os.ReadFile(ca.File)
		if err := os.WriteFile(clients, append(own, both...), 0o600); err != nil {
			t.Fatal(err)
		}
		// The client is welcome still, but has to show its certificate again.
		eventually(t, "a session without resumption", func() bool {
			c, err := dial(t, addr, client)
			if err != nil {
				t.Fatal(err)
			}
			return !c.ConnectionState().DidResume
		})
		copyTo(t, clients, other.File)
		eventually(t, "an end of the welcome", func() bool {
			_, err := dial(t, addr, client)
			return err != nil
		})
	}
}

func TestClientFollowsItsFiles(t *testing.T) {
	ca, other := testpki.New(t), testpki.New(t)
	serverCert, serverKey := other.Issue(t, "localhost")
	cert, key := ca.Issue(t, "first")
	next, nextKey := ca.Issue(t, "second")
	roots := filepath.Join(t.TempDir(), "roots.crt")
	copyTo(t, roots, ca.File)
	t.Parallel()
	addr := echo(t, tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: serverCert, KeyFile: serverKey}}})
	adjusted := 0
	client, err := tlsconf.NewClient(tlsconf.Options{
		RootCAs: []string{roots}, ServerName: "localhost", Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}},
	}, func(c *tls.Config) { adjusted++ })
	if err != nil {
		t.Fatal(err)
	}
	before := client.Config()
	if _, err := dial(t, addr, before); err == nil {
		t.Error("a server of an unknown authority is accepted")
	}
	if client.Config() != before {
		t.Error("another configuration of the same files")
	}
	copyTo(t, roots, other.File)
	eventually(t, "the new authority", func() bool {
		_, err := dial(t, addr, client.Config())
		return err == nil
	})
	copyTo(t, cert, next)
	copyTo(t, key, nextKey)
	eventually(t, "the new certificate", func() bool {
		return client.Config().Certificates[0].Leaf.Subject.CommonName == "second"
	})
	if adjusted < 3 {
		t.Errorf("adjusted %d times", adjusted)
	}
}

func BenchmarkConfig(b *testing.B) {
	ca := testpki.New(b)
	cert, key := ca.Issue(b, "localhost")
	config, err := tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}})
	if err != nil {
		b.Fatal(err)
	}
	config = tlsconf.WithProtocols(config, true)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := config.GetConfigForClient(nil); err != nil {
			b.Fatal(err)
		}
	}
}
