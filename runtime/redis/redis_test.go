package redis

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/aileron-gateway/aileronc/internal/freeport"
	"github.com/aileron-gateway/aileronc/internal/redistest"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// lines is a logger that keeps its lines.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, level gateway.Level, msg string, attrs ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprint(level, " ", msg))
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.list, "; ")
}

func newClient(t *testing.T, o Options) *Client {
	c := New(o)
	t.Cleanup(func() { _ = c.Finalize() })
	return c
}

// servers runs f with a real server and with an imitation of one.
func servers(t *testing.T, f func(t *testing.T, o Options)) {
	t.Run("server", func(t *testing.T) { f(t, Options{Addrs: []string{redistest.Start(t).Addr}}) })
	t.Run("imitation", func(t *testing.T) { f(t, Options{Addrs: []string{miniredis.RunT(t).Addr()}}) })
}

func TestValues(t *testing.T) {
	servers(t, func(t *testing.T, o Options) {
		c, ctx := newClient(t, o), t.Context()
		want := func(key, want string) {
			t.Helper()
			got, err := c.Get(ctx, key)
			if err != nil || string(got) != want || (got == nil) != (want == "") {
				t.Errorf("%s is %q, %v, not %q", key, got, err, want)
			}
			exists, err := c.Exists(ctx, key)
			if err != nil || exists != (want != "") {
				t.Errorf("%s exists: %t, %v", key, exists, err)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		want("a", "")
		must(c.Set(ctx, "a", []byte("1\x00\xff"), 0))
		want("a", "1\x00\xff")
		must(c.Delete(ctx, "a"))
		must(c.Delete(ctx, "a"))
		want("a", "")
	})
}

func TestExpiration(t *testing.T) {
	s := redistest.Start(t)
	ctx := t.Context()
	ttl := func(o Options, ttl time.Duration) string {
		o.Addrs = []string{s.Addr}
		if err := newClient(t, o).Set(ctx, "a", []byte("1"), ttl); err != nil {
			t.Fatal(err)
		}
		return s.Do("TTL a")
	}
	if got := ttl(Options{}, 0); got != ":-1" {
		t.Errorf("for ever: %s", got)
	}
	if got := ttl(Options{Expiration: 100 * time.Second}, 0); got != ":100" && got != ":99" {
		t.Errorf("the default: %s", got)
	}
	if got := ttl(Options{Expiration: -1}, 0); got != ":100" && got != ":99" {
		t.Errorf("as it was: %s", got)
	}
	if got := ttl(Options{Expiration: 100 * time.Second}, 1000*time.Second); got != ":1000" && got != ":999" {
		t.Errorf("its own: %s", got)
	}
}

const count = `
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
return {n, tonumber(ARGV[2])}`

func TestScripts(t *testing.T) {
	servers(t, func(t *testing.T, o Options) {
		c, ctx := newClient(t, o), t.Context()
		for i := range int64(3) {
			got, err := c.Run(ctx, count, "n", 5, 7)
			if err != nil || len(got) != 2 || got[0] != 5*(i+1) || got[1] != 7 {
				t.Fatalf("%v, %v", got, err)
			}
			if i == 1 { // it forgets the script
				if err := c.client().ScriptFlush(ctx).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.Run(ctx, "return redis.call('NONSENSE')", "n"); err == nil {
			t.Error("a script that fails doesn't")
		}
		if c.away.Load() {
			t.Error("a server that answers with an error is taken to be away")
		}
		at, err := c.Time(ctx)
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("%v, %v", at, err)
		}
	})
}

// A gateway starts without Redis, tells so once, and goes on when it's there again.
func TestAway(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	log := new(lines)
	c := newClient(t, Options{Addrs: []string{s.Addr}, Logger: log, Deadlines: true, Timeout: 200 * time.Millisecond})
	if err := c.Initialize(); err != nil {
		t.Fatal(err)
	}
	const away = "2 redis can't be used"
	wait(t, func() bool { return log.String() == away })
	_, err := c.Get(t.Context(), "a")
	if e, ok := gateway.AsError(err); !ok || e.Status != 500 || e.Code != "E3250" || e.Kind != "AppStorageKVS" {
		t.Errorf("%v", err)
	}
	if _, ok := c.HealthCheck(t.Context()); ok {
		t.Error("it's healthy")
	}
	if got := log.String(); got != away {
		t.Errorf("the log says %q", got)
	}
	s.Restart()
	wait(t, func() bool { _, err := c.Get(t.Context(), "a"); return err == nil })
	if got := log.String(); got != away+"; 1 redis is back" {
		t.Errorf("the log says %q", got)
	}
	if _, ok := c.HealthCheck(t.Context()); !ok {
		t.Error("it isn't healthy")
	}
}

// A server that doesn't answer holds nobody up for longer than the time-outs say.
func TestSilent(t *testing.T) {
	s := redistest.Start(t)
	for name, o := range map[string]Options{
		"timeout":     {Timeout: 100 * time.Millisecond, Deadlines: true},
		"readTimeout": {ReadTimeout: 100 * time.Millisecond, Timeout: time.Millisecond},
	} {
		o.Addrs = []string{s.Addr}
		c := newClient(t, o)
		if _, err := c.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		s.Pause()
		start := time.Now()
		_, err := c.Get(t.Context(), "a")
		if took := time.Since(start); err == nil || !gateway.IsTimeout(err) || took < 90*time.Millisecond || took > 4*time.Second {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		// Now there is no connection, and connecting works, but nothing else.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		start = time.Now()
		_, err = c.Run(ctx, count, "n", 1, 1)
		cancel()
		if took := time.Since(start); err == nil || took > 4*time.Second {
			t.Errorf("%s: a script: %v after %v", name, err, took)
		}
		s.Resume()
	}
}

// wait waits until done returns true.
func wait(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it doesn't come to that")
		}
	}
}

func TestLogin(t *testing.T) {
	s := redistest.Start(t, "--requirepass", "secret")
	good := newClient(t, Options{Addrs: []string{s.Addr}, Username: "default", Password: "secret", Name: "gw", DB: 3})
	if err := good.Set(t.Context(), "a", []byte("1"), 0); err != nil {
		t.Error(err)
	}
	if list := good.client().ClientList(t.Context()).Val(); !strings.Contains(list, "name=gw") || !strings.Contains(list, "db=3") {
		t.Errorf("%s", list)
	}
	log := new(lines)
	for _, o := range []Options{{}, {Password: "wrong-one"}} {
		o.Addrs, o.Logger = []string{s.Addr}, log
		_, err := newClient(t, o).Get(t.Context(), "a")
		if err == nil || strings.Contains(err.Error(), "wrong-one") {
			t.Errorf("%v", err)
		}
	}
	if got := log.String(); got != "2 redis can't be used; 2 redis can't be used" {
		t.Errorf("the log says %q", got)
	}
}

func TestTLS(t *testing.T) {
	ca := testpki.New(t)
	cert, key := ca.Issue(t, "redis")
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca.File, "--tls-auth-clients", "yes")
	config, err := tlsconf.NewClient(tlsconf.Options{RootCAs: []string{ca.File}, Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := newClient(t, Options{Addrs: []string{addr}, TLS: config}).Set(t.Context(), "a", []byte("1"), 0); err != nil {
		t.Error(err)
	}
	config, _ = tlsconf.NewClient(tlsconf.Options{}, nil)
	if err := newClient(t, Options{Addrs: []string{addr}, TLS: config}).Set(t.Context(), "a", []byte("1"), 0); err == nil {
		t.Error("an authority that nobody trusts is trusted")
	}
}

// Several addresses are a cluster.
func TestCluster(t *testing.T) {
	_, bus, _ := net.SplitHostPort(freeport.Addr(t)) // it would be 10000 above the other port
	s := redistest.Start(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	if got := s.Do("CLUSTER ADDSLOTSRANGE 0 16383"); got != "+OK" {
		t.Fatal(got)
	}
	wait(t, func() bool { return s.Do("SET ready 1") == "+OK" })
	for _, o := range []Options{{}, {ReadOnly: true, RouteRandomly: true}, {RouteByLatency: true}} {
		o.Addrs = []string{freeport.Addr(t), s.Addr} // one of them is away
		c := newClient(t, o)
		for _, key := range []string{"a", "b", "{c}d"} {
			if err := c.Set(t.Context(), key, []byte("1"), 0); err != nil {
				t.Errorf("%+v: %v", o, err)
			}
			if got, err := c.Get(t.Context(), key); err != nil || string(got) != "1" {
				t.Errorf("%+v: %q, %v", o, got, err)
			}
		}
		if got, err := c.Run(t.Context(), count, "n", 1, 7); err != nil || got[1] != 7 {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// Sentinels tell where the master is.
func TestSentinel(t *testing.T) {
	master := redistest.Start(t, "--requirepass", "secret")
	host, port, _ := net.SplitHostPort(master.Addr)
	file := t.TempDir() + "/sentinel.conf"
	config := fmt.Sprintf("sentinel monitor mymaster %s %s 1\nsentinel auth-pass mymaster secret\nrequirepass guard\n", host, port)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := redistest.StartSentinel(t, file)
	for _, o := range []Options{{}, {RouteRandomly: true}} {
		o.Addrs, o.MasterName, o.SentinelPassword, o.Password = []string{sentinel.Addr}, "mymaster", "guard", "secret"
		c := newClient(t, o)
		if err := c.Set(t.Context(), "a", []byte("1"), 0); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	o := Options{Addrs: []string{sentinel.Addr}, MasterName: "nobody", SentinelPassword: "guard", Timeout: time.Second, Deadlines: true}
	if err := newClient(t, o).Set(t.Context(), "a", []byte("1"), 0); err == nil {
		t.Error("there is no master of that name, but it answers")
	}
}

func TestUnixSocket(t *testing.T) {
	path := t.TempDir() + "/redis.sock"
	redistest.Start(t, "--unixsocket", path)
	if err := newClient(t, Options{Addrs: []string{path}}).Set(t.Context(), "a", []byte("1"), 0); err != nil {
		t.Error(err)
	}
}

// Nothing is connected before it's needed, and nothing is left at the end.
func TestNotConnected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := New(Options{Addrs: []string{l.Addr().String()}, MinIdleConns: 5})
	if err := c.Finalize(); err != nil || c.made.Load() {
		t.Errorf("it has connected, %v", err)
	}
	s := redistest.Start(t)
	c = New(Options{Addrs: []string{s.Addr}})
	if err := c.Set(t.Context(), "a", nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Finalize(); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(t.Context(), "a"); err == nil {
		t.Error("it works on after the end")
	}
}
