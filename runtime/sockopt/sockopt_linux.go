package sockopt

import (
	"time"

	"golang.org/x/sys/unix"
)

// fastOpenQueue is how many connections may wait with data in their SYN.
const fastOpenQueue = 256

type descriptor int

func setInt(fd descriptor, level, opt, value int) error {
	return unix.SetsockoptInt(int(fd), level, opt, value)
}

// known are those of o that the system has: all of them.
func (o *Options) known() Options { return *o }

func (s *setter) so(o *SO) {
	if o.BindToDevice != "" {
		s.set("SO_BINDTODEVICE", func() error { return unix.BindToDevice(int(s.fd), o.BindToDevice) })
	}
	s.flag("SO_DEBUG", unix.SOL_SOCKET, unix.SO_DEBUG, o.Debug)
	s.flag("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, o.KeepAlive)
	if o.Linger != 0 {
		l := unix.Linger{Onoff: 1, Linger: int32(seconds(o.Linger))}
		if o.Linger < 0 {
			l = unix.Linger{}
		}
		s.set("SO_LINGER", func() error { return unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &l) })
	}
	s.int("SO_MARK", unix.SOL_SOCKET, unix.SO_MARK, o.Mark)
	s.int("SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, o.ReceiveBuffer)
	s.int("SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer)
	s.int("SO_RCVBUFFORCE", unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, o.ReceiveBufferForce)
	s.int("SO_SNDBUFFORCE", unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, o.SendBufferForce)
	s.time("SO_RCVTIMEO", unix.SO_RCVTIMEO, o.ReceiveTimeout)
	s.time("SO_SNDTIMEO", unix.SO_SNDTIMEO, o.SendTimeout)
	s.flag("SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, o.ReuseAddr)
	s.flag("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, o.ReusePort)
}

func (s *setter) ip(o *IP) {
	s.flag("IP_BIND_ADDRESS_NO_PORT", unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, o.BindAddressNoPort)
	s.flag("IP_FREEBIND", unix.IPPROTO_IP, unix.IP_FREEBIND, o.FreeBind)
	s.int("IP_LOCAL_PORT_RANGE", unix.IPPROTO_IP, unix.IP_LOCAL_PORT_RANGE, o.LocalPortUpper<<16|o.LocalPortLower)
	s.flag("IP_TRANSPARENT", unix.IPPROTO_IP, unix.IP_TRANSPARENT, o.Transparent)
	s.int("IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, o.TTL)
}

func (s *setter) tcp(o *TCP) {
	const level = unix.IPPROTO_TCP
	s.flag("TCP_CORK", level, unix.TCP_CORK, o.Cork)
	s.int("TCP_DEFER_ACCEPT", level, unix.TCP_DEFER_ACCEPT, seconds(o.DeferAccept))
	s.int("TCP_KEEPCNT", level, unix.TCP_KEEPCNT, o.KeepCount)
	s.int("TCP_KEEPIDLE", level, unix.TCP_KEEPIDLE, seconds(o.KeepIdle))
	s.int("TCP_KEEPINTVL", level, unix.TCP_KEEPINTVL, seconds(o.KeepInterval))
	s.int("TCP_LINGER2", level, unix.TCP_LINGER2, seconds(o.Linger2))
	s.int("TCP_MAXSEG", level, unix.TCP_MAXSEG, o.MaxSegment)
	s.flag("TCP_NODELAY", level, unix.TCP_NODELAY, o.NoDelay)
	s.flag("TCP_QUICKACK", level, unix.TCP_QUICKACK, o.QuickAck)
	s.int("TCP_SYNCNT", level, unix.TCP_SYNCNT, o.SynCount)
	s.int("TCP_USER_TIMEOUT", level, unix.TCP_USER_TIMEOUT, int(o.UserTimeout.Milliseconds()))
	s.int("TCP_WINDOW_CLAMP", level, unix.TCP_WINDOW_CLAMP, o.WindowClamp)
	if o.FastOpen {
		s.int("TCP_FASTOPEN", level, unix.TCP_FASTOPEN, fastOpenQueue)
	}
	s.flag("TCP_FASTOPEN_CONNECT", level, unix.TCP_FASTOPEN_CONNECT, o.FastOpenConnect)
}

func (s *setter) udp(o *UDP) {
	s.flag("UDP_CORK", unix.IPPROTO_UDP, unix.UDP_CORK, o.Cork)
	s.int("UDP_SEGMENT", unix.IPPROTO_UDP, unix.UDP_SEGMENT, o.Segment)
	s.flag("UDP_GRO", unix.IPPROTO_UDP, unix.UDP_GRO, o.GRO)
}

func (s *setter) time(name string, opt int, d time.Duration) {
	if d != 0 {
		tv := unix.NsecToTimeval(d.Nanoseconds())
		s.set(name, func() error { return unix.SetsockoptTimeval(int(s.fd), unix.SOL_SOCKET, opt, &tv) })
	}
}
