package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/dnstest"
)

const (
	often = 5 * time.Millisecond // a LookupInterval for tests in which answers change
	limit = 10 * time.Second     // for what should come soon
)

// listenOn accepts connections on one port of several addresses of the loopback network, and returns that port.
func listenOn(t *testing.T, addrs ...string) (port string) {
	t.Helper()
	port = "0"
	for _, a := range addrs {
		l, _ := listen(t, "tcp", net.JoinHostPort(a, port))
		_, port, _ = net.SplitHostPort(l.Addr().String())
	}
	return port
}

func newDialer(t *testing.T, o Options) *Dialer {
	t.Helper()
	d, err := NewDialer(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ends dials and returns the address at the other end.
func ends(t *testing.T, d *Dialer, address string) (string, *Place) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c, place, err := d.DialPlace(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	return host, place
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
	}
}

func TestConnectionsFollowTheName(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.2", "127.0.0.3")
	d := newDialer(t, Options{LookupInterval: often, Resolver: dns.Resolver()})
	dns.Set("up.test", "127.0.0.2")
	host, old := ends(t, d, "up.test:"+port)
	if host != "127.0.0.2" || old.Gone() {
		t.Fatalf("connected to %s, gone: %t", host, old.Gone())
	}
	dns.Set("up.test", "127.0.0.3")
	eventually(t, "a connection to the new address", func() bool {
		host, _ := ends(t, d, "up.test:"+port)
		return host == "127.0.0.3"
	})
	// Nobody connects any more; that the old connection is used is enough.
	eventually(t, "the end of the old address", old.Gone)
	if _, place := ends(t, d, "up.test:"+port); place.Gone() {
		t.Error("the new address is gone, too")
	}
}

func TestConnectionsAreSpread(t *testing.T) {
	dns := dnstest.New(t)
	addrs := []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}
	port := listenOn(t, addrs...)
	dns.Set("up.test", addrs...)
	d := newDialer(t, Options{Resolver: dns.Resolver()})
	got := map[string]int{}
	for range 12 {
		host, _ := ends(t, d, "up.test:"+port)
		got[host]++
	}
	if diff := cmp.Diff(map[string]int{"127.0.0.2": 4, "127.0.0.3": 4, "127.0.0.4": 4}, got); diff != "" {
		t.Error(diff)
	}
	if n := dns.Asked("up.test"); n != 1 {
		t.Errorf("the name was looked up %d times", n)
	}
}

// An address that refuses connections costs nobody a request, and is tried last for a while.
func TestDeadAddresses(t *testing.T) {
	for _, delay := range []time.Duration{0, -1} {
		dns := dnstest.New(t)
		port := listenOn(t, "127.0.0.3")
		dns.Set("up.test", "127.0.0.2", "127.0.0.3", "127.0.0.4")
		d := newDialer(t, Options{Resolver: dns.Resolver(), FallbackDelay: delay})
		var tried atomic.Int32
		d.plain.Control = func(string, string, syscall.RawConn) error { tried.Add(1); return nil }
		for range 6 {
			if host, _ := ends(t, d, "up.test:"+port); host != "127.0.0.3" {
				t.Errorf("connected to %s", host)
			}
		}
		if n := tried.Load(); n > 8 { // each of the dead ones once
			t.Errorf("%d addresses were tried for 6 connections", n)
		}
		dns.Set("dead.test", "127.0.0.2", "127.0.0.4")
		_, err := d.Dial(t.Context(), "tcp", "dead.test:"+port)
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) || Phase(err) != gateway.PhaseConnect {
			t.Errorf("the error is %v", err)
		}
	}
}

// An address that doesn't answer holds a connection up no longer than FallbackDelay.
func TestSilentAddress(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.2", "127.0.0.3")
	dns.Set("up.test", "127.0.0.2", "127.0.0.3")
	d := newDialer(t, Options{Resolver: dns.Resolver(), FallbackDelay: time.Millisecond})
	release := make(chan struct{})
	d.plain.Control = func(_, address string, _ syscall.RawConn) error {
		if strings.HasPrefix(address, "127.0.0.2:") {
			<-release
		}
		return nil
	}
	if host, _ := ends(t, d, "up.test:"+port); host != "127.0.0.3" {
		t.Errorf("connected to %s", host)
	}
	close(release) // the connection that comes too late is closed: see TestMain
}

// One after the other, an address gets its part of the time.
func TestSequential(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.3")
	dns.Set("up.test", "127.0.0.2", "127.0.0.3")
	d := newDialer(t, Options{Resolver: dns.Resolver(), FallbackDelay: -1, Timeout: limit})
	var mu sync.Mutex
	var order []string
	d.plain.Control = func(_, address string, _ syscall.RawConn) error {
		mu.Lock()
		defer mu.Unlock()
		host, _, _ := net.SplitHostPort(address)
		order = append(order, host)
		return nil
	}
	ends(t, d, "up.test:"+port)
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"127.0.0.2", "127.0.0.3"}, order); diff != "" {
		t.Error(diff)
	}
}

// What is known is used while the name server fails, and for a while when it says nothing.
func TestNameServerFails(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.2")
	dns.Set("up.test", "127.0.0.2")
	d := newDialer(t, Options{LookupInterval: often, Resolver: dns.Resolver()})
	_, place := ends(t, d, "up.test:"+port)
	dns.Fail(true)
	asked := dns.Asked("up.test")
	eventually(t, "some more questions", func() bool {
		ends(t, d, "up.test:"+port)
		return dns.Asked("up.test") > asked+20 // the resolver asks twice each time
	})
	if place.Gone() {
		t.Error("the address is gone because the name server fails")
	}
	_, err := d.Dial(t.Context(), "tcp", "other.test:"+port)
	if e, ok := errors.AsType[*net.DNSError](err); !ok || e.IsNotFound || Phase(err) != gateway.PhaseResolve {
		t.Errorf("the error is %v", err)
	}
	dns.Fail(false)
	dns.Set("other.test", "127.0.0.2")
	ends(t, d, "other.test:"+port) // at once
}

func TestUnknownName(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.2")
	d := newDialer(t, Options{LookupInterval: time.Hour, Resolver: dns.Resolver()})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := d.Dial(t.Context(), "tcp", "up.test.:"+port)
			if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || Phase(err) != gateway.PhaseResolve || gateway.IsTimeout(err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	wg.Wait()
	if n := dns.Asked("up.test"); n != 1 {
		t.Errorf("20 connections asked %d times", n)
	}
	// A name that ceases to exist takes its addresses along.
	short := newDialer(t, Options{LookupInterval: often, Resolver: dns.Resolver()})
	dns.Set("up.test", "127.0.0.2")
	_, place := ends(t, short, "up.test:"+port)
	dns.Set("up.test")
	eventually(t, "the end of the address", place.Gone)
	if _, err := short.Dial(t.Context(), "tcp", "up.test:"+port); Phase(err) != gateway.PhaseResolve {
		t.Errorf("the error is %v", err)
	}
}

// If none of the addresses that are known can be connected to, the name is looked up before it is given up.
func TestOutdatedAddresses(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.3")
	dns.Set("up.test", "127.0.0.2")
	d := newDialer(t, Options{LookupInterval: time.Hour, Resolver: dns.Resolver()})
	if _, err := d.Dial(t.Context(), "tcp", "up.test:"+port); err == nil {
		t.Fatal("no error")
	}
	dns.Set("up.test", "127.0.0.3")
	if host, _ := ends(t, d, "up.test:"+port); host != "127.0.0.3" {
		t.Errorf("connected to %s", host)
	}
}

// lookingUp is a dialer whose look-ups take until release is called.
func lookingUp(t *testing.T, o Options) (d *Dialer, release func()) {
	d = newDialer(t, o)
	ch := make(chan struct{})
	real := d.names.lookup
	d.names.lookup = func(ctx context.Context, network, host string) ([]netip.Addr, error) {
		<-ch
		return real(ctx, network, host)
	}
	release = sync.OnceFunc(func() { close(ch) })
	t.Cleanup(release)
	return d, release
}

func TestSlowNameServer(t *testing.T) {
	dns := dnstest.New(t)
	port := listenOn(t, "127.0.0.2")
	dns.Set("up.test", "127.0.0.2")
	d, release := lookingUp(t, Options{Resolver: dns.Resolver(), Timeout: 20 * time.Millisecond})
	_, err := d.Dial(t.Context(), "tcp", "up.test:"+port)
	if !gateway.IsTimeout(err) || Phase(err) != gateway.PhaseResolve {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Dial(ctx, "tcp", "up.test:"+port); gateway.IsTimeout(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	release()
	eventually(t, "the answer", func() bool { places, _ := d.names.of("up.test").known(); return len(places) == 1 })

	// Later, an answer that is known already is good enough.
	slow, again := lookingUp(t, Options{Resolver: dns.Resolver()})
	n := slow.names.of("up.test")
	n.learn([]netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil)
	ends(t, slow, "up.test:"+port)
	again()
	eventually(t, "the end of the look-up", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.looking == nil })
}

func TestLearn(t *testing.T) {
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")
	n := newNames(nil, 0).of("x")
	known := func() (list []string) {
		places, _ := n.known()
		for _, p := range places {
			list = append(list, p.addr.String())
		}
		return list
	}
	n.learn([]netip.Addr{a, netip.MustParseAddr("::ffff:192.0.2.1"), b}, nil)
	if diff := cmp.Diff([]string{"192.0.2.1", "192.0.2.2"}, known()); diff != "" {
		t.Fatal(diff)
	}
	first := n.places[0]
	// A server that answers with some of many addresses each time makes nothing go away.
	for i := range 4 * goneAfter {
		n.learn([]netip.Addr{[]netip.Addr{a, b, c}[i%3]}, nil)
		if first.gone.Load() {
			t.Fatalf("gone after %d look-ups", i+1)
		}
	}
	for range goneAfter {
		n.learn(nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true})
	}
	if first.gone.Load() {
		t.Error("gone because of failures")
	}
	for range goneAfter {
		n.learn([]netip.Addr{c}, nil)
	}
	if !first.gone.Load() || len(n.places) != 1 {
		t.Errorf("gone: %t; %d places", first.gone.Load(), len(n.places))
	}
	n.learn([]netip.Addr{a}, nil)
	if p := n.places[0]; p == first || p.gone.Load() {
		t.Error("an address that has come back is the old one")
	}
}

func TestOrder(t *testing.T) {
	parse := func(texts ...string) (places []*Place) {
		for _, s := range texts {
			places = append(places, &Place{addr: netip.MustParseAddr(s)})
		}
		return places
	}
	bad := parse("192.0.2.9", "192.0.2.1", "192.0.2.2")
	bad[0].avoid.Store(time.Now().Add(time.Hour).UnixNano())
	for name, tt := range map[string]struct {
		places []*Place
		turn   uint32
		want   string
	}{
		"in turn, first":   {parse("192.0.2.1", "192.0.2.2", "192.0.2.3"), 0, "192.0.2.1 192.0.2.2 192.0.2.3"},
		"in turn, second":  {parse("192.0.2.1", "192.0.2.2", "192.0.2.3"), 1, "192.0.2.2 192.0.2.3 192.0.2.1"},
		"families":         {parse("2001:db8::1", "2001:db8::2", "192.0.2.1"), 0, "2001:db8::1 192.0.2.1 2001:db8::2"},
		"families, second": {parse("2001:db8::1", "2001:db8::2", "192.0.2.1"), 1, "2001:db8::2 192.0.2.1 2001:db8::1"},
		"avoided":          {bad, 0, "192.0.2.1 192.0.2.2 192.0.2.9"},
	} {
		n := new(hostName)
		n.next.Store(tt.turn)
		var got []string
		for _, p := range n.order(tt.places) {
			got = append(got, p.addr.String())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s; want %s", name, s, tt.want)
		}
	}
}

// hostName is a name for tests that use the word.
type hostName = name

func TestMatching(t *testing.T) {
	v4, v6 := &Place{addr: netip.MustParseAddr("192.0.2.1")}, &Place{addr: netip.MustParseAddr("2001:db8::1")}
	for _, tt := range []struct {
		network string
		local   net.Addr
		want    []*Place
	}{
		{"tcp", nil, []*Place{v6, v4}},
		{"tcp4", nil, []*Place{v4}},
		{"tcp6", nil, []*Place{v6}},
		{"tcp", &net.TCPAddr{IP: net.ParseIP("192.0.2.7")}, []*Place{v4}},
		{"tcp", &net.TCPAddr{IP: net.ParseIP("2001:db8::7")}, []*Place{v6}},
		{"tcp", &net.TCPAddr{IP: net.IPv4zero, Port: 7}, []*Place{v6, v4}},
		{"tcp6", &net.TCPAddr{IP: net.ParseIP("192.0.2.7")}, nil},
	} {
		got := matching([]*Place{v6, v4}, tt.network, tt.local)
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b *Place) bool { return a == b })); diff != "" {
			t.Errorf("%s from %v: %s", tt.network, tt.local, diff)
		}
	}
	dns := dnstest.New(t)
	dns.Set("up.test", "192.0.2.1")
	d := newDialer(t, Options{Resolver: dns.Resolver()})
	if _, err := d.Dial(t.Context(), "tcp6", "up.test:1"); err == nil || !strings.Contains(err.Error(), "no suitable address") {
		t.Errorf("the error is %v", err)
	}
}

// Asking a place whether it's gone costs each request of a kept connection.
func BenchmarkGone(b *testing.B) {
	n := newNames(nil, time.Hour).of("x")
	n.learn([]netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil)
	n.due.Store(false)
	p := n.places[0]
	for b.Loop() {
		if p.Gone() {
			b.Fatal("gone")
		}
	}
}
