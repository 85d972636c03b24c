package sockopt_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// withSocket runs f on a new socket of the kind that net would make for network.
func withSocket(t *testing.T, network string, o *sockopt.Options) (syscall.RawConn, error) {
	t.Helper()
	switch network {
	case "tcp4":
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		c, err := l.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		return c, o.Control(network, "", c)
	case "udp4":
		l, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		c, err := l.(*net.UDPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		return c, o.Control(network, "", c)
	default:
		t.Fatalf("network %q", network)
		return nil, nil
	}
}

func TestControl(t *testing.T) {
	const sol, ip, tcp, udp = unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_TCP, unix.IPPROTO_UDP
	tests := []struct {
		name       string
		network    string
		options    sockopt.Options
		level, opt int
		want       int
	}{
		{"keep-alive", "tcp4", sockopt.Options{SO: sockopt.SO{KeepAlive: true}}, sol, unix.SO_KEEPALIVE, 1},
		{"receive buffer is doubled by the kernel", "tcp4", sockopt.Options{SO: sockopt.SO{ReceiveBuffer: 8192}}, sol, unix.SO_RCVBUF, 16384},
		{"send buffer", "tcp4", sockopt.Options{SO: sockopt.SO{SendBuffer: 8192}}, sol, unix.SO_SNDBUF, 16384},
		{"reuse port", "tcp4", sockopt.Options{SO: sockopt.SO{ReusePort: true}}, sol, unix.SO_REUSEPORT, 1},
		{"free bind", "tcp4", sockopt.Options{IP: sockopt.IP{FreeBind: true}}, ip, unix.IP_FREEBIND, 1},
		{"bind address no port", "tcp4", sockopt.Options{IP: sockopt.IP{BindAddressNoPort: true}}, ip, unix.IP_BIND_ADDRESS_NO_PORT, 1},
		{"ttl", "tcp4", sockopt.Options{IP: sockopt.IP{TTL: 7}}, ip, unix.IP_TTL, 7},
		{"ttl on udp", "udp4", sockopt.Options{IP: sockopt.IP{TTL: 9}}, ip, unix.IP_TTL, 9},
		{"keep idle", "tcp4", sockopt.Options{TCP: sockopt.TCP{KeepIdle: 11 * time.Second}}, tcp, unix.TCP_KEEPIDLE, 11},
		{"keep interval rounds up", "tcp4", sockopt.Options{TCP: sockopt.TCP{KeepInterval: 1500 * time.Millisecond}}, tcp, unix.TCP_KEEPINTVL, 2},
		{"keep count", "tcp4", sockopt.Options{TCP: sockopt.TCP{KeepCount: 4}}, tcp, unix.TCP_KEEPCNT, 4},
		{"user timeout", "tcp4", sockopt.Options{TCP: sockopt.TCP{UserTimeout: 2500 * time.Millisecond}}, tcp, unix.TCP_USER_TIMEOUT, 2500},
		{"syn count", "tcp4", sockopt.Options{TCP: sockopt.TCP{SynCount: 3}}, tcp, unix.TCP_SYNCNT, 3},
		{"cork", "tcp4", sockopt.Options{TCP: sockopt.TCP{Cork: true}}, tcp, unix.TCP_CORK, 1},
		{"tcp options are not for udp", "udp4", sockopt.Options{TCP: sockopt.TCP{Cork: true}}, udp, unix.UDP_CORK, 0},
		{"udp cork", "udp4", sockopt.Options{UDP: sockopt.UDP{Cork: true}}, udp, unix.UDP_CORK, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := withSocket(t, tt.network, &tt.options)
			if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EOPNOTSUPP) {
				t.Skipf("the kernel lacks it: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var got int
			if cerr := c.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), tt.level, tt.opt) }); cerr != nil || err != nil {
				t.Fatal(cerr, err)
			}
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestLinger(t *testing.T) {
	tests := []struct {
		linger time.Duration
		want   unix.Linger
	}{
		{5 * time.Second, unix.Linger{Onoff: 1, Linger: 5}},
		{-1, unix.Linger{}},
	}
	for _, tt := range tests {
		c, err := withSocket(t, "tcp4", &sockopt.Options{SO: sockopt.SO{Linger: tt.linger}})
		if err != nil {
			t.Fatal(err)
		}
		var got *unix.Linger
		if cerr := c.Control(func(fd uintptr) { got, err = unix.GetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER) }); cerr != nil || err != nil {
			t.Skip("the platform cannot read SO_LINGER")
		}
		if *got != tt.want {
			t.Errorf("linger %v: got %+v, want %+v", tt.linger, *got, tt.want)
		}
	}
}

func TestControlNamesTheOptionThatFails(t *testing.T) {
	_, err := withSocket(t, "tcp4", &sockopt.Options{IP: sockopt.IP{TTL: 4096}})
	if err == nil || !strings.Contains(err.Error(), "IP_TTL") {
		t.Errorf("got error %v, want one that names IP_TTL", err)
	}
}

func TestZeroOptionsTouchNothing(t *testing.T) {
	var o sockopt.Options
	if err := o.Control("tcp4", "", nil); err != nil { // a nil connection would panic if it were used
		t.Error(err)
	}
}
