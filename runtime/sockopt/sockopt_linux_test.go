package sockopt_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// withSocket sets options on a new socket of the kind that net would make for network.
func withSocket(t *testing.T, network string, o *sockopt.Options) (fd int, err error) {
	t.Helper()
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	switch {
	case strings.HasPrefix(network, "unix"):
		family = unix.AF_UNIX
	case strings.HasSuffix(network, "6"):
		family = unix.AF_INET6
	}
	if strings.HasPrefix(network, "udp") {
		kind = unix.SOCK_DGRAM
	}
	fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip(err) // a system without IPv6
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd, o.Control(network, "", rawSocket(fd))
}

// A rawSocket is a syscall.RawConn.
type rawSocket int

func (s rawSocket) Control(f func(fd uintptr)) error { f(uintptr(s)); return nil }
func (rawSocket) Read(func(uintptr) bool) error      { return errors.ErrUnsupported }
func (rawSocket) Write(func(uintptr) bool) error     { return errors.ErrUnsupported }

// Each option is read back from the sockets that it's for, and isn't set on others.
func TestControl(t *testing.T) {
	const sol, ip, tcp, udp = unix.SOL_SOCKET, unix.IPPROTO_IP, unix.IPPROTO_TCP, unix.IPPROTO_UDP
	so := func(o sockopt.SO) sockopt.Options { return sockopt.Options{SO: o} }
	onIP := func(o sockopt.IP) sockopt.Options { return sockopt.Options{IP: o} }
	onTCP := func(o sockopt.TCP) sockopt.Options { return sockopt.Options{TCP: o} }
	onUDP := func(o sockopt.UDP) sockopt.Options { return sockopt.Options{UDP: o} }
	all, inet, stream, datagram := []string{"tcp4", "tcp6", "udp4", "unix"}, []string{"tcp4", "tcp6", "udp4"}, []string{"tcp4", "tcp6"}, []string{"udp4", "udp6"}
	for _, tt := range []struct {
		name       string
		networks   []string
		options    sockopt.Options
		level, opt int
		want       int
	}{
		{"debug", []string{"tcp4"}, so(sockopt.SO{Debug: true}), sol, unix.SO_DEBUG, 1},
		{"keep-alive", all, so(sockopt.SO{KeepAlive: true}), sol, unix.SO_KEEPALIVE, 1},
		{"mark", inet, so(sockopt.SO{Mark: 5}), sol, unix.SO_MARK, 5},
		{"receive buffer, which the kernel doubles", all, so(sockopt.SO{ReceiveBuffer: 8192}), sol, unix.SO_RCVBUF, 16384},
		{"send buffer", all, so(sockopt.SO{SendBuffer: 8192}), sol, unix.SO_SNDBUF, 16384},
		{"receive buffer by force", all, so(sockopt.SO{ReceiveBufferForce: 64 << 20}), sol, unix.SO_RCVBUF, 128 << 20},
		{"send buffer by force", all, so(sockopt.SO{SendBufferForce: 64 << 20}), sol, unix.SO_SNDBUF, 128 << 20},
		{"reuse address", all, so(sockopt.SO{ReuseAddr: true}), sol, unix.SO_REUSEADDR, 1},
		{"reuse port", inet, so(sockopt.SO{ReusePort: true}), sol, unix.SO_REUSEPORT, 1},
		{"bind address no port", inet, onIP(sockopt.IP{BindAddressNoPort: true}), ip, unix.IP_BIND_ADDRESS_NO_PORT, 1},
		{"free bind", inet, onIP(sockopt.IP{FreeBind: true}), ip, unix.IP_FREEBIND, 1},
		{"local ports", inet, onIP(sockopt.IP{LocalPortLower: 40_000, LocalPortUpper: 50_000}), ip, unix.IP_LOCAL_PORT_RANGE, 50_000<<16 | 40_000},
		{"lowest local port", inet, onIP(sockopt.IP{LocalPortLower: 40_000}), ip, unix.IP_LOCAL_PORT_RANGE, 40_000},
		{"transparent", inet, onIP(sockopt.IP{Transparent: true}), ip, unix.IP_TRANSPARENT, 1},
		{"time to live", inet, onIP(sockopt.IP{TTL: 7}), ip, unix.IP_TTL, 7},
		{"cork", stream, onTCP(sockopt.TCP{Cork: true}), tcp, unix.TCP_CORK, 1},
		{"defer accept, in retransmissions", stream, onTCP(sockopt.TCP{DeferAccept: 7 * time.Second}), tcp, unix.TCP_DEFER_ACCEPT, 7},
		{"keep count", stream, onTCP(sockopt.TCP{KeepCount: 4}), tcp, unix.TCP_KEEPCNT, 4},
		{"keep idle", stream, onTCP(sockopt.TCP{KeepIdle: 11 * time.Second}), tcp, unix.TCP_KEEPIDLE, 11},
		{"keep interval rounds up", stream, onTCP(sockopt.TCP{KeepInterval: 1500 * time.Millisecond}), tcp, unix.TCP_KEEPINTVL, 2},
		{"linger in FIN_WAIT2", stream, onTCP(sockopt.TCP{Linger2: 9 * time.Second}), tcp, unix.TCP_LINGER2, 9},
		{"largest segment", stream, onTCP(sockopt.TCP{MaxSegment: 1000}), tcp, unix.TCP_MAXSEG, 1000},
		{"no delay", stream, onTCP(sockopt.TCP{NoDelay: true}), tcp, unix.TCP_NODELAY, 1},
		{"quick ack", stream, onTCP(sockopt.TCP{QuickAck: true}), tcp, unix.TCP_QUICKACK, 1},
		{"SYN count", stream, onTCP(sockopt.TCP{SynCount: 3}), tcp, unix.TCP_SYNCNT, 3},
		{"user timeout", stream, onTCP(sockopt.TCP{UserTimeout: 2500 * time.Millisecond}), tcp, unix.TCP_USER_TIMEOUT, 2500},
		{"window clamp", stream, onTCP(sockopt.TCP{WindowClamp: 30_000}), tcp, unix.TCP_WINDOW_CLAMP, 30_000},
		{"fast open", stream, onTCP(sockopt.TCP{FastOpen: true}), tcp, unix.TCP_FASTOPEN, 256},
		{"fast open of clients", stream, onTCP(sockopt.TCP{FastOpenConnect: true}), tcp, unix.TCP_FASTOPEN_CONNECT, 1},
		{"cork of datagrams", datagram, onUDP(sockopt.UDP{Cork: true}), udp, unix.UDP_CORK, 1},
		{"segment", datagram, onUDP(sockopt.UDP{Segment: 1200}), udp, unix.UDP_SEGMENT, 1200},
		{"GRO", datagram, onUDP(sockopt.UDP{GRO: true}), udp, unix.UDP_GRO, 1},

		{"IP options aren't for unix sockets", []string{"unix"}, onIP(sockopt.IP{TTL: 7}), sol, unix.SO_KEEPALIVE, 0},
		{"TCP options aren't for UDP", datagram, onTCP(sockopt.TCP{Cork: true}), udp, unix.UDP_CORK, 0},
		{"UDP options aren't for TCP", stream, onUDP(sockopt.UDP{Cork: true}), tcp, unix.TCP_CORK, 0},
	} {
		for _, network := range tt.networks {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				fd, err := withSocket(t, network, &tt.options)
				if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EPERM) {
					t.Skipf("the kernel lacks it, or this user may not: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				got, err := unix.GetsockoptInt(fd, tt.level, tt.opt)
				if err != nil {
					t.Fatal(err)
				}
				if uint32(got) != uint32(tt.want) { // numbers of 32 bits
					t.Errorf("got %d, want %d", got, tt.want)
				}
			})
		}
	}
}

func TestBindToDevice(t *testing.T) {
	fd, err := withSocket(t, "tcp4", &sockopt.Options{SO: sockopt.SO{BindToDevice: "lo"}})
	if errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE); got != "lo" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTimeouts(t *testing.T) {
	fd, err := withSocket(t, "tcp4", &sockopt.Options{SO: sockopt.SO{ReceiveTimeout: 1500 * time.Millisecond, SendTimeout: 2 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	for opt, want := range map[int]unix.Timeval{unix.SO_RCVTIMEO: unix.NsecToTimeval(1500e6), unix.SO_SNDTIMEO: unix.NsecToTimeval(2e9)} {
		if got, err := getTimeval(fd, opt); got != want || err != nil {
			t.Errorf("%d: got %v, %v", opt, got, err)
		}
	}
}

// getTimeval reads an option that is a struct timeval. The packages have no function for that.
func getTimeval(fd, opt int) (tv unix.Timeval, err error) {
	size := uint32(unsafe.Sizeof(tv))
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(opt), uintptr(unsafe.Pointer(&tv)), uintptr(unsafe.Pointer(&size)), 0)
	if e != 0 {
		err = e
	}
	return tv, err
}

func TestLinger(t *testing.T) {
	for linger, want := range map[time.Duration]unix.Linger{5 * time.Second: {Onoff: 1, Linger: 5}, 100 * time.Millisecond: {Onoff: 1, Linger: 1}, -1: {}} {
		for _, network := range []string{"tcp4", "unix"} {
			fd, err := withSocket(t, network, &sockopt.Options{SO: sockopt.SO{Linger: linger}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := unix.GetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER); err != nil || *got != want {
				t.Errorf("linger %v of %s: got %+v, %v", linger, network, got, err)
			}
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
