package kinds

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// SockOption are options of sockets. Linux has all of them, other systems only some: one that the system doesn't have for which the gateway is built
// is refused. (AILERON Gateway ignores it.) What is 0, false or empty stays as the system has it.
type SockOption struct {
	// SOOption are options of all sockets, see socket(7).
	SOOption SockSOOption `json:"soOption" alt:"SOOption"`
	// IPOption are options of IPv4, see ip(7).
	IPOption SockIPOption `json:"ipOption" alt:"IPOption"`
	// IPV6Option are options of IPv6. There are none.
	IPV6Option SockIPV6Option `json:"ipv6Option" alt:"IPV6Option"`
	// TCPOption are options of TCP, see tcp(7).
	TCPOption SockTCPOption `json:"tcpOption" alt:"TCPOption"`
	// UDPOption are options of UDP, see udp(7). They have no effect on TCP sockets.
	UDPOption SockUDPOption `json:"udpOption" alt:"UDPOption"`
}

// SockSOOption are options of all sockets.
type SockSOOption struct {
	// BindToDevice is the name of the network interface to use (SO_BINDTODEVICE).
	BindToDevice string `json:"bindToDevice" os:"linux"`
	// Debug sets SO_DEBUG.
	Debug bool `json:"debug" os:"linux bsd windows"`
	// KeepAlive sets SO_KEEPALIVE.
	KeepAlive bool `json:"keepAlive" os:"linux bsd windows"`
	// Linger is how long closing waits for data to be sent, in seconds (SO_LINGER). Negative switches it off.
	Linger int32 `json:"linger" os:"linux bsd windows"`
	// Mark is the mark of packets (SO_MARK).
	Mark int32 `json:"mark" os:"linux"`
	// ReceiveBuffer is the size of the receive buffer, in bytes (SO_RCVBUF).
	ReceiveBuffer int32 `json:"receiveBuffer" os:"linux bsd windows"`
	// ReceiveBufferForce is receiveBuffer without regard to the limits of the system (SO_RCVBUFFORCE).
	ReceiveBufferForce int32 `json:"receiveBufferForce" os:"linux"`
	// ReceiveTimeout is SO_RCVTIMEO, in milliseconds.
	ReceiveTimeout int32 `json:"receiveTimeout" os:"linux bsd"`
	// SendTimeout is SO_SNDTIMEO, in milliseconds.
	SendTimeout int32 `json:"sendTimeout" os:"linux bsd"`
	// ReuseAddr sets SO_REUSEADDR.
	ReuseAddr bool `json:"reuseAddr" os:"linux bsd windows"`
	// ReusePort lets several processes listen on one port (SO_REUSEPORT).
	ReusePort bool `json:"reusePort" os:"linux bsd"`
	// SendBuffer is the size of the send buffer, in bytes (SO_SNDBUF).
	SendBuffer int32 `json:"sendBuffer" os:"linux bsd windows"`
	// SendBufferForce is sendBuffer without regard to the limits of the system (SO_SNDBUFFORCE).
	SendBufferForce int32 `json:"sendBufferForce" os:"linux"`
}

// SockIPOption are options of IPv4.
type SockIPOption struct {
	// BindAddressNoPort sets IP_BIND_ADDRESS_NO_PORT.
	BindAddressNoPort bool `json:"bindAddressNoPort" os:"linux"`
	// FreeBind allows addresses that the system doesn't have (IP_FREEBIND).
	FreeBind bool `json:"freeBind" os:"linux"`
	// LocalPortRangeUpper is the highest port for outgoing connections (IP_LOCAL_PORT_RANGE, Linux 6.3).
	LocalPortRangeUpper int32 `json:"localPortRangeUpper" min:"0" max:"65535" os:"linux"`
	// LocalPortRangeLower is the lowest port for outgoing connections.
	LocalPortRangeLower int32 `json:"localPortRangeLower" min:"0" max:"65535" os:"linux"`
	// Transparent sets IP_TRANSPARENT.
	Transparent bool `json:"transparent" os:"linux"`
	// TTL is the time to live of packets (IP_TTL).
	TTL int32 `json:"ttl" alt:"TTL" os:"linux bsd windows"`
}

// SockIPV6Option are options of IPv6.
type SockIPV6Option struct{}

// SockTCPOption are options of TCP.
type SockTCPOption struct {
	// CORK sets TCP_CORK.
	CORK bool `json:"cork" alt:"CORK" os:"linux"`
	// DeferAccept is how long a connection without data may wait before it's accepted, in seconds (TCP_DEFER_ACCEPT).
	DeferAccept int32 `json:"deferAccept" os:"linux"`
	// KeepCount is how many probes may stay unanswered (TCP_KEEPCNT).
	KeepCount int32 `json:"keepCount" os:"linux"`
	// KeepIdle is the time until the first probe, in seconds (TCP_KEEPIDLE).
	KeepIdle int32 `json:"keepIdle" os:"linux"`
	// KeepInterval is the time between probes, in seconds (TCP_KEEPINTVL).
	KeepInterval int32 `json:"keepInterval" os:"linux"`
	// Linger2 is how long half-closed connections are kept, in seconds (TCP_LINGER2).
	Linger2 int32 `json:"linger2" os:"linux"`
	// MaxSegment is the greatest segment size, in bytes (TCP_MAXSEG).
	MaxSegment int32 `json:"maxSegment" os:"linux bsd"`
	// NoDelay sets TCP_NODELAY, which is on anyway.
	NoDelay bool `json:"noDelay" os:"linux bsd windows"`
	// QuickAck sets TCP_QUICKACK.
	QuickAck bool `json:"quickAck" os:"linux"`
	// SynCount is how often SYN is sent (TCP_SYNCNT).
	SynCount int32 `json:"synCount" os:"linux"`
	// UserTimeout is how long data may stay unacknowledged, in milliseconds (TCP_USER_TIMEOUT).
	UserTimeout int32 `json:"userTimeout" os:"linux"`
	// WindowClamp bounds the window, in bytes (TCP_WINDOW_CLAMP).
	WindowClamp int32 `json:"windowClamp" os:"linux"`
	// FastOpen accepts data with SYN (TCP_FASTOPEN).
	FastOpen bool `json:"fastOpen" os:"linux"`
	// FastOpenConnect sends data with SYN (TCP_FASTOPEN_CONNECT).
	FastOpenConnect bool `json:"fastOpenConnect" os:"linux"`
}

// SockUDPOption are options of UDP.
type SockUDPOption struct {
	// CORK sets UDP_CORK.
	CORK bool `json:"cork" alt:"CORK" os:"linux"`
	// Segment is UDP_SEGMENT, in bytes.
	Segment int32 `json:"segment" os:"linux"`
	// GRO sets UDP_GRO.
	GRO bool `json:"gro" alt:"GRO" os:"linux"`
}

// check reports options that the system doesn't have, or doesn't take.
func (s *SockOption) check(c *Check) {
	if s == nil {
		return
	}
	for _, part := range []any{&s.SOOption, &s.IPOption, &s.TCPOption, &s.UDPOption} {
		c.checkSystem(part)
	}
	ip := &s.IPOption
	if ip.TTL < 0 || ip.TTL > 255 {
		c.Errorf(&ip.TTL, diag.OutOfRange, "ttl is %d; it's from 1 to 255", ip.TTL)
	}
	if lo, hi := ip.LocalPortRangeLower, ip.LocalPortRangeUpper; hi != 0 && hi < lo && !c.Deferred(&ip.LocalPortRangeUpper) {
		c.Errorf(&ip.LocalPortRangeLower, diag.OutOfRange, "localPortRangeLower is %d, but localPortRangeUpper is %d", lo, hi)
	}
}

// lower returns sockopt.Options, or nil if nothing is set.
func (s *SockOption) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	return l.structOrNil("sockopt.Options",
		ir.Set("SO", s.SOOption.lower(l)),
		ir.Set("IP", s.IPOption.lower(l)),
		ir.Set("TCP", s.TCPOption.lower(l)),
		ir.Set("UDP", s.UDPOption.lower(l)),
	)
}

func (s *SockSOOption) lower(l *Lower) ir.Expr {
	return l.structOrNil("sockopt.SO",
		ir.Set("BindToDevice", l.String(&s.BindToDevice)),
		ir.Set("Debug", l.Bool(&s.Debug)),
		ir.Set("KeepAlive", l.Bool(&s.KeepAlive)),
		ir.Set("Linger", l.Seconds(&s.Linger)),
		ir.Set("Mark", l.Int(&s.Mark)),
		ir.Set("ReceiveBuffer", l.Int(&s.ReceiveBuffer)),
		ir.Set("SendBuffer", l.Int(&s.SendBuffer)),
		ir.Set("ReceiveBufferForce", l.Int(&s.ReceiveBufferForce)),
		ir.Set("SendBufferForce", l.Int(&s.SendBufferForce)),
		ir.Set("ReceiveTimeout", l.Millis(&s.ReceiveTimeout)),
		ir.Set("SendTimeout", l.Millis(&s.SendTimeout)),
		ir.Set("ReuseAddr", l.Bool(&s.ReuseAddr)),
		ir.Set("ReusePort", l.Bool(&s.ReusePort)),
	)
}

func (s *SockIPOption) lower(l *Lower) ir.Expr {
	return l.structOrNil("sockopt.IP",
		ir.Set("BindAddressNoPort", l.Bool(&s.BindAddressNoPort)),
		ir.Set("FreeBind", l.Bool(&s.FreeBind)),
		ir.Set("LocalPortLower", l.Int(&s.LocalPortRangeLower)),
		ir.Set("LocalPortUpper", l.Int(&s.LocalPortRangeUpper)),
		ir.Set("Transparent", l.Bool(&s.Transparent)),
		ir.Set("TTL", l.Int(&s.TTL)),
	)
}

func (s *SockTCPOption) lower(l *Lower) ir.Expr {
	return l.structOrNil("sockopt.TCP",
		ir.Set("Cork", l.Bool(&s.CORK)),
		ir.Set("DeferAccept", l.Seconds(&s.DeferAccept)),
		ir.Set("KeepCount", l.Int(&s.KeepCount)),
		ir.Set("KeepIdle", l.Seconds(&s.KeepIdle)),
		ir.Set("KeepInterval", l.Seconds(&s.KeepInterval)),
		ir.Set("Linger2", l.Seconds(&s.Linger2)),
		ir.Set("MaxSegment", l.Int(&s.MaxSegment)),
		ir.Set("NoDelay", l.Bool(&s.NoDelay)),
		ir.Set("QuickAck", l.Bool(&s.QuickAck)),
		ir.Set("SynCount", l.Int(&s.SynCount)),
		ir.Set("UserTimeout", l.Millis(&s.UserTimeout)),
		ir.Set("WindowClamp", l.Int(&s.WindowClamp)),
		ir.Set("FastOpen", l.Bool(&s.FastOpen)),
		ir.Set("FastOpenConnect", l.Bool(&s.FastOpenConnect)),
	)
}

func (s *SockUDPOption) lower(l *Lower) ir.Expr {
	return l.structOrNil("sockopt.UDP",
		ir.Set("Cork", l.Bool(&s.CORK)),
		ir.Set("Segment", l.Int(&s.Segment)),
		ir.Set("GRO", l.Bool(&s.GRO)),
	)
}

// structOrNil is Struct, but nil if no field is set, so that it isn't printed.
func (l *Lower) structOrNil(typ string, fields ...ir.Field) ir.Expr {
	if !slices.ContainsFunc(fields, func(f ir.Field) bool { return !ir.IsZero(f.Value) }) {
		return nil
	}
	return l.Struct(typ, fields...)
}
