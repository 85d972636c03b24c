package server

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/listen"
)

// setProtocols chooses the versions of HTTP, and what ALPN (RFC 7301) offers.
func (s *Server) setProtocols() {
	h2, p := s.options.HTTP2, new(http.Protocols)
	p.SetHTTP1(true)
	s.http.Protocols = p
	s.options.Listen.TLS = withProtocols(s.options.Listen.TLS, h2 != nil)
	if h2 == nil {
		return
	}
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(h2.H2C)
	s.http.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          h2.MaxConcurrentStreams,
		MaxDecoderHeaderTableSize:     h2.MaxDecoderHeaderTableSize,
		MaxEncoderHeaderTableSize:     h2.MaxEncoderHeaderTableSize,
		MaxReadFrameSize:              h2.MaxReadFrameSize,
		MaxReceiveBufferPerConnection: h2.MaxReceiveBufferPerConnection,
		MaxReceiveBufferPerStream:     h2.MaxReceiveBufferPerStream,
		PermitProhibitedCipherSuites:  h2.PermitProhibitedCipherSuites,
	}
	if h2.IdleTimeout > 0 && h2.IdleTimeout != s.http.IdleTimeout {
		// net/http has one IdleTimeout for both versions. For HTTP/2 it is read once,
		// when the first Serve sets HTTP/2 up, for HTTP/1.1 at each wait.
		http1 := s.http.IdleTimeout
		s.http.IdleTimeout = h2.IdleTimeout
		_ = s.http.Serve(noListener{})
		s.http.IdleTimeout = http1
	}
}

// withProtocols puts the protocols that the server speaks into the list of c, and takes
// those out that it doesn't; HTTP/2 comes first unless the list says otherwise. A server of
// HTTP/1.1 alone that lists nothing takes no part in ALPN, so that no client is turned
// away for what it offers.
func withProtocols(c *tls.Config, http2 bool) *tls.Config {
	if c == nil {
		return nil
	}
	protos := slices.DeleteFunc(slices.Clone(c.NextProtos), func(p string) bool { return p == "h2" && !http2 })
	if http2 && !slices.Contains(protos, "h2") {
		protos = slices.Insert(protos, 0, "h2")
	}
	if http2 && !slices.Contains(protos, "http/1.1") {
		protos = append(protos, "http/1.1")
	}
	c = c.Clone()
	c.NextProtos = protos
	return c
}

// noListener has no connections.
type noListener struct{}

func (noListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (noListener) Close() error              { return nil }
func (noListener) Addr() net.Addr            { return &net.TCPAddr{} }

// pauseReads suspends the read deadline of the listener while a request is being
// served: net/http reads all the time to learn that the client has gone.
func pauseReads(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateActive:
		listen.PauseReads(c, true)
	case http.StateIdle:
		listen.PauseReads(c, false)
	}
}
