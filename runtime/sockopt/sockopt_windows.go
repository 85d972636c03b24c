package sockopt

import "syscall"

type descriptor syscall.Handle

func setInt(fd descriptor, level, opt, value int) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), level, opt, value)
}

// known are those of o that the system has.
func (o *Options) known() Options {
	return Options{
		SO: SO{
			Debug: o.SO.Debug, KeepAlive: o.SO.KeepAlive, Linger: o.SO.Linger,
			ReceiveBuffer: o.SO.ReceiveBuffer, SendBuffer: o.SO.SendBuffer, ReuseAddr: o.SO.ReuseAddr,
		},
		IP:  IP{TTL: o.IP.TTL},
		TCP: TCP{NoDelay: o.TCP.NoDelay},
	}
}

// debug is SO_DEBUG of winsock2.h, and ttl IP_TTL of ws2ipdef.h. Package syscall has neither.
const (
	debug = 0x1
	ttl   = 0x4
)

func (s *setter) so(o *SO) {
	s.flag("SO_DEBUG", syscall.SOL_SOCKET, debug, o.Debug)
	s.flag("SO_KEEPALIVE", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, o.KeepAlive)
	if o.Linger != 0 {
		l := syscall.Linger{Onoff: 1, Linger: int32(seconds(o.Linger))}
		if o.Linger < 0 {
			l = syscall.Linger{}
		}
		s.set("SO_LINGER", func() error {
			return syscall.SetsockoptLinger(syscall.Handle(s.fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &l)
		})
	}
	s.int("SO_RCVBUF", syscall.SOL_SOCKET, syscall.SO_RCVBUF, o.ReceiveBuffer)
	s.int("SO_SNDBUF", syscall.SOL_SOCKET, syscall.SO_SNDBUF, o.SendBuffer)
	s.flag("SO_REUSEADDR", syscall.SOL_SOCKET, syscall.SO_REUSEADDR, o.ReuseAddr)
}

func (s *setter) ip(o *IP) { s.int("IP_TTL", syscall.IPPROTO_IP, ttl, o.TTL) }

func (s *setter) tcp(o *TCP) {
	s.flag("TCP_NODELAY", syscall.IPPROTO_TCP, syscall.TCP_NODELAY, o.NoDelay)
}

func (s *setter) udp(*UDP) {}
