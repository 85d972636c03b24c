package servertest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var listenTests = []test{
	{"ListenErrorNamesTheAddress", testListenError},
	{"TLS", testTLS},
	{"TLSCarriesMuch", testTLSCarriesMuch},
	{"TLSEndsCleanly", testTLSEndsCleanly},
	{"SilentTLSClient", testSilentTLSClient},
	{"CleartextOnTheTLSPort", testCleartextOnTheTLSPort},
	{"MutualTLS", testMutualTLS},
	{"CertificateByName", testCertificateByName},
	{"SessionTickets", testSessionTickets},
	{"ReplacedCertificate", testReplacedCertificate},
	{"ReplacedClientCA", testReplacedClientCA},
	{"UpgradeOverTLS", testUpgradeOverTLS},
	{"UnixSocket", testUnixSocket},
	{"Networks", testNetworks},
	{"ConnectionLimit", testConnectionLimit},
}

func testListenError(t *testing.T, e Engine) {
	o := wire.ServerOptions{}
	o.Listen.Addr = "127.0.0.1:99999"
	s := e.New(o, text(200, ""))
	if s.Addr() != nil {
		t.Error("an address before Listen")
	}
	for _, err := range []error{s.Listen(), s.Run(context.Background())} {
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:99999") {
			t.Errorf("got %v", err)
		}
	}
}

// secure returns options of a server with a certificate of ca.
func secure(t testing.TB, ca *testpki.CA, o tlsconf.Options) (s wire.ServerOptions) {
	t.Helper()
	if o.Certificates == nil {
		cert, key := ca.Issue(t, "localhost")
		o.Certificates = []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}
	}
	c, err := tlsconf.Server(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Listen.TLS = c
	return s
}

// dialTLS connects as c says, trusting ca.
func (g *running) dialTLS(t testing.TB, ca *testpki.CA, c *tls.Config) (*client, error) {
	t.Helper()
	c.RootCAs = ca.Pool
	conn := tls.Client(g.dial(t).Conn, c)
	if c.ServerName == "" {
		c.ServerName = "localhost"
	}
	return newClient(t, conn), conn.Handshake()
}

// about answers with what the engine says of the connection.
func about(x *gateway.Exchange) error {
	q := &x.Request
	alpn, peer := "", ""
	if q.TLS != nil {
		alpn = q.TLS.NegotiatedProtocol
		for _, c := range q.TLS.PeerCertificates {
			peer = c.Subject.CommonName
		}
	}
	n := int64(0)
	if q.Body != nil {
		n, _ = io.Copy(io.Discard, q.Body)
	}
	return text(200, fmt.Sprintf("%s %s %s %s alpn=%s peer=%s body=%d/%d", q.Proto, q.Scheme, q.Host, q.RawPath, alpn, peer, n, q.ContentLength))(x)
}

func testTLS(t *testing.T, e Engine) {
	ca := testpki.New(t)
	for name, tt := range map[string]struct{ server, client, want []string }{
		"nobody speaks of protocols":        {nil, nil, nil},
		"the client offers both":            {nil, []string{"h2", "http/1.1"}, nil},
		"the client offers HTTP/2 alone":    {nil, []string{"h2"}, nil},
		"HTTP/2 isn't served":               {[]string{"h2", "http/1.1"}, []string{"h2", "http/1.1"}, []string{"http/1.1"}},
		"nothing is left when it is not":    {[]string{"h2"}, []string{"h2", "http/1.1"}, nil},
		"HTTP/1.1":                          {[]string{"http/1.1"}, []string{"http/1.1"}, []string{"http/1.1"}},
		"the client doesn't speak of any":   {[]string{"http/1.1"}, nil, nil},
		"the server's own list, and others": {[]string{"http/1.1"}, []string{"x", "http/1.1"}, []string{"http/1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, e, secure(t, ca, tlsconf.Options{NextProtos: tt.server}), about) // issues files, one at a time
			t.Parallel()
			c, err := g.dialTLS(t, ca, &tls.Config{NextProtos: tt.client})
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Join(tt.want, "")
			for range 2 {
				c.send(post("/%61", "four"))
				c.expect(200, "HTTP/1.1 https gw.test /%61 alpn="+want+" peer= body=4/4")
			}
		})
	}
}

func testTLSCarriesMuch(t *testing.T, e Engine) {
	ca := testpki.New(t)
	body := strings.Repeat("0123456789abcde\n", 1<<15)
	for _, version := range []int{tls.VersionTLS12, tls.VersionTLS13} {
		g := start(t, e, secure(t, ca, tlsconf.Options{MinVersion: version, MaxVersion: version}), echo)
		c, err := g.dialTLS(t, ca, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range []string{post("/", body), chunked("/", body, 10_000), mixed} {
			go func() { _, _ = io.WriteString(c, raw) }()
			if raw == mixed {
				c.expectMixed()
			} else {
				c.expect(200, "/ "+body)
			}
		}
	}
}

// Without its alert, the end of a connection would be none that a client can rely on.
func testTLSEndsCleanly(t *testing.T, e Engine) {
	ca := testpki.New(t)
	g := start(t, e, secure(t, ca, tlsconf.Options{}), stream(-1, "until the end"))
	c, err := g.dialTLS(t, ca, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c.send("GET / HTTP/1.0\r\n\r\n")
	rest, err := c.rest()
	if !strings.HasSuffix(rest, "\r\n\r\nuntil the end") || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

func testSilentTLSClient(t *testing.T, e Engine) {
	o := secure(t, testpki.New(t), tlsconf.Options{})
	o.ReadHeaderTimeout = brief
	g := start(t, e, o, about)
	c := g.dial(t)
	if _, err := c.rest(); gateway.IsTimeout(err) {
		t.Error("the handshake may take for ever")
	}
}

func testCleartextOnTheTLSPort(t *testing.T, e Engine) {
	lines := &logger{}
	o := secure(t, testpki.New(t), tlsconf.Options{})
	o.Logger = lines
	g := start(t, e, o, about)
	c := g.dial(t)
	c.get("GET /")
	if res, _ := c.response("GET"); res.StatusCode != 400 {
		t.Errorf("status %d", res.StatusCode)
	}
	eventually(t, func() bool { return lines.has("TLS handshake error") })
}

func testMutualTLS(t *testing.T, e Engine) {
	ca, foreign := testpki.New(t), testpki.New(t)
	g := start(t, e, secure(t, ca, tlsconf.Options{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: []string{ca.File}}), about)
	for _, tt := range []struct {
		name string
		ca   *testpki.CA
		ok   bool
	}{{"friend", ca, true}, {"stranger", foreign, false}, {"nobody", nil, false}} {
		t.Run(tt.name, func(t *testing.T) {
			config := &tls.Config{}
			if tt.ca != nil {
				cert, key := tt.ca.Issue(t, tt.name)
				pair, err := tls.LoadX509KeyPair(cert, key)
				if err != nil {
					t.Fatal(err)
				}
				config.Certificates = []tls.Certificate{pair}
			}
			c, err := g.dialTLS(t, ca, config)
			if err != nil { // with TLS 1.3, it may come later
				if tt.ok {
					t.Fatal(err)
				}
				return
			}
			_, _ = io.WriteString(c, request("GET /", "Connection: close"))
			if rest, _ := c.rest(); strings.Contains(rest, "peer=friend") != tt.ok || !tt.ok && rest != "" {
				t.Errorf("got %q", rest)
			}
		})
	}
}

func testUpgradeOverTLS(t *testing.T, e Engine) {
	ca := testpki.New(t)
	ours, upstream := pair(t)
	done := make(chan outcome, 1)
	g := start(t, e, secure(t, ca, tlsconf.Options{}), upgrading(ours, done))
	c, err := g.dialTLS(t, ca, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c.send(upgradeRequest + "ping")
	c.head()
	c.halfClose()
	if b, err := io.ReadAll(upstream); string(b) != "ping" || err != nil {
		t.Errorf("the upstream got %q, %v", b, err)
	}
	_, _ = io.WriteString(upstream, "pong")
	_ = upstream.Close()
	if rest, err := c.rest(); rest != "pong" || err != nil {
		t.Errorf("the client got %q, %v", rest, err)
	}
	if x := receive(t, done); x.SendErr != nil {
		t.Errorf("SendErr: %v", x.SendErr)
	}
}

func testUnixSocket(t *testing.T, e Engine) {
	addrs := []string{"unix://" + filepath.Join(t.TempDir(), "gw.sock")}
	if runtime.GOOS == "linux" {
		addrs = append(addrs, "unix://@aileronc-"+rand.Text(), "unixpacket://"+filepath.Join(t.TempDir(), "gw.sock"))
	}
	for _, addr := range addrs {
		o := wire.ServerOptions{}
		o.Listen.Addr = addr
		g := start(t, e, o, func(x *gateway.Exchange) error {
			if from := x.Request.RemoteAddr; from != "@" && from != "" {
				t.Errorf("%s: from %q", addr, from)
			}
			return echo(x)
		})
		c := g.dial(t)
		if strings.HasPrefix(addr, "unixpacket") { // a packet is read as a whole, or cut
			c.send(post("/small", "body"))
			c.expect(200, "/small body")
			continue
		}
		for range 2 {
			c.send(mixed)
			c.expectMixed()
		}
		c.send(post("/large", long))
		c.halfClose()
		c.expect(200, "/large "+long)
		c.ended()
	}
}

func testNetworks(t *testing.T, e Engine) {
	o := wire.ServerOptions{}
	o.Listen.Networks = []string{"192.168.0.1/32"}
	g := start(t, e, o, text(200, "hello"))
	c := g.dial(t)
	_, _ = io.WriteString(c, request("GET /"))
	if rest, _ := c.rest(); rest != "" {
		t.Errorf("got %q", rest)
	}
}

// Connections beyond the limit wait until others have ended, however these do so.
func testConnectionLimit(t *testing.T, e Engine) {
	o := wire.ServerOptions{IdleTimeout: time.Hour}
	o.Listen.ConnectionLimit = 2
	g := start(t, e, o, func(x *gateway.Exchange) error {
		if x.Request.Path == "/cut" {
			return streaming(10, broken("12345"))(x)
		}
		return text(200, x.Request.Path)(x)
	})
	first, second, third := g.dial(t), g.dial(t), g.dial(t)
	for _, c := range []*client{first, second, third} {
		c.get("GET /")
	}
	first.expect(200, "/")
	second.expect(200, "/")
	_ = third.SetReadDeadline(time.Now().Add(brief))
	if _, err := third.r.Peek(1); !gateway.IsTimeout(err) {
		t.Errorf("the third was served, too: %v", err)
	}
	third.hope()
	first.get("GET /cut")
	_, _ = first.rest()
	third.expect(200, "/")
	waiting := make([]*client, 6)
	for i := range waiting {
		waiting[i] = g.dial(t)
		waiting[i].get("GET /"+itoa(i), "Connection: close")
	}
	_, _ = second.Close(), third.Close()
	slices.Reverse(waiting)
	for i, c := range waiting {
		c.expect(200, "/"+itoa(len(waiting)-1-i))
	}
	late := g.dial(t)
	late.get("GET /")
	late.expect(200, "/")
	if err := late.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
