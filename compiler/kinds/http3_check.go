package kinds

import (
	"errors"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// checkHTTP3 reports what a server of HTTP/3 can't do, and what has no effect on one.
func (s *HTTPServerSpec) checkHTTP3(c *Check) {
	h3 := s.HTTP3Config
	if !c.Deferred(&s.Addr) {
		if err := checkListenUDP(s.Addr); err != nil {
			c.Errorf(&s.Addr, diag.BadAddress, "the address %q can't be listened on for HTTP/3: %v", s.Addr, err)
		}
	}
	if h3.TLSConfig == nil {
		c.Errorf(h3, diag.MissingField, "http3Config needs a tlsConfig with certKeyPairs: there is no HTTP/3 in the clear")
	}
	h3.TLSConfig.checkServer(c)
	h3.TLSConfig.checkQUIC(c)
	h3.QuicConfig.check(c)
	if q := h3.QuicConfig; q != nil && q.MaxIncomingStreams < 0 {
		c.Warnf(&q.MaxIncomingStreams, diag.NoEffect, "with %d requests allowed on a connection, none comes in", q.MaxIncomingStreams)
	}
	if s.HTTP2Config != nil {
		c.Warnf(s.HTTP2Config, diag.NoEffect, "http2Config has no effect: with http3Config the server speaks HTTP/3 alone; another HTTPServer can have the same addr, for TCP")
	}
	s.HTTPConfig.checkHTTP3(c)
}

// checkHTTP3 reports what of httpConfig has no effect on a server of HTTP/3.
func (s *HTTPConfig) checkHTTP3(c *Check) {
	const alone = "has no effect: with http3Config the server speaks HTTP/3 alone"
	if c.IsSet(&s.ReadHeaderTimeout) {
		c.Warnf(&s.ReadHeaderTimeout, diag.NoEffect, "readHeaderTimeout has no effect on HTTP/3; idleTimeout ends connections on which no head comes to its end")
	}
	if c.IsSet(&s.MaxHeaderBytes) {
		c.Warnf(&s.MaxHeaderBytes, diag.NoEffect, "maxHeaderBytes has no effect on HTTP/3; that of http3Config is used")
	}
	if s.DisableKeepAlive {
		c.Warnf(&s.DisableKeepAlive, diag.NoEffect, "disableKeepAlive %s, which has several requests at a time on a connection", alone)
	}
	if s.AllowHTTP2 {
		c.Warnf(&s.AllowHTTP2, diag.NoEffect, "allowHTTP2 %s", alone)
	}
	if s.ListenConfig != nil {
		s.ListenConfig.checkHTTP3(c, alone)
	}
}

func (s *ListenConfig) checkHTTP3(c *Check, alone string) {
	if s.Addr != "" {
		c.Warnf(&s.Addr, diag.NoEffect, "this addr %s, and listens on the addr of the server", alone)
	}
	if s.TLSConfig != nil {
		c.Warnf(&s.TLSConfig, diag.NoEffect, "this tlsConfig %s; that of http3Config is used", alone)
	}
	if s.KeepAliveConfig != nil {
		c.Warnf(&s.KeepAliveConfig, diag.NoEffect, "keepAliveConfig is for TCP; keepAlivePeriod in quicConfig is for HTTP/3")
	}
	o := s.SockOption
	if o == nil {
		return
	}
	if c.IsSet(&o.TCPOption) {
		c.Warnf(&o.TCPOption, diag.NoEffect, "tcpOption has no effect on HTTP/3, which is spoken over UDP")
	}
	if o.UDPOption.CORK {
		c.Warnf(&o.UDPOption.CORK, diag.NoEffect, "cork isn't set: it would hold the packets of QUIC back")
	}
	if o.UDPOption.Segment != 0 {
		c.Warnf(&o.UDPOption.Segment, diag.NoEffect, "segment isn't set: it would cut the packets of QUIC up, which has the system segment each write by the size that the path takes")
	}
}

var errUDP = errors.New("HTTP/3 is spoken over UDP: it must be host:port, which may stand behind udp://, udp4:// or udp6://")

// checkListenUDP returns an error if HTTP/3 can't be listened for on addr.
func checkListenUDP(addr string) error {
	network, address, ok := strings.Cut(addr, "://")
	if ok {
		switch network {
		case "udp", "udp4", "udp6":
			addr = address
		default:
			return errUDP
		}
	}
	return checkListenAddr(addr)
}

// checkQUIC reports what has no effect on TLS within QUIC, or can't be.
func (t *TLSConfig) checkQUIC(c *Check) {
	if t == nil {
		return
	}
	const tls13 = 772
	if t.MaxVersion != 0 && t.MaxVersion < tls13 {
		c.Errorf(&t.MaxVersion, diag.OutOfRange, "maxVersion is %d, but QUIC needs TLS 1.3, which is 772", t.MaxVersion)
	}
	if len(t.TLSCiphers) > 0 {
		c.Warnf(&t.TLSCiphers, diag.NoEffect, "tlsCipher has no effect on QUIC: the suites of TLS 1.3 are always on, and there are no others")
	}
	for i := range t.NextProtos {
		if t.NextProtos[i] != "h3" {
			c.Warnf(&t.NextProtos[i], diag.NoEffect, "the protocol %s has no effect here: it's always h3", t.NextProtos[i])
		}
	}
	if t.DynamicRecordSizingDisabled {
		c.Warnf(&t.DynamicRecordSizingDisabled, diag.NoEffect, "there are no records in QUIC")
	}
	if t.Renegotiation != "" && t.Renegotiation != "RenegotiateNever" {
		c.Warnf(&t.Renegotiation, diag.NoEffect, "there is no renegotiation in TLS 1.3")
	}
}

// check reports what HTTP/3 doesn't work with, on either side.
func (q *QuicConfig) check(c *Check) {
	if q == nil {
		return
	}
	const needed = "HTTP/3 needs 3 streams in one direction (RFC 9114, section 6.2), more than the maxIncomingUniStreams of %d"
	switch n := q.MaxIncomingUniStreams; {
	case n < 0:
		c.Errorf(&q.MaxIncomingUniStreams, diag.OutOfRange, needed, n)
	case 0 < n && n < 3: // some do with one
		c.Warnf(&q.MaxIncomingUniStreams, diag.OutOfRange, needed, n)
	}
	for _, w := range []struct {
		initial, highest *uint64
		name             string
	}{
		{&q.InitialStreamReceiveWindow, &q.MaxStreamReceiveWindow, "maxStreamReceiveWindow"},
		{&q.InitialConnectionReceiveWindow, &q.MaxConnectionReceiveWindow, "maxConnectionReceiveWindow"},
	} {
		if *w.highest != 0 && *w.initial > *w.highest && !c.Deferred(w.highest) {
			c.Warnf(w.initial, diag.NoEffect, "%d is more than %s, so that %d is used", *w.initial, w.name, *w.highest)
		}
	}
}

// check reports what a client of HTTP/3 can't do, and what has no effect on one.
func (t *HTTP3TransportConfig) check(c *Check) {
	t.TLSConfig.checkClient(c)
	t.TLSConfig.checkQUIC(c)
	q := t.QuicConfig
	q.check(c)
	if q == nil {
		return
	}
	if q.MaxIncomingStreams > 0 {
		c.Warnf(&q.MaxIncomingStreams, diag.NoEffect, "maxIncomingStreams has no effect on the side of a client: servers begin no requests in HTTP/3")
	}
	if q.Allow0RTT {
		c.Warnf(&q.Allow0RTT, diag.NoEffect, "allow0RTT has no effect on the side of a client: it sends no request before the handshake is over")
	}
	switch {
	case t.EnableDatagrams && !q.EnableDatagrams && c.IsSet(&q.EnableDatagrams):
		c.Errorf(&t.EnableDatagrams, diag.ConflictingFields, "datagrams of HTTP come in those of QUIC, which quicConfig switches off")
	case !t.EnableDatagrams && q.EnableDatagrams && c.IsSet(&t.EnableDatagrams):
		c.Warnf(&q.EnableDatagrams, diag.NoEffect, "without datagrams of HTTP, which enableDatagrams switches off, those of QUIC have no effect")
	}
}
