package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

// HTTP3Config is the configuration of HTTP/3 of a server. It needs a tlsConfig, as there is no HTTP/3 in the clear.
//
// WebSocket, and other upgrades that begin with an extended CONNECT (RFC 9220), are passed on as those of HTTP/1.1 are.
// A request that arrives before the handshake is over, with allow0RTT, may be a copy that somebody has recorded (RFC 8470): GET, HEAD, OPTIONS and TRACE are
// answered nevertheless, with "Early-Data: 1" for the upstream, which may answer 425; others wait for the handshake, and get a 425 if it takes longer than 5 s.
type HTTP3Config struct {
	// QuicConfig is the configuration of QUIC.
	QuicConfig *QuicConfig `json:"quicConfig"`
	// TLSConfig is the TLS configuration. The protocol is always h3, the version TLS 1.3.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// MaxHeaderBytes is how large the head of a request may be, in bytes. Larger ones are refused with 431. The default is 8192, as documented; 0 or less is 1 MiB. (In AILERON Gateway, 1 MiB is the default.)
	MaxHeaderBytes int32 `json:"maxHeaderBytes"`
	// AltSvc is the value of an Alt-Svc header on each response (RFC 7838). It takes precedence over that of httpConfig.
	AltSvc string `json:"altSvc" format:"header-value"`
}

// SetDefaults sets what the documentation promises.
func (s *HTTP3Config) SetDefaults() { s.MaxHeaderBytes = 8192 }

// HTTP3TransportConfig is the configuration of a client of HTTP/3. All upstreams must be https ones; no proxy is used.
// There is one connection to an upstream, and more if it allows fewer requests at a time than there are, or than 100. Where nobody listens, the answer
// is 502 at once; where packets get lost, 504 after the handshakeIdleTimeout.
//
// WebSocket, and other upgrades, become an extended CONNECT (RFC 9220), if the upstream takes them.
type HTTP3TransportConfig struct {
	// TLSConfig is the TLS configuration. The protocol is always h3, the version TLS 1.3.
	TLSConfig *TLSConfig `json:"tlsConfig" alt:"TLSConfig"`
	// QuicConfig is the configuration of QUIC.
	QuicConfig *QuicConfig `json:"quicConfig"`
	// DisableCompression keeps the client from asking for gzip, and decoding it, where a request has no Accept-Encoding.
	DisableCompression bool `json:"disableCompression"`
	// EnableDatagrams takes datagrams of HTTP (RFC 9297), and those of QUIC that they come in, of upgraded requests: they are passed on as the capsules that stand for them on other connections.
	EnableDatagrams bool `json:"enableDatagrams" fixed:"true"`
	// MaxResponseHeaderBytes is how large the head of a response may be, in bytes, 32 more counted for each field. 0 or less is 10 MiB.
	MaxResponseHeaderBytes int64 `json:"maxResponseHeaderBytes"`
}

// QuicVersion is a version of QUIC.
type QuicVersion string

// Values lists the versions in the order of their numbers.
func (QuicVersion) Values() []string { return []string{"Version1", "Version2"} }

// QuicConfig is a configuration of QUIC, of a server or of a client. A number of 0 stands for the default, and so does a negative one unless it's said otherwise.
type QuicConfig struct {
	// Versions are the versions that are spoken, the preferred one first: Version1 (RFC 9000) and Version2 (RFC 9369). The default is both.
	Versions []QuicVersion `json:"versions" unique:"true"`
	// HandshakeIdleTimeout is how long the other side may be silent during the handshake, in milliseconds. As a whole it may take twice as long. The default is 5000.
	HandshakeIdleTimeout int64 `json:"handshakeIdleTimeout" max:"9000000000000"`
	// MaxIdleTimeout is how long the other side may be silent later, in milliseconds. The shorter one of both sides holds. The default is 30000.
	MaxIdleTimeout int64 `json:"maxIdleTimeout" max:"9000000000000"`
	// InitialStreamReceiveWindow is how much the other side may send of a new body before any of it is read, in bytes. The default is 512 KiB.
	InitialStreamReceiveWindow uint64 `json:"initialStreamReceiveWindow"`
	// MaxStreamReceiveWindow is what that may grow to if it's read fast. The default is 6 MiB.
	MaxStreamReceiveWindow uint64 `json:"maxStreamReceiveWindow"`
	// InitialConnectionReceiveWindow is the same as initialStreamReceiveWindow, for all bodies of a connection together. The default is 512 KiB.
	InitialConnectionReceiveWindow uint64 `json:"initialConnectionReceiveWindow"`
	// MaxConnectionReceiveWindow is what that may grow to. The default is 15 MiB.
	MaxConnectionReceiveWindow uint64 `json:"maxConnectionReceiveWindow"`
	// MaxIncomingStreams is how many requests a client may have open on a connection. A negative number is none. The default is 100.
	MaxIncomingStreams int64 `json:"maxIncomingStreams"`
	// MaxIncomingUniStreams is how many streams in one direction the other side may open. HTTP/3 needs three. A negative number is none. The default is 100.
	MaxIncomingUniStreams int64 `json:"maxIncomingUniStreams"`
	// KeepAlivePeriod is the silence after which a packet is sent so that the connection stays, in milliseconds. The default is to send none.
	KeepAlivePeriod int64 `json:"keepAlivePeriod" max:"9000000000000"`
	// DisablePathMTUDiscovery keeps packets at the size that every path takes.
	DisablePathMTUDiscovery bool `json:"disablePathMTUDiscovery"`
	// Allow0RTT lets clients that come back send requests along with the handshake, which saves them a round trip. Mind that somebody else can send them again: see HTTP3Config.
	Allow0RTT bool `json:"allow0RTT"`
	// EnableDatagrams takes datagrams (RFC 9221), and those of HTTP (RFC 9297) that come in them, of upgraded requests: they are passed on as the capsules that stand for them on other connections.
	EnableDatagrams bool `json:"enableDatagrams"`
}

// lowerHTTP3 returns the server of HTTP/3.
func (s *HTTPServerSpec) lowerHTTP3(l *Lower, handler ir.Expr) ir.Expr {
	h3, http := s.HTTP3Config, &s.HTTPConfig
	altSvc := &http.AltSvc
	if h3.AltSvc != "" || l.Deferred(&h3.AltSvc) {
		altSvc = &h3.AltSvc
	}
	options := l.Struct("http3server.Options",
		ir.Set("Listen", http.ListenConfig.lowerHTTP3(l, l.String(&s.Addr), h3.TLSConfig.lowerServer(l))),
		ir.Set("QUIC", h3.QuicConfig.lower(l, nil)),
		// Those of HTTP/1.1 are no defaults here: AILERON Gateway has none, and there are streams that last.
		ir.Set("ReadTimeout", l.ifSet(&http.ReadTimeout, l.Seconds(&http.ReadTimeout))),
		ir.Set("WriteTimeout", l.ifSet(&http.WriteTimeout, l.Seconds(&http.WriteTimeout))),
		ir.Set("IdleTimeout", l.ifSet(&http.IdleTimeout, l.Seconds(&http.IdleTimeout))),
		ir.Set("ShutdownTimeout", l.Seconds(&s.ShutdownTimeout)),
		ir.Set("MaxHeaderBytes", l.Int(&h3.MaxHeaderBytes)),
		ir.Set("GeneralOptions", l.Bool(&http.EnableGeneralOptionsHandler)),
		ir.Set("AltSvc", l.String(altSvc)),
		ir.Set("Errors", l.Link.Errors(l)),
		ir.Set("Logger", l.Logger()),
	)
	// What has no effect isn't asked for, but may come from the environment nevertheless.
	_, _, _ = l.Seconds(&http.ReadHeaderTimeout), l.Int(&http.MaxHeaderBytes), l.String(&http.AltSvc)
	_, _ = l.Bool(&http.DisableKeepAlive), l.Bool(&http.AllowHTTP2)
	if s.HTTP2Config != nil {
		_, _ = s.HTTP2Config.lower(l), l.String(&s.HTTP2Config.AltSvc)
	}
	return l.Call("http3server.New", options, handler)
}

// lowerHTTP3 returns listen.Options for UDP.
func (s *ListenConfig) lowerHTTP3(l *Lower, addr, tls ir.Expr) ir.Expr {
	if s == nil {
		return l.Struct("listen.Options", ir.Set("Addr", addr), ir.Set("TLS", tls))
	}
	_, _, _ = l.String(&s.Addr), s.TLSConfig.lower(l), s.KeepAliveConfig.lower(l)
	return l.Struct("listen.Options",
		ir.Set("Addr", addr),
		ir.Set("TLS", tls),
		ir.Set("ConnectionLimit", l.Int(&s.ConnectionLimit)),
		ir.Set("Networks", l.Strings(s.Networks)),
		ir.Set("ReadDeadline", l.Millis(&s.ReadDeadline)),
		ir.Set("WriteDeadline", l.Millis(&s.WriteDeadline)),
		ir.Set("Socket", s.SockOption.lowerUDP(l)),
	)
}

// lowerUDP is lower without what is not for QUIC.
func (s *SockOption) lowerUDP(l *Lower) ir.Expr {
	if s == nil {
		return nil
	}
	_, _, _ = s.TCPOption.lower(l), l.Bool(&s.UDPOption.CORK), l.Int(&s.UDPOption.Segment)
	return l.structOrNil("sockopt.Options",
		ir.Set("SO", s.SOOption.lower(l)),
		ir.Set("IP", s.IPOption.lower(l)),
		ir.Set("UDP", l.structOrNil("sockopt.UDP", ir.Set("GRO", l.Bool(&s.UDPOption.GRO)))),
	)
}

func (t *HTTP3TransportConfig) lower(l *Lower) ir.Expr {
	var datagrams ir.Expr
	if t.EnableDatagrams {
		datagrams = ir.Bool(true)
	}
	return l.Call("http3transport.New", l.Struct("http3transport.Options",
		ir.Set("TLS", t.TLSConfig.lower(l)),
		ir.Set("QUIC", t.QuicConfig.lower(l, datagrams)),
		ir.Set("MaxResponseHeaderBytes", l.Int64(&t.MaxResponseHeaderBytes)),
	))
}

// lower returns quicconf.Options, or nil. datagrams, if it isn't nil, stands for enableDatagrams.
func (q *QuicConfig) lower(l *Lower, datagrams ir.Expr) ir.Expr {
	if q == nil {
		return l.structOrNil("quicconf.Options", ir.Set("EnableDatagrams", datagrams))
	}
	versions := ir.List{Elem: ir.Runtime("quicconf.Version")}
	for _, v := range q.Versions {
		versions.Items = append(versions.Items, ir.Runtime("quicconf."+string(v)))
	}
	own := l.Bool(&q.EnableDatagrams)
	if datagrams == nil {
		datagrams = own
	}
	return l.structOrNil("quicconf.Options",
		ir.Set("Versions", versions),
		ir.Set("HandshakeIdleTimeout", l.Millis(&q.HandshakeIdleTimeout)),
		ir.Set("MaxIdleTimeout", l.Millis(&q.MaxIdleTimeout)),
		ir.Set("InitialStreamReceiveWindow", l.Int64(&q.InitialStreamReceiveWindow)),
		ir.Set("MaxStreamReceiveWindow", l.Int64(&q.MaxStreamReceiveWindow)),
		ir.Set("InitialConnectionReceiveWindow", l.Int64(&q.InitialConnectionReceiveWindow)),
		ir.Set("MaxConnectionReceiveWindow", l.Int64(&q.MaxConnectionReceiveWindow)),
		ir.Set("MaxIncomingStreams", l.Int64(&q.MaxIncomingStreams)),
		ir.Set("MaxIncomingUniStreams", l.Int64(&q.MaxIncomingUniStreams)),
		ir.Set("KeepAlivePeriod", l.Millis(&q.KeepAlivePeriod)),
		ir.Set("DisablePathMTUDiscovery", l.Bool(&q.DisablePathMTUDiscovery)),
		ir.Set("Allow0RTT", l.Bool(&q.Allow0RTT)),
		ir.Set("EnableDatagrams", datagrams),
	)
}
