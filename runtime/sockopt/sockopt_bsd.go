//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package sockopt

import (
	"time"

	"golang.org/x/sys/unix"
)

type descriptor int

func setInt(fd descriptor, level, opt, value int) error {
	return unix.SetsockoptInt(int(fd), level, opt, value)
}

// known are those of o that the system has.
func (o *Options) known() Options {
	return Options{
		SO: SO{
			Debug: o.SO.Debug, KeepAlive: o.SO.KeepAlive, Linger: o.SO.Linger, ReceiveBuffer: o.SO.ReceiveBuffer, SendBuffer: o.SO.SendBuffer,
			ReceiveTimeout: o.SO.ReceiveTimeout, SendTimeout: o.SO.SendTimeout, ReuseAddr: o.SO.ReuseAddr, ReusePort: o.SO.ReusePort,
		},
		IP:  IP{TTL: o.IP.TTL},
		TCP: TCP{MaxSegment: o.TCP.MaxSegment, NoDelay: o.TCP.NoDelay},
	}
}

func (s *setter) so(o *SO) {
	s.flag("SO_DEBUG", unix.SOL_SOCKET, unix.SO_DEBUG, o.Debug)
	s.flag("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, o.KeepAlive)
	if o.Linger != 0 {
		l := unix.Linger{Onoff: 1, Linger: int32(seconds(o.Linger))}
		if o.Linger < 0 {
			l = unix.Linger{}
		}
		s.set("SO_LINGER", func() error { return unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &l) })
	}
	s.int("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer)
	s.int("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer)
	s.time("SO_RCVTIMEO", unix.SO_RCVTIMEO, o.ReceiveTimeout)
	s.time("SO_SNDTIMEO", unix.SO_SNDTIMEO, o.SendTimeout)
	s.flag("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, o.ReuseAddr)
	s.flag("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, o.ReusePort)
}

func (s *setter) ip(o *IP) { s.int("IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, o.TTL) }

func (s *setter) tcp(o *TCP) {
	s.int("TCP_MAXSEG", unix.IPPROTO_TCP, unix.TCP_MAXSEG, o.MaxSegment)
	s.flag("TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, o.NoDelay)
}

func (s *setter) udp(*UDP) {}

func (s *setter) time(name string, opt int, d time.Duration) {
	if d != 0 {
		tv := unix.NsecToTimeval(d.Nanoseconds())
		s.set(name, func() error { return unix.SetsockoptTimeval(int(s.fd), unix.SOL_SOCKET, opt, &tv) })
	}
}
