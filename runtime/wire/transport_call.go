package wire

import (
	"fmt"
	"io"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A call is a leg on its way to the upstream and back.
type call struct {
	t   *Transport
	leg *gateway.Exchange
	up  *upstream

	// What appendHead finds in the request's fields.
	expect, upgrade, close, te bool

	hasBody bool
	chunked bool // the body of the request is
	stream  bool // it isn't at hand
	waits   bool // it is sent when the upstream wants it

	buf  *outBuffer // nil when it isn't needed any more
	b    []byte     // the request, or its beginning; it starts in buf
	rest []byte     // of a body that is at hand
	left int64      // of the length of a streamed body, what isn't in b
	at   instant    // when a connection was sought, or a little earlier
	held bool       // b has what can't be made again
	came bool       // something of a response has

	phase gateway.Phase // what is being done
	sent  bool          // something of the request has been, on any connection
}

// maxRead is the size up to which a body of known length is read before the request is sent. Head and body go out
// in one write then, and a connection that turns out to be closed can be replaced.
const maxRead = 8 << 10

// serve asks the upstream, on another connection if need be.
func (c *call) serve() error {
	var err error
	r := &c.leg.Request
	c.hasBody = r.Body != nil && (r.ContentLength != 0 || r.Trailer != nil)
	// Trailers come behind chunks only (RFC 9112, section 7.1.2).
	c.chunked = c.hasBody && (r.ContentLength < 0 || r.Trailer != nil)
	for try := 0; ; try++ {
		if c.up, err = c.t.upstream(origin{r.Scheme, r.Host}); err != nil {
			break
		}
		if c.buf == nil {
			if err = c.prepare(); err != nil {
				break
			}
		}
		var l *link
		if c.at = instantOf(c.leg.Start); c.at == 0 || try > 0 {
			c.at = now()
		} else {
			c.at = nowAbout(c.at)
		}
		if l, err = c.up.get(c.leg, try >= 2, c.at, !c.asks()); err == errGone {
			continue
		} else if err != nil {
			c.phase = phaseOf(err)
			break
		}
		l.asked = c.at
		var sent int
		if sent, err = c.exchange(l); err == nil {
			break
		}
		again := c.mayRepeat(l, sent, err)
		l.close()
		if !again {
			break
		}
	}
	c.free()
	return err
}

// free gives the buffer back.
func (c *call) free() {
	if c.buf != nil {
		outBuffers.Put(c.buf)
		c.buf, c.b, c.rest = nil, nil, nil
	}
}

// mayRepeat reports whether the request is sent again after it has failed on l. That takes a connection that may
// have been closed before the request came, which tells nothing about the upstream, and either a request of which
// nothing was sent, or one that does the same twice as once (RFC 9110, section 9.2.2).
func (c *call) mayRepeat(l *link, sent int, err error) bool {
	if !l.reused || c.came || gateway.IsTimeout(err) || l.sock.interrupted() != nil {
		return false
	}
	if sent == 0 {
		return true
	}
	switch c.leg.Request.Method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return !c.stream
	}
	return false
}

// prepare makes the request, with as much of its body as is sent with the head.
func (c *call) prepare() error {
	c.buf = outBuffers.Get().(*outBuffer)
	c.expect, c.upgrade, c.te = false, false, false
	c.close = c.t.options.DisableKeepAlives
	var err error
	if c.b, err = c.appendHead(c.buf[:0]); err != nil || !c.hasBody {
		return err
	}
	r := &c.leg.Request
	p, all := gateway.Buffered(r.Body)
	switch {
	case all && r.Trailer == nil:
		return c.addAll(p)
	case c.expect && c.t.options.ExpectContinueTimeout > 0:
		c.stream, c.waits, c.left = true, true, r.ContentLength
		return nil
	case !c.chunked && r.ContentLength <= maxRead && !c.expect:
		c.held = true
		return c.readAll(int(r.ContentLength))
	}
	c.stream, c.left = true, r.ContentLength
	return c.addSome(len(p))
}

// addAll adds a body that is at hand.
func (c *call) addAll(p []byte) error {
	if c.chunked {
		if len(p) > 0 {
			c.b = appendChunkSize(c.b, len(p))
			c.b = append(c.b, p...)
			c.b = append(c.b, "\r\n"...)
		}
		c.b = append(c.b, "0\r\n\r\n"...)
		return nil
	}
	if n := c.leg.Request.ContentLength; int64(len(p)) != n {
		return wrongLength(n)
	}
	if len(p) <= cap(c.b)-len(c.b) {
		c.b = append(c.b, p...)
	} else {
		c.rest = p
	}
	return nil
}

func bodyError(err error) error { return fmt.Errorf("reading the request's body: %w", err) }

func wrongLength(n int64) error {
	return fmt.Errorf("reading the request's body: %w: it is not of %d bytes", io.ErrUnexpectedEOF, n)
}

// readAll adds a body of n bytes, which it waits for.
func (c *call) readAll(n int) error {
	// One byte more than announced shows a body that is too long.
	end := len(c.b) + n
	for len(c.b)+n+1 > cap(c.b) {
		c.b = append(c.b, make([]byte, n+1)...)[:len(c.b)]
	}
	for idle := 0; len(c.b) <= end; {
		k, err := c.leg.Request.Body.Read(c.b[len(c.b) : end+1])
		c.b = c.b[:len(c.b)+k]
		if err == io.EOF {
			break
		}
		if err != nil {
			return bodyError(err)
		}
		if idle++; k > 0 {
			idle = 0
		} else if idle > maxIdleReads {
			return bodyError(io.ErrNoProgress)
		}
	}
	if len(c.b) != end {
		return wrongLength(int64(n))
	}
	return nil
}

// maxIdleReads is how many reads of a body may bring nothing.
const maxIdleReads = 100

// addSome adds what is known to have come of a body, n bytes, but not more than fits.
func (c *call) addSome(n int) error {
	room := cap(c.b) - len(c.b) - chunkOverhead
	if n = min(n, room); n <= 0 {
		return nil
	}
	start := len(c.b)
	if c.chunked {
		start += chunkLine
	}
	k, err := c.leg.Request.Body.Read(c.b[start : start+n])
	if err != nil && err != io.EOF {
		return bodyError(err)
	}
	switch {
	case k == 0:
	case c.chunked:
		line := appendChunkSize(c.b, k)
		c.b = append(line, c.b[start:start+k]...)
		c.b = append(c.b, "\r\n"...)
	default:
		if c.left -= int64(k); c.left < 0 {
			return wrongLength(c.leg.Request.ContentLength)
		}
		c.b = c.b[:start+k]
	}
	return nil
}

const (
	chunkLine     = len("ffff\r\n")                  // in front of a chunk
	chunkOverhead = chunkLine + len("\r\n0\r\n\r\n") // with a chunk, and the end
)
