package wire

import (
	"errors"
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
// ReadError. The system doesn't say on which side it has failed: see for that what has become of src.
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
	case src.interrupted() != nil, src.isDue(), isReadFailure(err), src.isGone(false):
		return n, c.cut(src.failure(err))
	}
	c.err = io.ErrUnexpectedEOF // what is in between is lost
	dst.noteReset(err)
	return n, dst.failure(err)
}

// isReadFailure reports whether err is one of reading, where the kernel doesn't splice but net does.
func isReadFailure(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "read"
}

// cut ends the content with an error of reading it.
func (c *content) cut(err error) error {
	c.err = err
	return &gateway.ReadError{Err: err}
}
