package wire

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const (
	// maxSkip is how much of a body that nobody has read is skipped to use the connection again.
	maxSkip = 256 << 10
	// skipTime is how long that may take.
	skipTime = 5 * time.Second
)

// A requestBody is the content of a request. Transports may read it in goroutines of their own, perhaps
// when the exchange is over already.
type requestBody struct {
	e      *exchange // nil when it's over
	c      *conn
	length int64        // -1 if unknown
	got    atomic.Int64 // how much of it has been read
	ended  atomic.Bool  // all of it has been read from the connection
	failed atomic.Bool
	over   atomic.Bool
	// splicing is set while the kernel reads it: if that fails for the upstream's sake, it can't be read on.
	splicing atomic.Bool

	mu      sync.Mutex // held while reading
	content content
	expect  bool // the client waits for 100 (Continue)
}

// readBody makes the body of the request.
func (e *exchange) readBody() {
	c, q, o := e.c, &e.Request, &e.c.server.options
	b := &requestBody{e: e, c: c, length: e.framing.length, expect: e.framing.expect && e.framing.minor > 0}
	b.content.begin(&c.in, &e.framing)
	if o.ReadTimeout > 0 {
		c.sock.rd.want = e.since + instant(o.ReadTimeout)
	} else {
		c.sock.rd.want = 0
	}
	if p, all := b.content.buffered(); all && len(p) > 0 {
		b.expect = false // the client hasn't waited
		b.ended.Store(true)
	}
	e.body, q.Body, q.ContentLength = b, b, e.framing.length
	if e.framing.chunked && q.Header.Has("Trailer") {
		q.Trailer = b.trailer
	}
}

var errOver = errors.New("the exchange is over")

// Read reads the body.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() {
		return 0, errOver
	}
	b.ask()
	n, err := b.content.Read(p)
	b.note(n)
	return n, err
}

// SpliceTo writes the rest of the body to w. If both are connections without TLS, the kernel moves most of it. An error of
// reading is a [gateway.ReadError].
func (b *requestBody) SpliceTo(w io.Writer) (n int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() {
		return 0, &gateway.ReadError{Err: errOver}
	}
	b.ask()
	dst, _ := w.(*socket)
	for {
		p, err := b.content.next()
		if err == io.EOF {
			b.note(0)
			return n, nil
		}
		if err != nil {
			b.note(0)
			return n, &gateway.ReadError{Err: err}
		}
		k, err := w.Write(p)
		n += int64(k)
		b.content.used(k)
		b.note(k)
		if err != nil {
			return n, err
		}
		if dst != nil && b.content.isSplicable(dst) {
			b.splicing.Store(true)
			moved, err := b.content.splice(dst)
			b.splicing.Store(false)
			n += moved
			if _, ofBody := err.(*gateway.ReadError); err != nil && !ofBody {
				b.failed.Store(true) // what the kernel had in hand is lost, though the client is still there
				return n, err
			}
			if b.note(int(moved)); err != nil {
				return n, err
			}
		}
	}
}

// ask has the client send the body, if it waits for that.
func (b *requestBody) ask() {
	if b.expect && b.content.in.r == b.content.in.w {
		_ = b.e.sendInterim(100, nil) // too late if the response has begun
	}
	b.expect = false
}

// note takes down how far reading has come.
func (b *requestBody) note(n int) {
	b.got.Add(int64(n))
	switch {
	case b.content.complete():
		b.ended.Store(true)
	case b.content.err != nil && b.content.err != io.EOF:
		b.failed.Store(true)
		if _, malformed := b.content.err.(*Fault); !malformed {
			b.e.Cancel(b.content.err) // nobody is there to take the answer
		}
	}
}

// Close leaves the rest for the end of the exchange, which knows whether it's worth while to wait for it.
func (b *requestBody) Close() error { return nil }

// Buffered returns what has come already.
func (b *requestBody) Buffered() (p []byte, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() || b.expect {
		return nil, false
	}
	return b.content.buffered()
}

// SetReadDeadline bounds reading all of the body, besides the limits of the server.
func (b *requestBody) SetReadDeadline(t time.Time) error {
	if at := instantOf(t); !b.over.Load() {
		b.c.sock.limitReads(at)
	}
	return nil
}

func (b *requestBody) trailer() gateway.Header {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.Load() {
		return nil
	}
	return b.content.trailer()
}

// isLost reports whether the connection will be closed for what is to come: too much, or
// something that can't be told from a request.
func (b *requestBody) isLost() bool {
	return !b.ended.Load() && (b.failed.Load() || b.splicing.Load() || b.length-b.got.Load() > maxSkip || b.waits())
}

// waits reports whether the client may still be waiting to be asked for the body. It will send it or not: who can tell?
func (b *requestBody) waits() bool {
	if !b.mu.TryLock() {
		return false // somebody reads
	}
	defer b.mu.Unlock()
	return b.expect
}

// end takes the body away from whoever still reads it. Of what is left, as much is skipped as comes
// soon, if patient. It reports whether that was all; if not, the rest must not be taken for a request.
func (b *requestBody) end(patient bool) bool {
	b.over.Store(true)
	sock, d := b.c.sock, time.Duration(1)
	if patient {
		d = skipTime
	}
	if !b.mu.TryLock() { // somebody reads
		sock.limitReads(after(d))
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	sock.rd.limit.Store(0)
	b.e = nil
	if b.expect || b.failed.Load() {
		return false
	}
	if b.content.complete() {
		return true
	}
	sock.rd.want = after(d)
	return b.content.skip(maxSkip)
}
