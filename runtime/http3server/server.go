// Package http3server is the engine that serves HTTP/3 (RFC 9114), over quic-go. It turns each request into an
// exchange, has a gateway.Handler answer it, and sends the response; what it does with exchanges is what
// package server does.
//
// WebSocket, and other protocols that begin with an extended CONNECT (RFC 9220), reach the handler as the
// GET with Upgrade that they would be in HTTP/1.1, and a 101 (Switching Protocols) is their consent.
//
// Requests that come before the handshake is over (0-RTT, if [quicconf.Options] allow it) may be copies that
// somebody has recorded (RFC 8470): those of methods that aren't safe wait for the handshake; the others reach the
// upstream with "Early-Data: 1".
package http3server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/quicconf"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// Options configure a server. A duration of 0 is no limit.
type Options struct {
	// Listen says where to listen, on UDP: Addr is "host:port", or that behind "udp://", "udp4://" or "udp6://".
	// TLS must be set; its protocols are those of HTTP/3, whatever NextProtos says. Beyond ConnectionLimit, 32 connections
	// wait, and further ones are refused. ReadDeadline and WriteDeadline hold for each read of a request's body and
	// each write of a response. KeepAlive isn't looked at: see QUIC.
	Listen listen.Options
	// QUIC are the options of the connections.
	QUIC quicconf.Options
	// ReadTimeout is how long reading the body of a request may take.
	ReadTimeout time.Duration
	// WriteTimeout is how long answering may take, from the end of the request's head.
	// Upgraded requests are exempt.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may be without a request, however often the client shows that it's there.
	// A request counts when its head has come as a whole.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long running exchanges may go on after the context of
	// Run has ended.
	ShutdownTimeout time.Duration
	// MaxHeaderBytes is the size of the largest head of a request that is accepted. Larger ones are
	// answered by 431 (RFC 6585, section 5). 0 is 1 MiB.
	MaxHeaderBytes int
	// GeneralOptions answers "OPTIONS *" (RFC 9110, section 9.3.7) by 200. Otherwise the handler sees it.
	GeneralOptions bool
	// AltSvc is the Alt-Svc field (RFC 7838) of all responses; empty for none.
	AltSvc string
	// Errors makes the responses of refused exchanges. Nil answers with nothing but a status.
	Errors gateway.ErrorHandler
	// Logger is told when the server starts and stops. Nil is nobody.
	Logger gateway.Logger
}

// A Server serves HTTP/3 on one UDP socket.
type Server struct {
	options   Options
	engine    *server.Engine
	http      *http3.Server
	socket    *socket
	transport *quic.Transport
	listener  *acceptor
}

// New returns a server whose requests h answers. It isn't listening yet.
func New(o Options, h gateway.Handler) *Server {
	s := &Server{options: o}
	s.engine = server.NewEngine(&server.Options{
		Listen:         listen.Options{ReadDeadline: o.Listen.ReadDeadline},
		ReadTimeout:    o.ReadTimeout,
		MaxHeaderBytes: o.MaxHeaderBytes,
		GeneralOptions: o.GeneralOptions,
		AltSvc:         o.AltSvc,
		Errors:         o.Errors,
		Logger:         o.Logger,
	}, guard{h})
	s.http = &http3.Server{
		Handler:         s,
		EnableDatagrams: o.QUIC.EnableDatagrams,
		ConnContext:     s.newConn,
	}
	if o.MaxHeaderBytes > 0 {
		// The engine refuses what is too large as it does everything else; quic-go resets the stream
		// behind a bare 431. It counts 32 bytes more for each field (RFC 9114, section 4.2.2).
		s.http.MaxHeaderBytes = o.MaxHeaderBytes + headerSlack
	}
	return s
}

const headerSlack = 8 << 10

var errNoTLS = errors.New("HTTP/3 needs TLS")

// Listen binds the address. Run does it, too, if it has not been done.
func (s *Server) Listen() error {
	if err := s.listen(); err != nil {
		return fmt.Errorf("listen on %q: %w", s.options.Listen.Addr, err)
	}
	return nil
}

func (s *Server) listen() error {
	o := &s.options
	if o.Listen.TLS == nil {
		return errNoTLS
	}
	networks, err := listen.ParseNetworks(o.Listen.Networks)
	if err != nil {
		return err
	}
	socket, err := openSocket(&o.Listen, networks)
	if err != nil {
		return err
	}
	t := &quic.Transport{Conn: socket.conn(), VerifySourceAddress: new(flood).suspects}
	config := quicconf.New(o.QUIC)
	if len(networks) > 0 {
		config.GetConfigForClient = func(i *quic.ClientInfo) (*quic.Config, error) {
			if !isAllowed(networks, i.RemoteAddr) {
				return nil, errNetwork
			}
			return config, nil
		}
	}
	l, err := newListener(t, http3.ConfigureTLSConfig(o.Listen.TLS), config)
	if err == nil {
		err = socket.keepBuffers(&o.Listen.Socket) // of which quic-go has its own opinion
	}
	if err != nil {
		_ = t.Close()
		_ = socket.Close()
		return err
	}
	s.socket, s.transport = socket, t
	s.listener = newAcceptor(l, o.Listen.ConnectionLimit)
	return nil
}

// Addr is the address that the server listens on, nil before Listen.
func (s *Server) Addr() net.Addr {
	if s.socket == nil {
		return nil
	}
	return s.socket.LocalAddr()
}

// Close gives the address back of a server that won't run.
func (s *Server) Close() error {
	if s.socket == nil {
		return nil
	}
	_ = s.listener.Close()
	_ = s.transport.Close()
	return s.socket.Close()
}

// Run answers requests until ctx ends. Then it accepts no more connections, tells clients to send no more requests
// (GOAWAY), gives the running exchanges ShutdownTimeout to end, and cuts off what is left.
// It returns an error only if serving has failed.
func (s *Server) Run(ctx context.Context) error {
	if s.socket == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	addr := s.socket.LocalAddr().String()
	s.log(gateway.LevelInfo, "server started. listening on "+addr+" (UDP)")
	served := make(chan error, 1)
	go func() { served <- s.http.ServeListener(s.listener) }()
	select {
	case err := <-served:
		if ctx.Err() == nil {
			s.cut()
			return fmt.Errorf("serve on %s: %w", addr, err)
		}
		served <- err
	case <-ctx.Done():
	}
	s.log(gateway.LevelInfo, "server is shutting down. listening ended on "+addr+" (UDP)")
	_ = s.listener.Close()
	err := <-served
	// Only now: while connections are still accepted, http3.Server miscounts those that it waits for.
	if s.drain() != nil {
		s.log(gateway.LevelWarn, "exchanges were cut off at the end of the shutdown timeout on "+addr)
	}
	s.cut()
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	return nil
}

// partingTime is how long clients may take to get the last bytes and to close their connections, when no
// exchange is running any more.
const partingTime = time.Second

// drain waits until all exchanges have ended, as long as they may.
func (s *Server) drain() error {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if d := s.options.ShutdownTimeout; d > 0 {
		ctx, cancel = context.WithTimeout(ctx, d)
	}
	defer cancel()
	parted := make(chan struct{})
	go func() { // it ends at the latest when cut closes the connections
		_ = s.http.Shutdown(context.Background())
		close(parted)
	}()
	if err := s.engine.Wait(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(partingTime)
	defer timer.Stop()
	select {
	case <-parted:
		return nil
	case <-timer.C:
	}
	return s.engine.Wait(ctx) // for what has come in between
}

// settleTime is how long exchanges that have been cut off may take to clean up.
const settleTime = time.Second

// cut ends all exchanges that are still running, and the connections.
func (s *Server) cut() {
	_ = s.listener.Close()
	closed := make(chan struct{})
	go func() {
		_ = s.http.Close() // waits for the handlers
		close(closed)
	}()
	s.engine.CloseTunnels()
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
	_ = s.transport.Close()
	_ = s.socket.Close()
}

func (s *Server) log(level gateway.Level, msg string) {
	if l := s.options.Logger; l != nil && l.Enabled(level) {
		l.Log(nil, level, msg)
	}
}
