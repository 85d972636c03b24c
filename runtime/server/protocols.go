package server

import (
	"net"
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// setProtocols chooses the versions of HTTP, and what ALPN (RFC 7301) offers.
func (s *Server) setProtocols() {
	h2, p := s.options.HTTP2, new(http.Protocols)
	p.SetHTTP1(true)
	s.http.Protocols = p
	s.options.Listen.TLS = tlsconf.WithProtocols(s.options.Listen.TLS, h2 != nil)
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
	// net/http has one IdleTimeout for both versions. For HTTP/2 it is read once,
	// when the first Serve sets HTTP/2 up, for HTTP/1.1 at each wait.
	http1 := s.http.IdleTimeout
	if h2.IdleTimeout > 0 {
		s.http.IdleTimeout = h2.IdleTimeout
	}
	_ = s.http.Serve(noListener{})
	s.http.IdleTimeout = http1
	s.checkFrames()
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
