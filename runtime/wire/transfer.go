package wire

import (
	"io"
	"os"
	"sync"
	"syscall"
)

// A transfer is a read, or a write, by the calls of which the scheduler of Go isn't told. Those of package net it is: on a gateway that isn't
// busy all the time, that wakes the thread that watches for calls which take long, and the requests of the next milliseconds pay for it.
type transfer struct {
	p       []byte
	n       int   // how much of p is done
	err     error // why not more
	in, out func(fd uintptr) bool
}

var transfers = sync.Pool{New: func() any {
	t := new(transfer)
	t.in, t.out = t.read, t.write
	return t
}}

// read reads what has come, and reports whether that was something, or an error.
func (t *transfer) read(fd uintptr) bool {
	t.n, t.err = readSocket(fd, t.p)
	return t.err != syscall.EAGAIN
}

// write writes as much as the peer takes, and reports whether that was all, or an error.
func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.p) {
		n, err := writeSocket(fd, t.p[t.n:])
		if t.err = err; err != nil {
			return err != syscall.EAGAIN
		}
		t.n += n
	}
	return true
}

// isBare reports whether nothing but the connection itself has to do with what is read and written.
func (s *socket) isBare() bool {
	return s.raw != nil && !(s.plain && (s.readEach > 0 || s.writeEach > 0))
}

// read is that of [net.Conn].
func (s *socket) read(p []byte) (n int, err error) {
	if len(p) == 0 || !s.isBare() {
		return s.conn.Read(p)
	}
	t := transfers.Get().(*transfer)
	t.p = p
	if n, err = t.end("read", s.raw.Read(t.in)); n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// write is that of [net.Conn].
func (s *socket) write(p []byte) (n int, err error) {
	if !s.isBare() {
		return s.conn.Write(p)
	}
	t := transfers.Get().(*transfer)
	t.p = p
	return t.end("write", s.raw.Write(t.out))
}

// end returns what t has done, and gives it back. err is why it couldn't wait.
func (t *transfer) end(call string, err error) (int, error) {
	n := t.n
	if err == nil && t.err != nil {
		err = os.NewSyscallError(call, t.err)
	}
	t.p, t.n, t.err = nil, 0, nil
	transfers.Put(t)
	return n, err
}
