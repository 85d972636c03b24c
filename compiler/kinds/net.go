package kinds

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// ListenConfig says how connections are accepted.
type ListenConfig struct {
	// TLSConfig makes the connections TLS ones.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// Addr is the address to listen on: host:port, which may stand behind tcp://, tcp4:// or tcp6://, or a path behind unix:// or unixpacket://,
	// where @name is an abstract socket of Linux. It takes precedence over the addr of the server. The file of a unix socket that a killed gateway left is replaced. (AILERON Gateway fails then.)
	Addr string `json:"addr"`
	// ConnectionLimit is how many connections may be open. Further ones wait. 0 is no limit. (So it is in AILERON Gateway, whose documentation says 1024.)
	ConnectionLimit int32 `json:"connectionLimit"`
	// Networks are the networks that may connect, as address/length. Others are disconnected at once. Empty stands for all.
	Networks []string `json:"networks" unique:"true" format:"cidr"`
	// ReadDeadline is how long a client may be silent while it's expected to send, in milliseconds. 0 is no limit.
	// (In AILERON Gateway it's the lifetime of a connection, whatever happens on it.)
	ReadDeadline int32 `json:"readDeadline"`
	// WriteDeadline is how long a client may take to accept data, for each write, in milliseconds. 0 is no limit.
	// (In AILERON Gateway it's the lifetime of a connection.)
	WriteDeadline int32 `json:"writeDeadline"`
	// KeepAliveConfig are the keep-alive probes of TCP.
	KeepAliveConfig *KeepAliveConfig `json:"keepAliveConfig"`
	// SockOption are options of the listening socket, most of which the connections inherit.
	SockOption *SockOption `json:"sockOption"`
}

// KeepAliveConfig are the keep-alive probes of TCP. Negative numbers leave what the system has.
type KeepAliveConfig struct {
	// Disable sends no probes.
	Disable bool `json:"disable"`
	// Idle is the time until the first probe, in seconds. 0 is 15.
	Idle int32 `json:"idle"`
	// Interval is the time between probes, in seconds. 0 is 15.
	Interval int32 `json:"interval"`
	// Count is how many unanswered probes end a connection. 0 is 9.
	Count int32 `json:"count"`
}

// HTTP2Config is the configuration of HTTP/2 of a server. A number that is 0 or out of its range stands for the default.
type HTTP2Config struct {
	// MaxConcurrentStreams is how many requests a client may have open on a connection. The default is 250.
	MaxConcurrentStreams uint32 `json:"maxConcurrentStreams"`
	// MaxDecoderHeaderTableSize is the size of the table for decoding headers, in bytes. The default is 4096.
	MaxDecoderHeaderTableSize uint32 `json:"maxDecoderHeaderTableSize"`
	// MaxEncoderHeaderTableSize is the greatest size of the table for encoding headers, in bytes. The default is 4096.
	MaxEncoderHeaderTableSize uint32 `json:"maxEncoderHeaderTableSize"`
	// MaxReadFrameSize is the largest frame that is accepted, 16384 to 16777215 bytes. The default is 1 MiB.
	MaxReadFrameSize uint32 `json:"maxReadFrameSize"`
	// PermitProhibitedCipherSuites accepts cipher suites that HTTP/2 forbids (RFC 9113, appendix A).
	PermitProhibitedCipherSuites bool `json:"permitProhibitedCipherSuites"`
	// IdleTimeout is how long a connection may be idle, in seconds. The default is the idleTimeout of httpConfig.
	IdleTimeout uint32 `json:"idleTimeout"`
	// MaxUploadBufferPerConnection is the flow-control window of a connection, 65535 bytes or more. The default is 1 MiB.
	MaxUploadBufferPerConnection int32 `json:"maxUploadBufferPerConnection"`
	// MaxUploadBufferPerStream is the flow-control window of a request, in bytes. The default is 1 MiB.
	MaxUploadBufferPerStream int32 `json:"maxUploadBufferPerStream"`
	// EnableH2C serves HTTP/2 on cleartext connections, too, to clients that begin with it (prior knowledge) and to those
	// that ask for it by an Upgrade from HTTP/1.1 (RFC 7540, section 3.2), in a request without a body.
	EnableH2C bool `json:"enableH2C"`
	// AltSvc is the value of an Alt-Svc header on each response (RFC 7838). It takes precedence over that of httpConfig. (AILERON Gateway doesn't send it.)
	AltSvc string `json:"altSvc" format:"header-value"`
}

// check reports what has no effect. addr is the field that says where to listen.
func (s *HTTPConfig) check(c *Check, addr *string) {
	s.ListenConfig.check(c, addr)
	if s.AllowHTTP2 && s.tls() == nil {
		c.Warnf(&s.AllowHTTP2, diag.NoEffect, "allowHTTP2 has no effect without a tlsConfig in listenConfig")
	}
}

// tls is the TLS configuration of the listener, or nil.
func (s *HTTPConfig) tls() *TLSConfig {
	if s.ListenConfig == nil {
		return nil
	}
	return s.ListenConfig.TLSConfig
}

// knowsPeers reports whether not everybody can connect.
func (s *HTTPConfig) knowsPeers() bool {
	t := s.tls()
	return s.ListenConfig != nil && len(s.ListenConfig.Networks) > 0 || t != nil && t.ClientAuth == "RequireAndVerifyClientCert"
}

// check reports what can't be listened on. addr is the field that says where to.
func (s *ListenConfig) check(c *Check, addr *string) {
	if s == nil {
		return
	}
	s.TLSConfig.checkServer(c)
	s.SockOption.check(c)
	if len(s.Networks) > 0 && strings.HasPrefix(*addr, "unix") {
		c.Errorf(&s.Networks, diag.ConflictingFields, "clients of a unix socket come from no network; limit them by the permissions of its folder")
	}
}

// check reports HTTP/2 that nobody can choose. tls is nil if the server has none.
func (s *HTTP2Config) check(c *Check, tls *TLSConfig) {
	if s == nil {
		return
	}
	if tls == nil && !s.EnableH2C && !c.Deferred(&s.EnableH2C) {
		c.Warnf(s, diag.NoEffect, "http2Config has no effect: there is no tlsConfig to negotiate HTTP/2 with, and enableH2C isn't set")
	}
	for _, f := range []struct {
		field     any
		value, lo int64
		hi        int64
	}{
		{&s.MaxReadFrameSize, int64(s.MaxReadFrameSize), 1 << 14, 1<<24 - 1},
		{&s.MaxUploadBufferPerConnection, int64(s.MaxUploadBufferPerConnection), 1<<16 - 1, 1<<31 - 1},
		{&s.MaxUploadBufferPerStream, int64(s.MaxUploadBufferPerStream), 1, 1<<31 - 1},
	} {
		if f.value != 0 && (f.value < f.lo || f.value > f.hi) {
			c.Warnf(f.field, diag.NoEffect, "%d is out of the range of %d to %d, so that the default is used", f.value, f.lo, f.hi)
		}
	}
}

// checkListenAddr returns an error if nothing can listen on addr.
func checkListenAddr(addr string) error {
	network, address, ok := strings.Cut(addr, "://")
	if !ok {
		network, address = "tcp", addr
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	case "unix", "unixpacket":
		if address == "" {
			return errors.New("the path of the unix socket is missing")
		}
		return nil
	default:
		return fmt.Errorf("there's no network %q; it must be tcp, tcp4, tcp6, unix or unixpacket", network)
	}
	if address == "" {
		return nil // a free port
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if e, ok := err.(*net.AddrError); ok {
		return errors.New(e.Err)
	}
	if e, ok := err.(*net.DNSError); ok {
		return fmt.Errorf("%s %s", e.Err, e.Name)
	}
	return err
}

// isLocal reports whether only processes of the same machine get to a listening address.
func isLocal(addr string) bool {
	network, address, ok := strings.Cut(addr, "://")
	if !ok {
		network, address = "tcp", addr
	}
	if strings.HasPrefix(network, "unix") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	ip, parseErr := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || parseErr == nil && ip.IsLoopback())
}

// lower returns listen.Options for the address addr.
func (s *ListenConfig) lower(l *Lower, addr ir.Expr) ir.Expr {
	if s == nil {
		return l.Struct("listen.Options", ir.Set("Addr", addr))
	}
	return l.Struct("listen.Options",
		ir.Set("Addr", addr),
		ir.Set("TLS", s.TLSConfig.lowerServer(l)),
		ir.Set("ConnectionLimit", l.Int(&s.ConnectionLimit)),
		ir.Set("Networks", l.Strings(s.Networks)),
		ir.Set("ReadDeadline", l.Millis(&s.ReadDeadline)),
		ir.Set("WriteDeadline", l.Millis(&s.WriteDeadline)),
		ir.Set("KeepAlive", s.KeepAliveConfig.lower(l)),
		ir.Set("Socket", s.SockOption.lower(l)),
	)
}

func (s *KeepAliveConfig) lower(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	return l.structOrNil("listen.KeepAlive",
		ir.Set("Disable", l.Bool(&s.Disable)),
		ir.Set("Idle", l.Seconds(&s.Idle)),
		ir.Set("Interval", l.Seconds(&s.Interval)),
		ir.Set("Count", l.Int(&s.Count)),
	)
}

// lower returns *server.HTTP2.
func (s *HTTP2Config) lower(l *Lower) ir.Expr {
	return ir.Struct{Type: ir.Runtime("server.HTTP2"), Pointer: true, Fields: []ir.Field{
		ir.Set("H2C", l.Bool(&s.EnableH2C)),
		ir.Set("MaxConcurrentStreams", l.Int(&s.MaxConcurrentStreams)),
		ir.Set("MaxDecoderHeaderTableSize", l.Int(&s.MaxDecoderHeaderTableSize)),
		ir.Set("MaxEncoderHeaderTableSize", l.Int(&s.MaxEncoderHeaderTableSize)),
		ir.Set("MaxReadFrameSize", l.Int(&s.MaxReadFrameSize)),
		ir.Set("MaxReceiveBufferPerConnection", l.Int(&s.MaxUploadBufferPerConnection)),
		ir.Set("MaxReceiveBufferPerStream", l.Int(&s.MaxUploadBufferPerStream)),
		ir.Set("IdleTimeout", l.Seconds(&s.IdleTimeout)),
		ir.Set("PermitProhibitedCipherSuites", l.Bool(&s.PermitProhibitedCipherSuites)),
	}}
}
