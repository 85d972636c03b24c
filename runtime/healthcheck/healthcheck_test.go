package healthcheck

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/internal/freeport"
	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
	}
}

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := []string{"DEBUG", "INFO", "WARN", "ERROR"}[level] + " " + msg
	for _, a := range attrs {
		line += " " + a.Key + "=" + a.Text()
	}
	l.all = append(l.all, line)
}

func (l *lines) expect(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.all); diff != "" {
		t.Errorf("logged: %s", diff)
	}
}

// checked is a balancer of upstreams that are checked.
func checked(c lb.Check, urls ...string) *lb.Balancer {
	var u []lb.Upstream
	for _, url := range urls {
		u = append(u, lb.Upstream{URL: url, Active: true, Check: c})
	}
	return lb.RoundRobin(u...)
}

// run runs a Checker until stop is called, or the test is over.
func run(t *testing.T, o Options) (stop func()) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func newTransport(t *testing.T, o wire.TransportOptions) *wire.Transport {
	t.Helper()
	o.DisableKeepAlives = true
	tr, err := wire.NewTransport(o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// An answering server answers with a status that can be changed, and counts its connections.
type answering struct {
	*httptest.Server
	status, requests, conns atomic.Int32
	last                    atomic.Pointer[http.Request]
}

func newAnswering(t *testing.T) *answering {
	a := &answering{}
	a.status.Store(200)
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.requests.Add(1)
		a.last.Store(r)
		w.WriteHeader(int(a.status.Load()))
		_, _ = io.WriteString(w, "some text")
	}))
	a.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			a.conns.Add(1)
		case http.StateClosed:
			a.conns.Add(-1)
		}
	}
	a.Start()
	t.Cleanup(a.Close)
	return a
}

func TestNote(t *testing.T) {
	for name, tt := range map[string]struct{ checks, want string }{
		"well":                      {"++++", "    "},
		"down after three":          {"---", "  d"},
		"interrupted":               {"--+--+---", "        d"},
		"up after two":              {"---++", "  d u"},
		"up is interrupted":         {"---+-++", "  d   u"},
		"down once, then once more": {"---++---", "  d u  d"},
	} {
		s, got := state{fall: 3, rise: 2}, ""
		for _, c := range tt.checks {
			usable, changed := s.note(c == '+')
			switch {
			case !changed:
				got += " "
			case usable:
				got += "u"
			default:
				got += "d"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestProbes(t *testing.T) {
	for addr, want := range map[string]string{
		"":                        "GET https://up:8443/base?k=v",
		"/healthz":                "GET https://up:8443/healthz",
		"/a%2Fb?x=y":              "GET https://up:8443/a%2Fb?x=y",
		"http://admin:81/x":       "GET http://admin:81/x",
		"http://u:secret@admin":   "GET http://admin/",
		"https://admin?q":         "GET https://admin/?q",
		"tcp://127.0.0.1:8080":    "connect to tcp://127.0.0.1:8080",
		"tcp6://[::1]:80":         "connect to tcp6://[::1]:80",
		"unix:///run/up.sock":     "connect to unix:///run/up.sock",
		"up:80":                   "connect to tcp://up:80",
		"up":                      `health check of https://up:8443: "up": it has no port`,
		"tcp://up":                `health check of https://up:8443: "up": it has no port`,
		"udp://up:53":             `health check of https://up:8443: "udp": the network must be http, https, tcp, tcp4, tcp6 or unix`,
		"http://":                 "health check of https://up:8443: there is no host",
		"http://u:secret@admin:x": `health check of https://up:8443: invalid port ":x" after host`,
	} {
		b := checked(lb.Check{Addr: addr}, "https://up:8443/base?k=v")
		c, err := New(Options{Balancers: []*lb.Balancer{b}, Transport: newTransport(t, wire.TransportOptions{})})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = c.probes[0].what
		}
		if got != want {
			t.Errorf("%q: %s; want %s", addr, got, want)
		}
	}
	if _, err := New(Options{Balancers: []*lb.Balancer{checked(lb.Check{}, "http://a")}}); err == nil {
		t.Error("no error without a transport")
	}
	if _, err := New(Options{Dial: dial.Options{LocalAddress: "nonsense://"}}); err == nil {
		t.Error("no error with a malformed address")
	}
}

func TestHTTP(t *testing.T) {
	a := newAnswering(t)
	log := &lines{}
	b := checked(lb.Check{Addr: "/healthz?deep=1", Interval: 2 * time.Millisecond}, a.URL)
	target := b.Targets()[0]
	stop := run(t, Options{Balancers: []*lb.Balancer{b}, Transport: newTransport(t, wire.TransportOptions{}), Logger: log})
	eventually(t, "a check", func() bool { return a.requests.Load() > 0 })
	if r := a.last.Load(); r.URL.String() != "/healthz?deep=1" || r.Host != target.Host || r.UserAgent() != "aileronc-healthcheck" {
		t.Errorf("asked for %s at %s by %s", r.URL, r.Host, r.UserAgent())
	}
	a.status.Store(404)
	eventually(t, "the end of use", func() bool { return !target.Usable() })
	if target.Why() != "health check failed: it answered with status 404" {
		t.Error(target.Why())
	}
	a.status.Store(302)
	eventually(t, "its return", target.Usable)
	stop()
	log.expect(t, "WARN upstream is not well upstream="+a.URL+" check=GET "+a.URL+"/healthz?deep=1 reason=it answered with status 404",
		"INFO upstream is well upstream="+a.URL+" check=GET "+a.URL+"/healthz?deep=1")
	eventually(t, "the end of all connections", func() bool { return a.conns.Load() == 0 })
}

// Of a path that nobody has chosen for the purpose, only errors of the server matter.
func TestOwnURL(t *testing.T) {
	a := newAnswering(t)
	a.status.Store(404)
	b := checked(lb.Check{Interval: 2 * time.Millisecond}, a.URL+"/base/")
	run(t, Options{Balancers: []*lb.Balancer{b}, Transport: newTransport(t, wire.TransportOptions{})})
	eventually(t, "some checks", func() bool { return a.requests.Load() > 10 })
	if r := a.last.Load(); r.URL.Path != "/base/" || !b.Targets()[0].Usable() {
		t.Errorf("asked for %s; usable: %t", r.URL, b.Targets()[0].Usable())
	}
	a.status.Store(500)
	eventually(t, "the end of use", func() bool { return !b.Targets()[0].Usable() })
}

// An upstream that was down before the gateway was there gets no requests for long.
func TestFirstCheckDecides(t *testing.T) {
	addr := freeport.Addr(t)
	log := &lines{}
	b := checked(lb.Check{Interval: time.Hour}, "http://"+addr)
	c, err := New(Options{Balancers: []*lb.Balancer{b}, Transport: newTransport(t, wire.TransportOptions{}), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { _ = c.Run(ctx); close(done) }()
	eventually(t, "the end of use", func() bool { return !b.Targets()[0].Usable() })
	cancel()
	<-done
	if want := "connecting: dial tcp " + addr + ": connect: connection refused"; !strings.HasSuffix(log.all[0], want) {
		t.Errorf("logged %v; want %s", log.all, want)
	}
}

func TestConnections(t *testing.T) {
	dir := t.TempDir()
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(dir, "s")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		accepted, closed := atomic.Int32{}, make(chan error, 1000)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					close(closed)
					return
				}
				accepted.Add(1)
				_ = c.SetDeadline(time.Now().Add(patience))
				_, err = c.Read(make([]byte, 1)) // the check closes it
				_ = c.Close()
				closed <- err
			}
		}()
		b := checked(lb.Check{Addr: network + "://" + l.Addr().String(), Interval: 2 * time.Millisecond}, "http://up.test")
		stop := run(t, Options{Balancers: []*lb.Balancer{b}})
		eventually(t, "some checks", func() bool { return accepted.Load() > 3 })
		if err := <-closed; err != io.EOF {
			t.Errorf("%s: the connection ended with %v", network, err)
		}
		if !b.Targets()[0].Usable() {
			t.Error("it isn't usable")
		}
		l.Close()
		eventually(t, "the end of use", func() bool { return !b.Targets()[0].Usable() })
		stop()
		for range closed {
		}
	}
}

func TestTLS(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "localhost")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	b := checked(lb.Check{Interval: 2 * time.Millisecond}, s.URL)
	target := b.Targets()[0]
	target.SetUsable(false, "not yet known")
	trusting := wire.TransportOptions{TLS: tlsconf.Options{RootCAs: []string{ca.File}}}
	c, err := New(Options{Balancers: []*lb.Balancer{b}, Transport: newTransport(t, trusting)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.probes[0].check(t.Context(), c); err != nil {
		t.Error(err)
	}
	c.options.Transport = newTransport(t, wire.TransportOptions{})
	if err := c.probes[0].check(t.Context(), c); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("the error is %v", err)
	}
}

// What is checked in the same way by several load balancers is checked once.
func TestSharedChecks(t *testing.T) {
	a := newAnswering(t)
	log := &lines{}
	one, two := checked(lb.Check{Interval: 2 * time.Millisecond}, a.URL), checked(lb.Check{Interval: 2 * time.Millisecond}, a.URL, a.URL)
	other := checked(lb.Check{Interval: time.Hour}, a.URL)
	c, err := New(Options{Balancers: []*lb.Balancer{one, two, other, lb.RoundRobin(lb.Upstream{URL: a.URL})}, Transport: newTransport(t, wire.TransportOptions{})})
	if err != nil || len(c.probes) != 2 {
		t.Fatalf("%d probes, %v", len(c.probes), err)
	}
	stop := run(t, Options{Balancers: []*lb.Balancer{one, two}, Transport: newTransport(t, wire.TransportOptions{}), Logger: log})
	a.status.Store(503)
	eventually(t, "the end of use", func() bool {
		return !one.Targets()[0].Usable() && !two.Targets()[0].Usable() && !two.Targets()[1].Usable()
	})
	stop()
	if len(log.all) != 1 {
		t.Errorf("logged: %v", log.all)
	}
}

// A response that was not asked for, or never ends, is closed.
func TestOddResponses(t *testing.T) {
	closed := 0
	p, err := newProbe(checked(lb.Check{Addr: "/"}, "http://up").Targets()[0])
	if err != nil {
		t.Fatal(err)
	}
	err = p.ask(t.Context(), gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status, leg.Response.Conn = 101, rwc{endless{&closed}}
		return nil
	}))
	if err == nil || closed != 1 {
		t.Errorf("%v; closed %d times", err, closed)
	}
	err = p.ask(t.Context(), gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status, leg.Response.Body = 200, endless{&closed}
		return nil
	}))
	if err != nil || closed != 2 {
		t.Errorf("%v; closed %d times", err, closed)
	}
}

type endless struct{ closed *int }

func (e endless) Read(p []byte) (int, error) { return len(p), nil }
func (e endless) Close() error               { *e.closed++; return nil }

type rwc struct{ endless }

func (rwc) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkCheck(b *testing.B) {
	p, err := newProbe(checked(lb.Check{Addr: "/healthz"}, "http://up").Targets()[0])
	if err != nil {
		b.Fatal(err)
	}
	tr := gateway.HandlerFunc(func(leg *gateway.Exchange) error { leg.Response.Status = 200; return nil })
	b.ReportAllocs()
	for b.Loop() {
		if err := p.ask(b.Context(), tr); err != nil {
			b.Fatal(err)
		}
	}
}
