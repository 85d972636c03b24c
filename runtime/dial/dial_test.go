package dial

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen accepts connections and says for each where it came from.
func listen(t *testing.T, network, address string) (net.Listener, <-chan net.Addr) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	from := make(chan net.Addr, 8)
	go func() {
		defer close(from)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			from <- c.RemoteAddr()
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		for range from { // until Accept has returned
		}
	})
	return l, from
}

func mustNew(t *testing.T, o Options) Func {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func dialAndClose(t *testing.T, f Func, network, address string) net.Conn {
	t.Helper()
	c, err := f(context.Background(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestLocalAddress(t *testing.T) {
	l, from := listen(t, "tcp", "127.0.0.1:0")
	for _, local := range []string{"tcp://127.0.0.2:0", "tcp4://127.0.0.2", "127.0.0.2:0", "127.0.0.2"} {
		f := mustNew(t, Options{LocalAddress: local})
		dialAndClose(t, f, "tcp", l.Addr().String())
		if host, _, _ := net.SplitHostPort((<-from).String()); host != "127.0.0.2" {
			t.Errorf("%s: dialled from %s", local, host)
		}
	}
}

func TestReplaceTargets(t *testing.T) {
	a, _ := listen(t, "tcp", "127.0.0.1:0")
	b, _ := listen(t, "tcp", "127.0.0.1:0")
	socket := filepath.Join(t.TempDir(), "s")
	u, _ := listen(t, "unix", socket)

	f := mustNew(t, Options{
		LocalAddress: "tcp://127.0.0.2:0", // of no use for the unix socket, and no harm
		ReplaceTargets: []string{
			"(tcp|example.com:80) > (tcp|" + a.Addr().String() + ")",
			"(tcp|chained.example:80)(tcp|link.example:1)",
			"( tcp | link.example:1 )>( tcp4 | " + b.Addr().String() + " )",
			"(tcp|socket.example:80) > (unix|" + socket + ")",
		},
	})
	for _, tt := range []struct{ dialled, want string }{
		{"example.com:80", a.Addr().String()},
		{"chained.example:80", b.Addr().String()},
		{"socket.example:80", u.Addr().String()},
		{b.Addr().String(), b.Addr().String()},
	} {
		c := dialAndClose(t, f, "tcp", tt.dialled)
		if got := c.RemoteAddr().String(); got != tt.want {
			t.Errorf("%s: connected to %s, not %s", tt.dialled, got, tt.want)
		}
	}
}

func TestMalformed(t *testing.T) {
	for name, tt := range map[string]struct {
		options Options
		want    string
	}{
		"no pairs":          {Options{ReplaceTargets: []string{"tcp|a:80"}}, "not of the form"},
		"one pair":          {Options{ReplaceTargets: []string{"(tcp|a:80)"}}, "not of the form"},
		"no closing":        {Options{ReplaceTargets: []string{"(tcp|a:80) > (tcp|b:80"}}, "not of the form"},
		"no bar":            {Options{ReplaceTargets: []string{"(tcp:a:80) > (tcp|b:80)"}}, "not of the form"},
		"no port":           {Options{ReplaceTargets: []string{"(tcp|a) > (tcp|b:80)"}}, "missing port"},
		"unknown network":   {Options{ReplaceTargets: []string{"(tcp|a:80) > (tcp5|b:80)"}}, "unknown network"},
		"same source twice": {Options{ReplaceTargets: []string{"(tcp|a:80)>(tcp|b:80)", "(tcp|a:80)>(tcp|c:80)"}}, "replaced already"},
		"local network":     {Options{LocalAddress: "ipx://1"}, "unknown network"},
		"local port":        {Options{LocalAddress: "tcp://127.0.0.1:x"}, "port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v; it should say %q", err, tt.want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	l, _ := listen(t, "tcp", "127.0.0.1:0")
	f := mustNew(t, Options{Timeout: time.Nanosecond})
	_, err := f(context.Background(), "tcp", l.Addr().String())
	if !gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
}

func TestCanceled(t *testing.T) {
	l, _ := listen(t, "tcp", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := mustNew(t, Options{})(ctx, "tcp", l.Addr().String()); err == nil || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
}

func TestKeepAlive(t *testing.T) {
	got := keepAlive(&sockopt.TCP{KeepIdle: 7 * time.Second})
	if diff := cmp.Diff(net.KeepAliveConfig{Enable: true, Idle: 7 * time.Second}, got); diff != "" {
		t.Error(diff)
	}
	if keepAlive(new(sockopt.TCP)).Enable {
		t.Error("nothing was asked for")
	}
}

func TestSocketOptionFails(t *testing.T) {
	l, _ := listen(t, "tcp", "127.0.0.1:0")
	f := mustNew(t, Options{Socket: sockopt.Options{SO: sockopt.SO{BindToDevice: "no-such-device"}}})
	_, err := f(context.Background(), "tcp", l.Addr().String())
	if err == nil {
		t.Fatal("no error")
	}
	if os.Getuid() == 0 {
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("the error is %v", err)
		}
	}
}

func BenchmarkDial(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	f, err := New(Options{Timeout: time.Second, ReplaceTargets: []string{"(tcp|a:80)>(tcp|b:80)"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c, err := f(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}
