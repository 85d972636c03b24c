package http3server

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// newListener returns a listener whose connections have their handshake behind them, unless requests may come earlier.
func newListener(t *quic.Transport, c *tls.Config, config *quic.Config) (http3.QUICListener, error) {
	if config.Allow0RTT {
		return t.ListenEarly(c, config)
	}
	return t.Listen(c, config)
}

// An acceptor accepts as many connections as may be open. Others wait in the queue of quic-go, which
// refuses those that find it full.
type acceptor struct {
	http3.QUICListener
	slots  chan struct{} // one element for each open connection; nil without a limit
	closed chan struct{}
	once   sync.Once
}

func newAcceptor(l http3.QUICListener, limit int) *acceptor {
	a := &acceptor{QUICListener: l, closed: make(chan struct{})}
	if limit > 0 {
		a.slots = make(chan struct{}, limit)
	}
	return a
}

// Accept returns the next connection, as soon as there may be another one.
func (a *acceptor) Accept(ctx context.Context) (*quic.Conn, error) {
	if a.slots == nil {
		return a.QUICListener.Accept(ctx)
	}
	select {
	case a.slots <- struct{}{}:
	case <-a.closed:
		return nil, quic.ErrServerClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, err := a.QUICListener.Accept(ctx)
	if err != nil {
		<-a.slots
		return nil, err
	}
	context.AfterFunc(c.Context(), func() { <-a.slots })
	return c, nil
}

// Close refuses further connections, and those that wait.
func (a *acceptor) Close() (err error) {
	a.once.Do(func() {
		close(a.closed)
		err = a.QUICListener.Close()
		if a.slots == nil {
			return
		}
		for {
			c, err := a.QUICListener.Accept(context.Background())
			if err != nil {
				return
			}
			_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		}
	})
	return err
}

// maxUnverified is how many handshakes may begin in a second before clients have to show that they get what is sent
// to the address that they say they are at (RFC 9000, section 8.1.2). It costs them a round trip.
const maxUnverified = 500

// A flood counts handshakes.
type flood struct {
	second atomic.Int64
	begun  atomic.Int64
}

// suspects reports whether the address of a client has to be verified.
func (f *flood) suspects(net.Addr) bool {
	now := time.Now().Unix()
	if f.second.Swap(now) != now {
		f.begun.Store(0)
	}
	return f.begun.Add(1) > maxUnverified
}

// A conn is a connection of a client.
type conn struct {
	quic *quic.Conn
	each time.Duration // how long it may be without a request; 0 is for ever

	mu      sync.Mutex
	running int         // exchanges
	timer   *time.Timer // nil without a limit
}

// connKey is the key of the conn in the context of a request.
type connKey struct{}

// newConn returns the context of the requests on a connection.
func (s *Server) newConn(ctx context.Context, q *quic.Conn) context.Context {
	c := &conn{quic: q, each: s.options.IdleTimeout}
	if c.each > 0 {
		c.timer = time.AfterFunc(c.each, c.closeIdle)
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(q.Context(), func() {
		cancel(goneError(context.Cause(q.Context()).Error()))
		if c.timer != nil {
			c.timer.Stop()
		}
	})
	return context.WithValue(ctx, connKey{}, c)
}

// A goneError is the end of a connection. It isn't the one of quic-go: that a client has fallen silent must not be
// taken for somebody else's delay.
type goneError string

func (e goneError) Error() string { return "the connection has ended: " + string(e) }

// begin and end stand around an exchange.
func (c *conn) begin() {
	if c.timer == nil {
		return
	}
	c.mu.Lock()
	c.running++
	c.timer.Stop()
	c.mu.Unlock()
}

func (c *conn) end() {
	if c.timer == nil {
		return
	}
	c.mu.Lock()
	if c.running--; c.running == 0 {
		c.timer.Reset(c.each)
	}
	c.mu.Unlock()
}

func (c *conn) closeIdle() {
	c.mu.Lock()
	idle := c.running == 0
	c.mu.Unlock()
	if idle {
		_ = c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "idle timeout")
	}
}
