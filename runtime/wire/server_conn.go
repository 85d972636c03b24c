package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A conn is the connection of a client. Its goroutine alone uses it, but for what mu guards.
type conn struct {
	server   *Server
	sock     *socket
	tls      *tls.Conn // nil in the clear
	out      io.Writer // the one or the other
	in       input
	remote   string
	state    *tls.ConnectionState
	next     *exchange                   // has been read, and must be run where more can be read
	empty    int                         // empty lines before the next request
	searched int                         // how much of the input has been searched for the end of a head
	inline   func() bool                 // serveInline, made once
	given    bool                        // somebody else serves it now
	resets   bool                        // it ends by a reset
	stays    bool                        // it ends when the client has got the response
	ended    bool                        // there is nothing more to do
	first    bool                        // the request that is being read is the first one
	memo     atomic.Pointer[requestMemo] // nil before the second request, and when the watch has taken it away

	mu      sync.Mutex
	waiting bool      // for a request
	fresh   bool      // there hasn't been one yet
	reading bool      // the head of one
	lean    bool      // it waits, or is to wait, without the buffers of TLS
	running *exchange // that has not ended
	since   instant   // when it began
	look    instant   // when the watch looks next whether the client is still there
	tunnel  *tunnel   // of an upgraded connection
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, sock: newSocket(nc), fresh: true, waiting: true, since: now()}
	l := &s.options.Listen
	c.sock.readEach, c.sock.writeEach = l.ReadDeadline, l.WriteDeadline
	c.in.sock, c.in.src, c.out = c.sock, c.sock, c.sock
	c.inline = c.serveInline
	if a := nc.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	return c
}

// serve answers the requests of the connection.
func (c *conn) serve() {
	defer c.server.remove(c)
	defer c.close()
	defer c.rescue()
	c.sock.rd.want = after(c.server.options.ReadHeaderTimeout)
	if !c.handshake() {
		return
	}
	for c.await() && c.exchange() {
	}
	if c.stays {
		c.linger()
	}
}

// rescue keeps a panic of the engine itself, which would be a bug, from ending more than the connection.
func (c *conn) rescue() {
	if v := recover(); v != nil {
		c.resets = true
		c.server.log(gateway.LevelError, fmt.Sprintf("panic on the connection from %s: %v\n%s", c.remote, v, debug.Stack()))
	}
}

// close ends the connection.
func (c *conn) close() {
	c.in.drop()
	switch {
	case c.given:
	case c.resets:
		c.sock.reset()
	case c.tls != nil:
		_ = c.tls.Close()
	default:
		_ = c.sock.Close()
	}
}

// handshake shakes hands, if there is TLS, and reports whether the connection goes on here.
func (c *conn) handshake() bool {
	if c.server.tls == nil {
		return true
	}
	c.tls = tls.Server(c.sock, c.server.tls)
	c.sock.wd.want = c.sock.rd.want
	if err := c.tls.Handshake(); err != nil {
		c.answerCleartext(err)
		// Whoever scans ports leaves a failed handshake.
		c.server.log(gateway.LevelDebug, "TLS handshake error from "+c.remote+": "+err.Error())
		return false
	}
	c.sock.wd.want = 0
	c.keepState()
	if c.state.NegotiatedProtocol == "h2" {
		c.give(c.tls, nil)
		return false
	}
	c.in.src, c.out = c.tls, c.tls
	return true
}

// keepState has at hand what requests are to know of TLS.
func (c *conn) keepState() {
	state := c.tls.ConnectionState()
	c.state = &state
}

// answerCleartext tells a client that speaks HTTP to the port of TLS so.
func (c *conn) answerCleartext(err error) {
	var record tls.RecordHeaderError
	if !errors.As(err, &record) || record.Conn == nil {
		return
	}
	switch string(record.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		_, _ = io.WriteString(c.sock, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		c.linger()
	}
}

// give has HTTP/2 served on the connection, of which begin has been read.
func (c *conn) give(nc net.Conn, begin []byte) {
	c.given, c.ended = true, true
	c.sock.handOver()
	if len(begin) > 0 {
		nc = &begunConn{nc, append([]byte(nil), begin...)}
	}
	c.server.http2.give(nc)
}

// await waits for a request, and reports whether there is something of one. Requests that are there as a whole
// are answered meanwhile.
func (c *conn) await() bool {
	if c.in.r != c.in.w {
		return true
	}
	var err error
	for {
		fresh := c.rest()
		switch {
		case c.server.draining.Load() && !fresh:
			err = errDeadline
		case c.in.isPlain() && c.sock.raw != nil && c.sock.readEach == 0:
			c.in.release()
			err = c.sock.serveReads(&c.in, c.inline)
		default:
			if err = c.in.wait(); err != nil && c.goesLean(err) {
				err = c.waitLean()
			}
		}
		if c.ended || c.next != nil {
			return !c.ended
		}
		if err != nil || c.in.r != c.in.w {
			break
		}
	}
	if err != nil && (c.server.draining.Load() || c.sock.rd.limit.Load() != 0) {
		err = c.lastRequest(err)
	}
	c.wake()
	return err == nil
}

// rest notes that the connection waits for a request, and reports whether it would be the first one.
func (c *conn) rest() (fresh bool) {
	if !c.waiting {
		c.mu.Lock()
		c.waiting, c.look = true, 0
		c.mu.Unlock()
	}
	if d := c.server.options.IdleTimeout; !c.fresh {
		c.sock.rd.want = afterAbout(d, c.since)
	}
	return c.fresh
}

// wake notes that the connection doesn't wait any more.
func (c *conn) wake() {
	c.first = c.fresh
	if !c.waiting {
		return
	}
	c.mu.Lock()
	c.waiting, c.fresh, c.reading = false, false, true
	if c.lean {
		c.lean = false
		c.sock.rd.limit.Store(0) // the client has been faster than the watch
	}
	if c.server.draining.Load() {
		c.sock.limitReads(after(newcomers)) // later than what drain may just have set
	}
	c.mu.Unlock()
}

// serveInline answers what has come, as long as that is whole requests. It runs while the connection is
// being waited for, which spares the attempt to read before each wait; but nothing can be read, and
// the connection can't be closed. It reports whether somebody must do so.
func (c *conn) serveInline() bool {
	first := c.fresh
	c.first = first
	for c.in.r != c.in.w {
		e, refusal := c.parse()
		switch {
		case e == nil:
			c.wake()
			if c.in.r != c.in.w || c.given { // else there were only empty lines
				return true
			}
		case refusal == nil && !e.isWhole():
			c.next = e
			return true
		case !e.run(refusal):
			c.ended = true
			return true
		}
	}
	c.in.release()
	c.rest()
	// A client that ends its side with its request is told of once, together with that. Many do so with their first one;
	// others, the watch finds.
	return first || c.server.draining.Load() || c.sock.arm(&c.sock.rd, setRead, false) != nil
}

// lastRequest reads what has come while the server began to stop: a request that was under way is answered. What TLS has
// in its own buffers can't be asked for.
func (c *conn) lastRequest(err error) error {
	if c.tls != nil || !errors.Is(err, errDeadline) || c.sock.raw == nil {
		return err
	}
	b := getBuffer()
	n := 0
	_ = c.sock.raw.Control(func(fd uintptr) { n, _ = readSocket(fd, b[:]) })
	if n <= 0 {
		putBuffer(b)
		return err
	}
	c.in.release()
	c.in.take(b, n)
	return nil
}

// drain has the connection end when it has nothing more to do. Another goroutine calls it.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.waiting && !c.fresh:
		c.sock.limitReads(now())
	case c.waiting || c.reading: // it has just connected, or a request is half there
		c.sock.limitReads(after(newcomers))
	}
}

var errStopped = errors.New("the server has stopped")

// cut ends the connection at once, and before the exchange: what a handler makes of the end of its context would
// get to one client and not to another. Another goroutine calls it.
func (c *conn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sock.Interrupt(errStopped)
	if c.running != nil {
		c.running.Cancel(context.Canceled)
	}
	if c.tunnel != nil {
		c.tunnel.cut()
	}
}

// lingering is how long a client that is still sending may take to get the response: closing before
// would take it away from it (RFC 9112, section 9.6).
const lingering = time.Second

// linger says that nothing more comes, and waits for the client to stop sending.
func (c *conn) linger() {
	var err error
	if c.tls != nil && c.out == io.Writer(c.tls) {
		if err = c.tls.CloseWrite(); err == nil {
			err = c.sock.CloseWrite()
		}
	} else {
		err = c.sock.CloseWrite()
	}
	if err != nil {
		return
	}
	c.in.drop()
	c.sock.rd.want = after(lingering)
	b := getBuffer()
	defer putBuffer(b)
	for {
		if _, err := c.sock.Read(b[:]); err != nil {
			return
		}
	}
}
