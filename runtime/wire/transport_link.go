package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A link is a connection to an upstream. One call at a time has it.
type link struct {
	up     *upstream
	sock   *socket
	tls    *tls.Conn // nil in the clear
	below  *tlsInput // what TLS reads from
	out    io.Writer
	in     input
	reused bool    // it has been idle
	since  instant // when it became so
	asked  instant // when a request has taken it, or a little earlier
	place  *dial.Place
	memo   *responseMemo // nil before the second response

	silent bool // what peeker has seen
	peeker func(fd uintptr)

	// What follows is for the time in which a call has it.

	root   *gateway.Exchange // that interrupts it, nil if there is none
	stop   func() bool       // of context.AfterFunc, nil if a context doesn't
	upload *upload           // nil if there is none
}

func newLink(u *upstream, c net.Conn) *link {
	l := &link{up: u, sock: newSocket(c)}
	l.peeker = func(fd uintptr) { l.silent = isSilent(fd) }
	l.in.sock, l.in.src, l.out = l.sock, l.sock, l.sock
	return l
}

// rootOf returns the exchange that leg is on behalf of.
func rootOf(leg *gateway.Exchange) *gateway.Exchange {
	for leg.Parent != nil {
		leg = leg.Parent
	}
	return leg
}

// begin makes l one that ends with the context of leg.
func (l *link) begin(leg *gateway.Exchange) {
	if leg.Watch(l) {
		// It is the outermost one that watches. With that one, Unwatch finds l, also if somebody calls SetContext before.
		l.root = rootOf(leg)
		return
	}
	if ctx := leg.Context(); ctx.Done() != nil {
		if ctx.Err() != nil { // AfterFunc would say so in a goroutine, which may be late
			l.sock.Interrupt(ended(ctx))
		}
		l.stop = context.AfterFunc(ctx, func() { l.sock.Interrupt(ended(ctx)) })
	}
}

// Interrupt ends what is being done with l: its exchange has ended.
func (l *link) Interrupt(cause error) {
	if cause != context.DeadlineExceeded {
		cause = endedBy(context.Canceled, cause)
	}
	l.sock.Interrupt(cause)
}

// end undoes begin, and reports whether l has not been interrupted and won't be.
func (l *link) end() bool {
	if l.root != nil {
		l.root.Unwatch(l)
		l.root = nil
	}
	if l.stop != nil {
		stopped := l.stop()
		if l.stop = nil; !stopped {
			return false
		}
	}
	return l.sock.interrupted() == nil
}

// finish ends the part of l in an exchange. keep says whether its messages leave it usable.
func (l *link) finish(keep bool) {
	if u := l.upload; u != nil {
		keep = keep && u.finished()
		u.stop()
		l.upload = nil
	}
	if l.end() && keep && l.in.r == l.in.w && !l.hasMore() {
		l.in.release()
		l.sock.rd.want, l.sock.wd.want = 0, 0
		l.reused = true
		l.up.put(l)
		return
	}
	l.close()
}

// close closes l, and gives its room away.
func (l *link) close() {
	l.shut()
	l.up.free()
}

// shut closes l. Nobody may be reading from it.
func (l *link) shut() {
	if u := l.upload; u != nil {
		u.stop()
		l.upload = nil
	}
	unbroken := l.end()
	l.in.drop()
	if l.tls != nil && unbroken {
		_ = l.tls.Close() // says so to the upstream
	}
	_ = l.sock.Close()
}

// isFresh reports whether l, which is idle, isn't too old at an instant, and goes where the upstream's name still points to.
func (l *link) isFresh(at instant) bool {
	limit := l.up.t.options.IdleConnTimeout
	return (limit <= 0 || time.Duration(at-l.since) < limit) && !l.place.Gone()
}

// isSilent reports whether the upstream has neither closed l, which is idle, nor sent anything, which would be taken for
// the response to the next request.
func (l *link) isSilent() bool {
	if l.sock.raw == nil {
		return true
	}
	l.silent = false
	err := l.sock.raw.Control(l.peeker)
	return err == nil && l.silent
}

// A tlsInput is what crypto/tls reads from.
type tlsInput struct {
	*socket
	dry bool // nothing more is to be read
}

// Read reads what the upstream has sent.
func (t *tlsInput) Read(p []byte) (int, error) {
	if t.dry {
		return 0, os.ErrDeadlineExceeded // after which crypto/tls goes on as if nothing had been
	}
	return t.socket.Read(p)
}

// hasMore reports whether TLS has read something that belongs to no response.
func (l *link) hasMore() bool {
	if l.tls == nil {
		return false
	}
	l.below.dry = true
	n, err := l.tls.Read(l.in.one[:])
	l.below.dry = false
	return n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)
}

// An upgraded link has become something else: it is the Conn of a 101 (Switching Protocols).
type upgraded struct {
	l    *link
	over atomic.Bool
}

// switchOver makes the Conn of l.
func (l *link) switchOver(leg *gateway.Exchange) *upgraded {
	l.end() // a tunnel lasts as long as its ends want; who has been interrupted finds out
	l.sock.rd.want, l.sock.wd.want = 0, 0
	c := &upgraded{l: l}
	leg.OnDone(func(*gateway.Exchange) { _ = c.Close() })
	return c
}

// Read reads what the upstream sends, beginning with what came behind the response.
func (c *upgraded) Read(p []byte) (int, error) {
	in := &c.l.in
	if b := in.buffered(); len(b) > 0 {
		n := copy(p, b)
		in.discard(n)
		return n, nil
	}
	in.release()
	return in.src.Read(p)
}

// tunnelInput is what the upstream sends, for who can wait for it without a buffer.
func (c *upgraded) tunnelInput() *input { return &c.l.in }

// Write writes to the upstream.
func (c *upgraded) Write(p []byte) (int, error) { return c.l.out.Write(p) }

// CloseWrite tells the upstream that nothing more comes.
func (c *upgraded) CloseWrite() error {
	if c.l.tls != nil {
		return c.l.tls.CloseWrite()
	}
	return c.l.sock.CloseWrite()
}

// Close closes the connection. Others may be using it.
func (c *upgraded) Close() error {
	if c.over.Swap(true) {
		return nil
	}
	err := c.l.sock.Close()
	c.l.up.free()
	return err
}
