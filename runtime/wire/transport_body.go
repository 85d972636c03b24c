package wire

import (
	"io"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A responseBody is the content of a response. When all of it has come, it gives the connection back, and keeps the
// buffer until it has been read.
type responseBody struct {
	content
	link   *link // nil once it has been given back
	keep   bool  // it can be used again after the response
	own    input // the buffer then
	closed bool
	leg    *gateway.Exchange

	// Made once, so that a response doesn't have to.
	trailers func() gateway.Header
	release  func(*gateway.Exchange)
}

var bodies sync.Pool

// newBody makes the body of the response of leg, which comes on l.
func newBody(leg *gateway.Exchange, l *link, f *framing, keep bool) *responseBody {
	b, _ := bodies.Get().(*responseBody)
	if b == nil {
		b = new(responseBody)
		b.trailers, b.release = b.trailer, b.end
	}
	b.link, b.keep, b.leg, b.closed = l, keep, leg, false
	b.content.begin(&l.in, f)
	if f.chunked {
		leg.Response.Trailer = b.trailers
	}
	if b.content.ready(); b.content.err == io.EOF {
		b.settle()
	}
	rootOf(leg).OnDone(b.release) // by that of leg it would take an allocation
	return b
}

// Read reads the body.
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if b.link != nil && b.content.err == io.EOF {
		b.settle()
	}
	if err != nil && err != io.EOF {
		err = b.blame(err)
	}
	return n, err
}

// blame names the upstream if err is one of reading what it has sent.
func (b *responseBody) blame(err error) error {
	if e, ok := err.(*gateway.ReadError); ok {
		err = e.Err
	} else if err != b.content.err || err == errClosed {
		return err
	}
	return upstreamError(b.leg, gateway.PhaseRead, true, err)
}

// Buffered returns what has come already.
func (b *responseBody) Buffered() (p []byte, all bool) { return b.content.buffered() }

// settle gives the connection back. What hasn't been read is kept if it is the rest of the content.
func (b *responseBody) settle() {
	l := b.link
	b.link = nil
	keep := b.keep && b.content.err == io.EOF && b.coding != toEnd && l.in.r == l.in.w
	if len(b.piece) > 0 {
		b.own = l.in
		b.own.r, b.own.src, b.own.sock = b.own.w, nil, nil
		l.in = input{src: l.in.src, sock: l.in.sock}
	}
	b.in = &b.own
	l.finish(keep)
}

// Close ends the reading. If the rest of the content has come already, the connection can be used again.
func (b *responseBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	complete := b.complete()
	if b.link != nil {
		for b.content.err == nil && len(b.ready()) > 0 {
			b.piece = nil
		}
		b.piece = nil
		b.settle()
	}
	b.piece = nil
	b.own.drop()
	if !complete {
		b.content.err = errClosed
	}
	return nil
}

// end runs when the exchange is over. A body that somebody may still close is left to the garbage collector.
func (b *responseBody) end(*gateway.Exchange) {
	known := !b.closed || b.leg.Response.Body != nil
	_ = b.Close()
	if known {
		return
	}
	b.leg, b.content.in = nil, nil
	bodies.Put(b)
}
