// Package server is the engine that serves HTTP/1.1 and HTTP/2 over net/http. It
// turns each request into an exchange, has a gateway.Handler answer it, and sends the
// response.
//
// It knows nothing of middleware. It recovers panics, hands errors to the error
// handler, and never lets a client take a body that was cut off for a whole one.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
)

// Options configure a server. A duration of 0 is no limit.
type Options struct {
	// Listen says where to listen, with or without TLS. Its NextProtos are completed
	// by the protocols that the server speaks.
	Listen listen.Options
	// ReadTimeout is how long reading a request may take, with its body, and
	// ReadHeaderTimeout how long its head; without one, ReadTimeout holds for the head.
	ReadTimeout, ReadHeaderTimeout time.Duration
	// WriteTimeout is how long answering may take, from the end of the request's head.
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
	// HTTP2 switches on HTTP/2: beside HTTP/1.1 over TLS, if Listen.TLS is set. Nil is off.
	HTTP2 *HTTP2
	// Errors makes the responses of refused exchanges. Nil answers with nothing but a status.
	Errors gateway.ErrorHandler
	// Logger is told when the server starts and stops, and what goes wrong before
	// there is an exchange. Nil is nobody.
	Logger gateway.Logger
}

// HTTP2 configures HTTP/2 (RFC 9113). The zero value means the defaults of net/http.
type HTTP2 struct {
	// H2C accepts HTTP/2 on cleartext connections, too, with prior knowledge (RFC 9113, section 3.3) and by an Upgrade (RFC 7540,
	// section 3.2).
	H2C bool
	// MaxConcurrentStreams is how many streams a client may have open on a
	// connection; 250 by default.
	MaxConcurrentStreams int
	// MaxDecoderHeaderTableSize and MaxEncoderHeaderTableSize bound the tables of
	// HPACK, in bytes; 4096 by default.
	MaxDecoderHeaderTableSize, MaxEncoderHeaderTableSize int
	// MaxReadFrameSize is the largest frame that is accepted, 16 KiB to 16 MiB; 1 MiB by default.
	MaxReadFrameSize int
	// MaxReceiveBufferPerConnection and MaxReceiveBufferPerStream are the initial
	// flow-control windows, in bytes; 1 MiB by default.
	MaxReceiveBufferPerConnection, MaxReceiveBufferPerStream int
	// IdleTimeout replaces Options.IdleTimeout on HTTP/2 connections. 0 doesn't.
	IdleTimeout time.Duration
	// PermitProhibitedCipherSuites accepts the suites of RFC 9113, appendix A.
	PermitProhibitedCipherSuites bool
}

// A Server serves HTTP on one listener.
type Server struct {
	options  Options
	engine   *Engine
	http     *http.Server
	listener net.Listener
	cancel   context.CancelFunc // ends all exchanges
	base     context.Context    // that of all requests
	upgraded func(net.Conn, http.Handler)
}

// New returns a server whose requests h answers. It isn't listening yet.
func New(o Options, h gateway.Handler) *Server {
	base, cancel := context.WithCancel(context.Background())
	s := &Server{options: o, engine: NewEngine(&o, h), cancel: cancel, base: base}
	s.http = &http.Server{
		Handler:                      s.engine,
		DisableGeneralOptionsHandler: true, // the engine answers, Alt-Svc included
		ReadTimeout:                  o.ReadTimeout,
		ReadHeaderTimeout:            o.ReadHeaderTimeout,
		WriteTimeout:                 o.WriteTimeout,
		IdleTimeout:                  limit(o.IdleTimeout),
		MaxHeaderBytes:               o.MaxHeaderBytes,
		ErrorLog:                     newErrorLog(o.Logger),
		BaseContext:                  func(net.Listener) context.Context { return base },
	}
	if o.Listen.ReadDeadline > 0 {
		s.http.ConnState = pauseReads
	}
	s.http.SetKeepAlivesEnabled(!o.DisableKeepAlive)
	s.setProtocols()
	return s
}

// limit tells net/http, which would take ReadTimeout instead of 0, that there is no limit.
func limit(d time.Duration) time.Duration {
	if d <= 0 {
		return -1
	}
	return d
}

// Listen binds the address. Run does it, too, if it has not been done.
func (s *Server) Listen() error {
	l, err := listen.Listen(context.Background(), s.options.Listen)
	if err != nil {
		return err
	}
	s.listener = l
	return nil
}

// Addr is the address that the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Close gives the address back of a server that won't run.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// Run answers requests until ctx ends. Then it closes the listener, gives the running
// exchanges and upgraded connections ShutdownTimeout to end, and cuts off what is left.
// It returns an error only if serving has failed.
func (s *Server) Run(ctx context.Context) error {
	defer s.cancel()
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	addr := s.listener.Addr().String()
	s.log(gateway.LevelInfo, "server started. listening on "+addr)
	return s.serve(ctx, func() { s.log(gateway.LevelInfo, "server is shutting down. listening ended on "+addr) })
}

// serve is Run on a listener that is there. It calls draining when ctx has ended.
func (s *Server) serve(ctx context.Context, draining func()) error {
	defer s.cancel()
	addr := s.listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		if ctx.Err() == nil {
			s.cut()
			return fmt.Errorf("serve on %s: %w", addr, err)
		}
		served <- err // who ends ctx may close the listener, too
	case <-ctx.Done():
	}
	draining()
	if err := s.drain(); err != nil {
		s.log(gateway.LevelWarn, "exchanges were cut off at the end of the shutdown timeout on "+addr)
	}
	s.cut()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	return nil
}

// drain waits until all exchanges have ended, as long as they may.
func (s *Server) drain() error {
	ctx := context.Background()
	if d := s.options.ShutdownTimeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	for {
		// Shutdown looks for connections that have become idle ever more rarely, up to
		// twice a second. Begun anew, it looks often, and the end isn't late.
		round, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		err := s.http.Shutdown(round)
		cancel()
		if ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return s.engine.Wait(ctx) // upgraded connections, which net/http has let go
}

// settleTime is how long exchanges that have been cut off may take to clean up.
const settleTime = time.Second

// cut ends all exchanges that are still running. Their connections end first: what a handler makes of the end of
// its context may get to one client and not to another.
func (s *Server) cut() {
	_ = s.http.Close()
	s.engine.CloseTunnels()
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	_ = s.engine.Wait(ctx)
}

func (s *Server) log(level gateway.Level, msg string) {
	if l := s.options.Logger; l != nil && l.Enabled(level) {
		l.Log(nil, level, msg)
	}
}
