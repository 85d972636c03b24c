package wire

import (
	"io"
	"os"
	"syscall"
)

// An input is what has come on a connection and isn't used up yet.
type input struct {
	src  io.Reader // the socket, or the TLS connection on it
	sock *socket
	pool *buffer // where b is, unless it is too small for a head
	b    []byte
	r, w int   // b[r:w] is not used up
	err  error // of more; the system tells of a reset only once
	one  [1]byte
}

// buffered returns what has come. It is valid until more is read.
func (in *input) buffered() []byte { return in.b[in.r:in.w] }

// discard uses n bytes up.
func (in *input) discard(n int) { in.r += n }

// release gives the buffer back, if there is nothing in it.
func (in *input) release() {
	if in.r != in.w {
		return
	}
	if in.pool != nil {
		putBuffer(in.pool)
	}
	in.pool, in.b, in.r, in.w = nil, nil, 0, 0
}

// drop gives the buffer back, whatever is in it.
func (in *input) drop() {
	in.r = in.w
	in.release()
}

// take makes b, of which n bytes have come, the buffer.
func (in *input) take(b *buffer, n int) { in.pool, in.b, in.r, in.w = b, b[:], 0, n }

// wait waits for more without a buffer. There must be nothing buffered.
func (in *input) wait() error {
	in.release()
	if in.isPlain() {
		b, n, err := in.sock.ReadBuffer()
		if b != nil {
			in.take(b, n)
		}
		return err
	}
	// What TLS has decrypted already can't be waited for in the socket, and it reads into a buffer of its own.
	if _, err := io.ReadFull(in.src, in.one[:]); err != nil {
		return err
	}
	in.take(getBuffer(), 1)
	in.b[0] = in.one[0]
	return nil
}

// fill reads more. What is buffered stays, at another place perhaps.
func (in *input) fill() error {
	if err := in.err; err != nil {
		in.err = nil
		return err
	}
	if in.b == nil {
		return in.wait()
	}
	switch {
	case in.r == in.w:
		in.r, in.w = 0, 0
	case in.w == len(in.b) && in.r > 0:
		in.w = copy(in.b, in.b[in.r:in.w])
		in.r = 0
	case in.w == len(in.b):
		in.grow()
	}
	n, err := in.src.Read(in.b[in.w:])
	in.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// grow makes room for a head that is larger than a buffer.
func (in *input) grow() {
	b := make([]byte, 2*len(in.b))
	copy(b, in.b)
	if in.pool != nil {
		putBuffer(in.pool)
	}
	in.pool, in.b = nil, b
}

// fillSlowly is fill while the head of a message is incomplete: who sends one byte after the other gets no buffer
// to wait with.
func (in *input) fillSlowly() error {
	if in.pool == nil || !in.isPlain() || in.w-in.r > bufferSize/2 {
		return in.fill()
	}
	head := append([]byte(nil), in.buffered()...)
	in.drop()
	err := in.wait()
	if in.b == nil {
		in.take(getBuffer(), 0)
	}
	if len(head)+in.w > len(in.b) {
		in.grow()
	}
	in.w = len(head) + copy(in.b[len(head):], in.b[:in.w])
	copy(in.b, head)
	return err
}

// isPlain reports whether the bytes of the connection are those of the messages.
func (in *input) isPlain() bool {
	s, ok := in.src.(*socket)
	return ok && s == in.sock
}

// more reads what has come, and reports whether that was something. It doesn't wait.
func (in *input) more() bool {
	if in.r != in.w || in.pool == nil || !in.isPlain() || in.sock.raw == nil {
		return false
	}
	in.r, in.w = 0, 0
	_ = in.sock.raw.Control(func(fd uintptr) {
		switch n, err := readSocket(fd, in.b); {
		case err == nil:
			in.w = n
		case err != syscall.EAGAIN:
			in.err = os.NewSyscallError("read", err)
		}
	})
	return in.w > 0
}
