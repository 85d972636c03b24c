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
	return canSplice && c.coding == sized && c.left >= spliceFrom && len(c.piece) == 0 && c.in.r == c.in.w && c.in.isPlain() &&
		isSplicable(dst) && isSplicable(c.in.sock)
}

func isSplicable(s *socket) bool { return s.raw != nil && isTCP(s.conn) }

func isTCP(c net.Conn) bool { _, ok := c.(*net.TCPConn); return ok }

// copy does what splice does without the kernel.
func (c *content) copy(dst *socket) (sent int64, err error) {
	b := getBuffer()
	defer putBuffer(b)
	for c.err != io.EOF {
		n, err := c.readDirect(b[:])
		if err != nil {
			return sent, c.cut(err)
		}
		n, err = dst.Write(b[:n])
		if sent += int64(n); err != nil {
			c.err = io.ErrUnexpectedEOF
			return sent, err
		}
	}
	return sent, nil
}

// cut ends the content with an error of reading it.
func (c *content) cut(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	c.err = err
	return &gateway.ReadError{Err: err}
}
