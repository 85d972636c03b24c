package wire

import (
	"io"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A content is the content of a message (RFC 9112, section 6), as it comes behind a head.
type content struct {
	in     *input
	coding coding
	left   int64 // of a content of known length: what is still to come, or in the buffer
	chunks chunkDecoder
	piece  []byte // is used up in the buffer, but hasn't been read
	err    error  // what reading ends with: io.EOF if it's complete
}

type coding uint8

const (
	sized coding = iota
	chunked
	toEnd
)

// begin makes c the content that f tells of.
func (c *content) begin(in *input, f *framing) {
	c.in, c.piece, c.err = in, nil, nil
	switch {
	case f.chunked:
		c.coding = chunked
		c.chunks.reset()
	case f.toEnd:
		c.coding = toEnd
	default:
		c.coding, c.left = sized, f.length
		if c.left == 0 {
			c.err = io.EOF
		}
	}
}

// complete reports whether all of the content has come and been read.
func (c *content) complete() bool { return c.err == io.EOF && len(c.piece) == 0 }

// next returns the next piece of the content, and waits for it if it hasn't come. The piece is valid until
// the next call; used says how much of it is used up.
func (c *content) next() ([]byte, error) {
	for len(c.piece) == 0 {
		if c.err != nil {
			return nil, c.err
		}
		if c.advance() {
			continue
		}
		if err := c.in.fill(); err != nil {
			c.fail(err)
		}
	}
	return c.piece, nil
}

// used uses n bytes of the piece up.
func (c *content) used(n int) { c.piece = c.piece[n:] }

// ready returns the next piece if it has come already.
func (c *content) ready() []byte {
	for len(c.piece) == 0 && c.err == nil && c.advance() {
	}
	return c.piece
}

// advance makes the next piece out of what has come. It reports false if that isn't enough.
func (c *content) advance() bool {
	b := c.in.buffered()
	if len(b) == 0 {
		return false
	}
	switch c.coding {
	case toEnd:
		c.take(b)
	case sized:
		if int64(len(b)) > c.left {
			b = b[:c.left]
		}
		c.take(b)
		if c.left -= int64(len(b)); c.left == 0 {
			c.err = io.EOF
		}
	case chunked:
		data, n, done, fault := c.chunks.decode(b)
		c.in.discard(n)
		switch c.piece = data; {
		case fault != nil:
			c.err = fault
		case done:
			c.err = io.EOF
		case n == 0:
			return false
		}
	}
	return true
}

func (c *content) take(b []byte) {
	c.piece = b
	c.in.discard(len(b))
}

// fail ends the content with an error of the connection.
func (c *content) fail(err error) {
	if err == io.EOF && c.coding != toEnd {
		err = io.ErrUnexpectedEOF
	}
	c.err = err
}

// directRead is from which size on a read goes past the buffer.
const directRead = 4 << 10

// Read reads the content.
func (c *content) Read(p []byte) (int, error) {
	if len(p) >= directRead && c.isDirect() {
		return c.readDirect(p)
	}
	b, err := c.next()
	n := copy(p, b)
	c.used(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// isDirect reports whether what comes next on the connection is content, and nothing else for a while.
func (c *content) isDirect() bool {
	return c.coding == sized && c.err == nil && len(c.piece) == 0 && c.in.r == c.in.w
}

func (c *content) readDirect(p []byte) (int, error) {
	n, err := c.in.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case c.left == 0:
		c.err = io.EOF
	case err != nil:
		c.fail(err)
	}
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// buffered returns what has come of the content and hasn't been read, without the coding, and whether
// that is all that is left of it.
func (c *content) buffered() (p []byte, all bool) {
	p = c.ready()
	return p, c.err == io.EOF
}

// skip reads on to the end, but not more than limit bytes. It reports whether the end was reached.
func (c *content) skip(limit int64) bool {
	if c.coding == sized && c.err == nil && c.left > limit {
		return false
	}
	for n := int64(0); ; {
		b, err := c.next()
		if err != nil {
			return err == io.EOF
		}
		if n += int64(len(b)); n > limit {
			return false
		}
		c.used(len(b))
	}
}

// trailer returns the fields behind the content, once it's complete.
func (c *content) trailer() gateway.Header {
	if c.coding != chunked || c.err != io.EOF {
		return nil
	}
	return c.chunks.trailer()
}

// rest is how much of a content of known length hasn't been read.
func (c *content) rest() int64 { return c.left + int64(len(c.piece)) }
