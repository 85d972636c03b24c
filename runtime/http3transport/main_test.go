package http3transport

import (
	"context"
	"crypto/tls"
	"flag"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16") // they wait more than they work
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler)) // quic-go tells there of what the tests have upstreams do
	goleak.VerifyTestMain(m)
}

// forever bounds what would otherwise hang.
const forever = 30 * time.Second

// soon is long enough for what should happen at once, and short enough to wait for what shouldn't.
const soon = 100 * time.Millisecond

// An upstream is a server of quic-go.
type upstream struct {
	ca    *testpki.CA
	addr  string
	conns atomic.Int32 // how many there were
	http  *http3.Server
	stop  func()
}

// newUpstream starts one that listens on a free port of 127.0.0.1.
func newUpstream(t testing.TB, config *quic.Config, h http.HandlerFunc) *upstream {
	t.Helper()
	u := &upstream{ca: testpki.New(t)}
	cert, key := u.ca.Issue(t, "localhost")
	u.http = &http3.Server{
		Handler: h,
		ConnContext: func(ctx context.Context, _ *quic.Conn) context.Context {
			u.conns.Add(1)
			return ctx
		},
	}
	u.listen(t, "127.0.0.1:0", serverTLS(t, cert, key), config)
	return u
}

func serverTLS(t testing.TB, cert, key string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{pair}})
}

func (u *upstream) listen(t testing.TB, addr string, c *tls.Config, config *quic.Config) {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	u.addr = pc.LocalAddr().String()
	tr := &quic.Transport{Conn: pc}
	l, err := tr.ListenEarly(c, config)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = u.http.ServeListener(l)
	}()
	u.stop = sync.OnceFunc(func() {
		_ = l.Close()
		<-done
		_ = u.http.Close()
		_ = tr.Close()
		_ = pc.Close()
	})
	t.Cleanup(u.stop)
}

// A raw upstream is one whose streams a test answers frame by frame.
func newRaw(t testing.TB, config *quic.Config, serve func(c *quic.Conn, n int)) *upstream {
	t.Helper()
	u := &upstream{ca: testpki.New(t)}
	cert, key := u.ca.Issue(t, "localhost")
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.addr = pc.LocalAddr().String()
	tr := &quic.Transport{Conn: pc}
	l, err := tr.Listen(serverTLS(t, cert, key), config)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			n := int(u.conns.Add(1)) - 1
			running.Go(func() {
				if s, err := c.OpenUniStream(); err == nil {
					_, _ = s.Write([]byte{0, 4, 0})
				}
				serve(c, n)
				<-c.Context().Done()
			})
		}
	})
	t.Cleanup(func() {
		_ = tr.Close()
		_ = pc.Close()
		running.Wait()
	})
	return u
}

func (u *upstream) url() string { return "https://" + u.addr }

func (u *upstream) options() Options {
	return Options{TLS: tlsconf.Options{RootCAs: []string{u.ca.File}}}
}

// transport makes a transport for the upstream that lives as long as the test.
func (u *upstream) transport(t testing.TB) *Transport {
	t.Helper()
	return newTransport(t, u.options())
}

func newTransport(t testing.TB, o Options) *Transport {
	t.Helper()
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// A leg is an exchange with an upstream.
type leg struct {
	*gateway.Exchange
	t      testing.TB
	parent *gateway.Exchange
	cancel context.CancelFunc
}

// newLeg makes a leg to ask url with. It ends with the test, or when end is called.
func newLeg(t testing.TB, method, url string) *leg {
	t.Helper()
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut("/"+path, "?")
	ctx, cancel := context.WithTimeout(context.Background(), forever)
	l := &leg{new(gateway.Exchange), t, new(gateway.Exchange), cancel}
	t.Cleanup(l.end)
	l.parent.SetContext(ctx)
	l.parent.Leg(l.Exchange)
	l.Request = gateway.Request{Method: method, Scheme: scheme, Host: host, Path: path, RawPath: path, RawQuery: query}
	return l
}

// end is what the engine of the client's side does at the end of the exchange.
func (l *leg) end() {
	if b := l.Response.Body; b != nil {
		_ = b.Close()
	}
	l.parent.Finish()
	l.cancel()
}

func (l *leg) serve(tr *Transport) *leg {
	l.t.Helper()
	if err := tr.Serve(l.Exchange); err != nil {
		l.t.Fatal(err)
	}
	return l
}

// text is the body of the response.
func (l *leg) text() string {
	l.t.Helper()
	if l.Response.Body == nil {
		return string(l.Response.Bytes)
	}
	b, err := io.ReadAll(l.Response.Body)
	if err != nil {
		l.t.Fatalf("%v after %d bytes", err, len(b))
	}
	return string(b)
}

// expect checks the response.
func (l *leg) expect(status int, body string) {
	l.t.Helper()
	if got := l.text(); l.Response.Status != status || got != body {
		l.t.Errorf("%s: got %d %.300q, want %d %.300q", l.Request.Method, l.Response.Status, got, status, body)
	}
}

// get asks for url and returns the response, its body read.
func get(t testing.TB, tr *Transport, url string) (status int, body string) {
	t.Helper()
	l := newLeg(t, "GET", url)
	defer l.end()
	body = l.serve(tr).text()
	return l.Response.Status, body
}

func (l *leg) setBody(text string, length int64) {
	l.Request.Body, l.Request.ContentLength = io.NopCloser(strings.NewReader(text)), length
}

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(forever); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(time.Millisecond)
	}
}

// receive returns what comes from c, and fails the test if nothing does.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(forever):
		t.Error("what is waited for never came")
	}
	return v
}

// zeros is a body that doesn't end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
func (zeros) Close() error               { return nil }
