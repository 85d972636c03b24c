package wire

import (
	"io"
	"net"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// spliceFrom is from which rest of a content on the kernel moves it.
const spliceFrom = 32 << 10

// isSplicable reports whether it's worth while to have the kernel move the rest of c, and possible.
func (c *content) isSplicable(dst *socket) bool {
	return c.coding == sized && c.left >= spliceFrom && len(c.piece) == 0 && c.in.r == c.in.w && c.in.isPlain() &&
		dst.writeEach == 0 && c.in.sock.readEach == 0 && isTCP(dst.conn) && isTCP(c.in.sock.conn)
}

func isTCP(c net.Conn) bool { _, ok := c.(*net.TCPConn); return ok }

// splice has the kernel move the rest of c to dst, and returns how much of it has got there. An error of reading is a
// ReadError; one that may be either is taken for that of the side that has been interrupted, or else of dst.
func (c *content) splice(dst *socket) (int64, error) {
	src := c.in.sock
	// A pipe is between them: a deadline that passes too early would lose what is in it.
	if err := dst.arm(&dst.wd, setWrite, true); err != nil {
		return 0, err
	}
	if err := src.arm(&src.rd, setRead, true); err != nil {
		return 0, c.cut(err)
	}
	n, err := dst.conn.(*net.TCPConn).ReadFrom(&io.LimitedReader{R: src.conn, N: c.left})
	if c.left -= n; c.left == 0 {
		c.err = io.EOF
		return n, nil
	}
	switch {
	case err == nil:
		return n, c.cut(io.ErrUnexpectedEOF)
	case src.interrupted() != nil, src.isDue():
		return n, c.cut(src.failure(err))
	}
	c.err = io.ErrUnexpectedEOF // what is in between is lost
	dst.noteReset(err)
	return n, dst.failure(err)
}

// cut ends the content with an error of reading it.
func (c *content) cut(err error) error {
	c.err = err
	return &gateway.ReadError{Err: err}
}
