package wire

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A handover is the listener of the connections that speak HTTP/2.
type handover struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// serveHTTP2 starts what serves HTTP/2, if anything does, and returns where it tells its end.
func (s *Server) serveHTTP2(ctx context.Context) <-chan error {
	if s.options.HTTP2 == nil {
		return nil
	}
	s.http2 = &handover{addr: s.listener.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		o := s.options
		done <- o.HTTP2.Serve(ctx, s.http2, &o, s.handler)
		s.http2.Close()
	}()
	return done
}

// give hands c over.
func (h *handover) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.closed:
		_ = c.Close()
	}
}

// Accept returns the next connection.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is that of the server.
func (h *handover) Addr() net.Addr { return h.addr }

// preface is the head that clients of HTTP/2 with prior knowledge begin with, made to look like one
// of HTTP/1.1 (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\n"

// switchOver has HTTP/2 served on a connection whose client asks for it by q, which is the first request then. It reports
// whether q is one that does so.
func (c *conn) switchOver(q *gateway.Request) bool {
	answer, frames := c.server.options.HTTP2.Upgrade(q)
	if answer == "" {
		return false
	}
	begin := append([]byte(nil), c.in.buffered()...)
	c.give(&switchedConn{begunConn: begunConn{c.sock, begin}, answer: answer, frames: frames}, nil)
	return true
}

// A switchedConn is a connection that becomes one of HTTP/2.
type switchedConn struct {
	begunConn
	answer string // that the client hasn't been told yet
	frames []byte
}

// Begun returns the frames of the first request.
func (c *switchedConn) Begun() []byte { return c.frames }

// Read tells the client first that it may speak HTTP/2.
func (c *switchedConn) Read(p []byte) (int, error) {
	if answer := c.answer; answer != "" {
		c.answer = ""
		if _, err := io.WriteString(c.Conn, answer); err != nil {
			return 0, err
		}
	}
	return c.begunConn.Read(p)
}

// A begunConn is a connection of which something has been read already.
type begunConn struct {
	net.Conn
	begin []byte
}

// NetConn is the connection itself.
func (c *begunConn) NetConn() net.Conn { return c.Conn }

// Read returns what has been read first.
func (c *begunConn) Read(p []byte) (int, error) {
	if len(c.begin) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.begin)
	c.begin = c.begin[n:]
	return n, nil
}
