// Package sockopt sets socket options on listening and dialling sockets, between
// their creation and bind(2) or connect(2).
//
// The zero value of a field leaves the option as the operating system has it;
// nothing can be switched off. Linux has all options. What all have in common can be set on the BSDs and macOS, and a few on
// Windows; an option that a system doesn't have is an error there, never ignored.
package sockopt

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Options are the options of a socket, by protocol level. See socket(7), ip(7),
// tcp(7) and udp(7).
type Options struct {
	SO  SO
	IP  IP
	TCP TCP
	UDP UDP
}

// SO are the options of level SOL_SOCKET. They are set on sockets of all kinds.
type SO struct {
	// BindToDevice is the name of the interface to use (SO_BINDTODEVICE).
	BindToDevice string
	Debug        bool // SO_DEBUG
	KeepAlive    bool // SO_KEEPALIVE
	// Linger is how long close waits for unsent data, in whole seconds (SO_LINGER).
	// Negative switches lingering off.
	Linger time.Duration
	Mark   int // SO_MARK
	// ReceiveBuffer and SendBuffer are sizes in bytes, which the kernel doubles and
	// bounds by its limits (SO_RCVBUF, SO_SNDBUF).
	ReceiveBuffer, SendBuffer int
	// ReceiveBufferForce and SendBufferForce pass over the limits; they need
	// CAP_NET_ADMIN (SO_RCVBUFFORCE, SO_SNDBUFFORCE).
	ReceiveBufferForce, SendBufferForce int
	// ReceiveTimeout and SendTimeout are SO_RCVTIMEO and SO_SNDTIMEO. They bound
	// blocking calls only, which Go doesn't make.
	ReceiveTimeout, SendTimeout time.Duration
	ReuseAddr                   bool // SO_REUSEADDR
	ReusePort                   bool // SO_REUSEPORT
}

// IP are the options of level IPPROTO_IP. They are set on TCP and UDP sockets.
type IP struct {
	BindAddressNoPort bool // IP_BIND_ADDRESS_NO_PORT
	FreeBind          bool // IP_FREEBIND
	// LocalPortLower and LocalPortUpper bound the ports that are chosen for
	// outgoing connections (IP_LOCAL_PORT_RANGE, Linux 6.3). Zero leaves that end.
	LocalPortLower, LocalPortUpper int
	Transparent                    bool // IP_TRANSPARENT
	TTL                            int  // IP_TTL, 1 to 255
}

// TCP are the options of level IPPROTO_TCP. They are set on TCP sockets.
type TCP struct {
	Cork bool // TCP_CORK
	// DeferAccept is how long a connection without data may wait before it is
	// accepted, in whole seconds (TCP_DEFER_ACCEPT).
	DeferAccept time.Duration
	KeepCount   int // TCP_KEEPCNT
	// KeepIdle and KeepInterval are in whole seconds (TCP_KEEPIDLE, TCP_KEEPINTVL).
	KeepIdle, KeepInterval time.Duration
	// Linger2 is the lifetime of orphans in FIN_WAIT2, in whole seconds (TCP_LINGER2).
	Linger2    time.Duration
	MaxSegment int  // TCP_MAXSEG, in bytes
	NoDelay    bool // TCP_NODELAY; Go sets it anyway
	QuickAck   bool // TCP_QUICKACK
	SynCount   int  // TCP_SYNCNT
	// UserTimeout is how long data may stay unacknowledged, in milliseconds
	// (TCP_USER_TIMEOUT, RFC 5482).
	UserTimeout time.Duration
	WindowClamp int // TCP_WINDOW_CLAMP, in bytes
	// FastOpen accepts data in SYN (TCP_FASTOPEN, RFC 7413).
	FastOpen bool
	// FastOpenConnect sends data in SYN (TCP_FASTOPEN_CONNECT).
	FastOpenConnect bool
}

// UDP are the options of level IPPROTO_UDP. They are set on UDP sockets.
type UDP struct {
	Cork    bool // UDP_CORK
	Segment int  // UDP_SEGMENT, in bytes
	GRO     bool // UDP_GRO
}

// Control sets the options that fit network. It has the signature of the Control
// fields of net.ListenConfig and net.Dialer.
func (o *Options) Control(network, address string, c syscall.RawConn) error {
	if *o == (Options{}) {
		return nil
	}
	if o.known() != *o {
		return errUnsupported
	}
	s := setter{}
	err := c.Control(func(fd uintptr) {
		s.fd = descriptor(fd)
		s.so(&o.SO)
		if isTCP(network) || isUDP(network) {
			s.ip(&o.IP)
		}
		if isTCP(network) {
			s.tcp(&o.TCP)
		}
		if isUDP(network) {
			s.udp(&o.UDP)
		}
	})
	if err != nil {
		return err
	}
	return s.err
}

// errUnsupported is what Control fails with where an option can't be set.
var errUnsupported = errors.New("socket options are asked for that " + runtime.GOOS + " doesn't have, or that can't be set there")

// A setter sets options until one fails.
type setter struct {
	fd  descriptor
	err error
}

func (s *setter) set(name string, f func() error) {
	if s.err != nil {
		return
	}
	if err := f(); err != nil {
		s.err = fmt.Errorf("set socket option %s: %w", name, err)
	}
}

func (s *setter) int(name string, level, opt, value int) {
	if value != 0 {
		s.set(name, func() error { return setInt(s.fd, level, opt, value) })
	}
}

func (s *setter) flag(name string, level, opt int, on bool) {
	if on {
		s.int(name, level, opt, 1)
	}
}

func isTCP(network string) bool { return strings.HasPrefix(network, "tcp") }
func isUDP(network string) bool { return strings.HasPrefix(network, "udp") }

// seconds rounds up: an option of a fraction of a second is still an option.
func seconds(d time.Duration) int {
	if d > 0 {
		d += time.Second - 1
	}
	return int(d / time.Second)
}
