package listen

import (
	"io"
	"net"
	"sync"
	"time"
)

// A conn gives its slot back when it is closed, and bounds each read and write by a
// deadline, besides those that its user sets.
type conn struct {
	net.Conn
	listener *listener
	closing  sync.Once

	mu            sync.Mutex
	readDeadline  time.Time // as the user has set them
	writeDeadline time.Time
	paused        bool
}

// WithDeadlines returns c with a deadline for each read and each write, as those of [Options], for servers that
// have seen to them otherwise so far.
func WithDeadlines(c net.Conn, read, write time.Duration) net.Conn {
	if read <= 0 && write <= 0 {
		return c
	}
	return &conn{Conn: c, listener: &listener{read: read, write: write}}
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.closing.Do(c.listener.release)
	return err
}

func (c *conn) Read(p []byte) (int, error) {
	if c.listener.read > 0 {
		c.mu.Lock()
		err := c.armRead()
		c.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

func (c *conn) Write(p []byte) (int, error) {
	if c.listener.write > 0 {
		c.mu.Lock()
		err := c.armWrite()
		c.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// armRead and armWrite set the deadline of the operation that begins, or is under
// way. They are called with mu held, so that a deadline in the past, by which another
// goroutine interrupts a read, isn't overwritten.
func (c *conn) armRead() error {
	if c.paused {
		return c.Conn.SetReadDeadline(c.readDeadline)
	}
	return c.Conn.SetReadDeadline(earlier(c.readDeadline, c.listener.read))
}

func (c *conn) armWrite() error {
	return c.Conn.SetWriteDeadline(earlier(c.writeDeadline, c.listener.write))
}

func earlier(deadline time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return deadline
	}
	if t := time.Now().Add(d); deadline.IsZero() || t.Before(deadline) {
		return t
	}
	return deadline
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readDeadline = t
	return c.armRead()
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeDeadline = t
	return c.armWrite()
}

// CloseWrite passes on the end of what is sent.
func (c *conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// ReadFrom keeps sendfile(2) and splice(2) available, unless each write has a deadline.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if rf, ok := c.Conn.(io.ReaderFrom); ok && c.listener.write <= 0 {
		return rf.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// NetConn returns the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

// PauseReads suspends the ReadDeadline of c, a connection of a listener of this
// package, or resumes it. A server pauses it while the peer is waiting for an
// answer, as it would otherwise take its silence for a stall. The deadlines that are
// set on c itself stay in force.
func PauseReads(c net.Conn, pause bool) {
	for c != nil {
		switch v := c.(type) {
		case *conn:
			v.mu.Lock()
			v.paused = pause
			_ = v.armRead() // fails only on a closed connection
			v.mu.Unlock()
			return
		case interface{ NetConn() net.Conn }: // *tls.Conn
			c = v.NetConn()
		default:
			return
		}
	}
}
