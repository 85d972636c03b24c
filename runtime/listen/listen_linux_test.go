package listen_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// option reads an option of the socket of a connection.
func option(t *testing.T, c net.Conn, level, opt int) (value int) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if cerr := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, opt) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return value
}

// setting reads a setting of the kernel.
func setting(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
	if err != nil {
		t.Skip(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Keep-alive probes of accepted connections are those of KeepAlive, then those of the socket options, then Go's.
func TestKeepAliveOfConnections(t *testing.T) {
	type probes struct{ on, idle, interval, count int }
	idle, interval, count := setting(t, "tcp_keepalive_time"), setting(t, "tcp_keepalive_intvl"), setting(t, "tcp_keepalive_probes")
	for name, tt := range map[string]struct {
		keepAlive listen.KeepAlive
		socket    sockopt.TCP
		want      probes
	}{
		"default":        {listen.KeepAlive{}, sockopt.TCP{}, probes{1, 15, 15, 9}},
		"given":          {listen.KeepAlive{Idle: 20 * time.Second, Interval: 7 * time.Second, Count: 3}, sockopt.TCP{}, probes{1, 20, 7, 3}},
		"some":           {listen.KeepAlive{Count: 3}, sockopt.TCP{}, probes{1, 15, 15, 3}},
		"socket options": {listen.KeepAlive{}, sockopt.TCP{KeepIdle: 30 * time.Second, KeepInterval: 5 * time.Second, KeepCount: 2}, probes{1, 30, 5, 2}},
		"both":           {listen.KeepAlive{Idle: 20 * time.Second}, sockopt.TCP{KeepIdle: 30 * time.Second, KeepCount: 2}, probes{1, 20, 15, 2}},
		"system's":       {listen.KeepAlive{Idle: -1, Interval: -1, Count: -1}, sockopt.TCP{}, probes{1, idle, interval, count}},
		"off":            {listen.KeepAlive{Disable: true, Idle: time.Second}, sockopt.TCP{}, probes{0, idle, interval, count}},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, listen.Options{Addr: "127.0.0.1:0", KeepAlive: tt.keepAlive, Socket: sockopt.Options{TCP: tt.socket}})
			dial(t, l)
			c := accept(t, l)
			got := probes{
				option(t, c, unix.SOL_SOCKET, unix.SO_KEEPALIVE), option(t, c, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE),
				option(t, c, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), option(t, c, unix.IPPROTO_TCP, unix.TCP_KEEPCNT),
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Connections inherit what the options of the listening socket are about.
func TestSocketOptionsOfConnections(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", Socket: sockopt.Options{
		SO:  sockopt.SO{ReceiveBuffer: 8192, ReusePort: true},
		IP:  sockopt.IP{TTL: 7},
		TCP: sockopt.TCP{UserTimeout: 2500 * time.Millisecond, NoDelay: true},
	}})
	dial(t, l)
	c := accept(t, l)
	for name, tt := range map[string]struct{ level, opt, want int }{
		"receive buffer": {unix.SOL_SOCKET, unix.SO_RCVBUF, 16384}, "time to live": {unix.IPPROTO_IP, unix.IP_TTL, 7},
		"user timeout": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 2500}, "no delay": {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		if got := option(t, c, tt.level, tt.opt); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
	other := open(t, listen.Options{Addr: l.Addr().String(), Socket: sockopt.Options{SO: sockopt.SO{ReusePort: true}}})
	if other.Addr().String() != l.Addr().String() {
		t.Errorf("two listeners of one port: %v and %v", l.Addr(), other.Addr())
	}
}

// A unix socket has a buffer, too, and none of the options of IP and TCP.
func TestSocketOptionsOfUnixSockets(t *testing.T) {
	for _, network := range []string{"unix://", "unixpacket://"} {
		l := open(t, listen.Options{Addr: network + filepath.Join(t.TempDir(), "s"), Socket: sockopt.Options{
			SO: sockopt.SO{SendBuffer: 8192}, IP: sockopt.IP{TTL: 7}, TCP: sockopt.TCP{NoDelay: true},
		}})
		raw, err := l.(*net.UnixListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if cerr := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF) }); cerr != nil || err != nil || got != 16384 {
			t.Errorf("%s: got %d, %v, %v", network, got, cerr, err)
		}
	}
}
