package wire

import (
	"context"
	"net"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// ServerOptions configure a Server. A timeout of 0 is none.
type ServerOptions struct {
	// Listen says where to listen; its TLS is that of the server.
	Listen listen.Options
	// ReadTimeout is how long reading a request may take, body included.
	ReadTimeout time.Duration
	// ReadHeaderTimeout is how long reading the head of a request may take, from its first byte on, or
	// from the beginning of the connection for the first one; a TLS handshake may take as long. Not set, ReadTimeout holds.
	ReadHeaderTimeout time.Duration
	// WriteTimeout is how long the answer may take, from the end of the request's head on.
	// Upgraded connections are exempt.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long running exchanges may go on after the context of
	// Run has ended.
	ShutdownTimeout time.Duration
	// MaxHeaderBytes is the size of the largest head of a request that is accepted, the request line
	// included. Larger ones are answered by 431 (RFC 6585, section 5). 0 is 1 MiB.
	MaxHeaderBytes int
	// DisableKeepAlive closes connections after one request.
	DisableKeepAlive bool
	// GeneralOptions answers "OPTIONS *" (RFC 9110, section 9.3.7) by 200. Otherwise the handler sees it.
	GeneralOptions bool
	// AltSvc is the Alt-Svc field (RFC 7838) of all responses; empty for none.
	AltSvc string
	// HTTP2 serves the connections on which a client chooses HTTP/2. Nil is nobody: it isn't offered.
	HTTP2 HTTP2
	// Errors makes the responses of refused exchanges. Nil answers with nothing but a status.
	Errors gateway.ErrorHandler
	// Logger is told when the server starts and stops, and what goes wrong before
	// there is an exchange. Nil is nobody.
	Logger gateway.Logger
}

// An HTTP2 serves connections in HTTP/2, in the stead of a Server.
type HTTP2 interface {
	// Cleartext reports whether clients without TLS may begin in HTTP/2, with prior
	// knowledge (RFC 9113, section 3.3).
	Cleartext() bool
	// Upgrade returns how a request without a body, on a cleartext connection, is answered that asks for HTTP/2 (RFC 7540, section
	// 3.2), and the frames that it becomes there. Without an answer it's a request of HTTP/1.1.
	Upgrade(r *gateway.Request) (answer string, frames []byte)
	// Serve has h answer the requests on the connections of l, as o says, until ctx ends. Then it drains as
	// [Server.Run] does. Connections with TLS come as *tls.Conn, the handshake done.
	Serve(ctx context.Context, l net.Listener, o *ServerOptions, h gateway.Handler) error
}

// TransportOptions configure a Transport, which speaks HTTP/1.1. The proxies of the environment
// (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) apply.
type TransportOptions struct {
	// TLS is used for https upstreams.
	TLS tlsconf.Options
	// TLSHandshakeTimeout is how long a handshake may take; 0 is no limit.
	TLSHandshakeTimeout time.Duration
	// DisableKeepAlives opens a connection for each request.
	DisableKeepAlives bool
	// MaxIdleConns is how many idle connections are kept in all; 0 is no limit.
	MaxIdleConns int
	// MaxIdleConnsPerHost is how many idle connections are kept to one upstream; 0 is 1024, and with a
	// negative number none is.
	MaxIdleConnsPerHost int
	// MaxConnsPerHost is how many connections there are to one upstream, idle, in use
	// and dialling; requests beyond it wait. 0 is no limit.
	MaxConnsPerHost int
	// IdleConnTimeout is how long an idle connection is kept; 0 is for ever.
	IdleConnTimeout time.Duration
	// ResponseHeaderTimeout is how long the upstream may take to answer once the request
	// is sent in full; 0 is no limit.
	ResponseHeaderTimeout time.Duration
	// ExpectContinueTimeout is how long the body of a request with Expect: 100-continue
	// waits for the upstream's word (RFC 9110, section 10.1.1). 0 sends it at once.
	ExpectContinueTimeout time.Duration
	// MaxResponseHeaderBytes is the greatest size of a response's head; 0 is 10 MiB.
	MaxResponseHeaderBytes int64
	// Dial says how connections are opened.
	Dial dial.Options
}
