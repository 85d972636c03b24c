package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// A Server serves HTTP/1.1 and HTTP/1.0 on one listener.
type Server struct {
	options  ServerOptions
	handler  gateway.Handler
	tls      *tls.Config // nil in the clear
	listener net.Listener
	http2    *handover // nil without HTTP/2

	draining atomic.Bool
	watching atomic.Bool
	ended    chan struct{} // closed when Run returns

	mu    sync.Mutex
	conns map[*conn]struct{}
	empty chan struct{} // told, while draining, that conns is empty
}

// NewServer returns a server whose requests h answers. It isn't listening yet.
func NewServer(o ServerOptions, h gateway.Handler) *Server {
	s := &Server{
		handler: h,
		tls:     tlsconf.WithProtocols(o.Listen.TLS, o.HTTP2 != nil),
		ended:   make(chan struct{}),
		conns:   make(map[*conn]struct{}),
		empty:   make(chan struct{}, 1),
	}
	if o.ReadHeaderTimeout <= 0 {
		o.ReadHeaderTimeout = o.ReadTimeout
	}
	if o.MaxHeaderBytes <= 0 {
		o.MaxHeaderBytes = 1 << 20
	}
	s.options = o
	return s
}

// Listen binds the address. Run does it, too, if it has not been done.
func (s *Server) Listen() error {
	o := s.options.Listen
	o.TLS, o.ReadDeadline, o.WriteDeadline = nil, 0, 0 // those are the connections' own business
	l, err := listen.Listen(context.Background(), o)
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
	defer close(s.ended)
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	addr := s.listener.Addr().String()
	s.log(gateway.LevelInfo, "server started. listening on "+addr)
	other := s.serveHTTP2(ctx)
	failed := make(chan error, 1)
	go func() { failed <- s.accept() }()
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve on %s: %w", addr, err)
	case <-ctx.Done():
		s.log(gateway.LevelInfo, "server is shutting down. listening ended on "+addr)
		s.draining.Store(true)
		_ = s.listener.Close()
		<-failed
		if !s.drain() {
			s.log(gateway.LevelWarn, "exchanges were cut off at the end of the shutdown timeout on "+addr)
		}
	}
	s.cut()
	if s.http2 != nil {
		s.http2.Close()
		err = errors.Join(err, <-other)
	}
	return err
}

// accept serves connections until the listener is closed.
func (s *Server) accept() error {
	const longest = time.Second
	pause := time.Duration(0)
	for {
		c, err := s.listener.Accept()
		if err == nil {
			pause = 0
			s.add(c)
			continue
		}
		if s.draining.Load() || errors.Is(err, net.ErrClosed) {
			return err
		}
		// Too many open files, say. Those who wait in the queue will not go away by trying at once.
		pause = min(max(2*pause, 5*time.Millisecond), longest)
		s.log(gateway.LevelError, "a connection could not be accepted: "+err.Error())
		time.Sleep(pause)
	}
}

func (s *Server) add(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.draining.Load() {
		select {
		case s.empty <- struct{}{}:
		default:
		}
	}
	s.mu.Unlock()
}

// newcomers is how long a client that has connected, but not asked yet, is waited for when the server stops. Its
// request may be under way.
const newcomers = 500 * time.Millisecond

// drain waits until all connections have ended, as long as they may, and reports whether they have.
func (s *Server) drain() bool {
	s.mu.Lock()
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()
	return s.wait(s.options.ShutdownTimeout)
}

// wait waits until there are no connections; with d of 0, for ever.
func (s *Server) wait(d time.Duration) bool {
	var end <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		end = t.C
	}
	for {
		s.mu.Lock()
		n := len(s.conns)
		s.mu.Unlock()
		if n == 0 {
			return true
		}
		select {
		case <-s.empty:
		case <-end:
			return false
		}
	}
}

// settleTime is how long exchanges that have been cut off may take to clean up.
const settleTime = time.Second

// cut ends all exchanges that are still running.
func (s *Server) cut() {
	s.draining.Store(true)
	s.mu.Lock()
	for c := range s.conns {
		c.cut()
	}
	s.mu.Unlock()
	s.wait(settleTime)
}

func (s *Server) log(level gateway.Level, msg string) {
	if l := s.options.Logger; l != nil && l.Enabled(level) {
		l.Log(nil, level, msg)
	}
}
