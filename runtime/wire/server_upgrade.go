package wire

import (
	"errors"
	"io"
	"net"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// upgrade sends a 101 (Switching Protocols) and then copies bytes between the client and
// Response.Conn, until both sides have ended.
func (e *exchange) upgrade() error {
	defer answer.Discard(&e.Response)
	e.endInterim()
	c := e.c
	e.last = true
	head := getBuffer()
	_, err := c.out.Write(e.appendHead(head[:0], unknown, false))
	putBuffer(head)
	if err != nil {
		return err
	}
	c.sock.rd.want, c.sock.wd.want = 0, 0
	t := &tunnel{c: c, upstream: e.Response.Conn}
	c.mu.Lock()
	c.tunnel = t
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.tunnel = nil
		c.mu.Unlock()
	}()
	if e.Sent, err = t.run(); err != nil {
		return &gateway.Error{
			Status: gateway.LogOnly, Code: "E2126", Kind: "CoreProxyBidirectionalCom",
			Message: "the upgraded connection broke off", Cause: err,
		}
	}
	return nil
}

// A tunnel copies bytes both ways, and holds no buffer while nothing comes in the clear.
type tunnel struct {
	c        *conn
	upstream io.ReadWriteCloser
}

// inputter is an upstream's connection whose input can be waited for without a buffer.
type inputter interface{ tunnelInput() *input }

// run copies until both sides have ended, and returns the number of bytes that the client got. The end of one
// side is passed on to the other; an error ends both.
func (t *tunnel) run() (sent int64, err error) {
	client := clientSide{t.c}
	done := make(chan error, 1)
	go func() {
		_, err := copyInput(t.upstream, &t.c.in)
		finish(t.upstream, client, err)
		done <- err
	}()
	if up, ok := t.upstream.(inputter); ok {
		sent, err = copyInput(t.c.out, up.tunnelInput())
	} else {
		sent, err = copyStream(t.c.out, t.upstream)
	}
	finish(client, t.upstream, err)
	if other := <-done; err == nil || errors.Is(err, net.ErrClosed) {
		err = other
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, errStopped) { // by finish, or by the server that stops
		err = nil
	}
	return sent, err
}

// cut ends both sides.
func (t *tunnel) cut() { _ = t.upstream.Close() }

// copyInput copies what comes on a connection, what has come first.
func copyInput(to io.Writer, in *input) (n int64, err error) {
	for {
		if b := in.buffered(); len(b) > 0 {
			k, err := to.Write(b)
			n += int64(k)
			if err != nil {
				return n, err
			}
			in.discard(len(b))
		}
		if !in.isPlain() { // TLS can't be waited for without a buffer
			in.release()
			k, err := copyStream(to, in.src)
			return n + k, err
		}
		if err := in.wait(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

func copyStream(to io.Writer, from io.Reader) (int64, error) {
	b := getBuffer()
	defer putBuffer(b)
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, b[:])
}

// finish passes on the end of what was copied from one side to the other.
func finish(to, from io.Closer, err error) {
	if w, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		err = w.CloseWrite()
		if err == nil {
			return
		}
	}
	_ = to.Close()
	if err != nil {
		_ = from.Close()
	}
}

// A clientSide is the client's side of a tunnel.
type clientSide struct{ c *conn }

// CloseWrite tells the client that nothing more comes.
func (s clientSide) CloseWrite() error {
	if s.c.tls != nil {
		return s.c.tls.CloseWrite()
	}
	return s.c.sock.CloseWrite()
}

// Close ends the connection, also for who is reading from it.
func (s clientSide) Close() error {
	s.c.sock.Interrupt(net.ErrClosed)
	return nil
}
