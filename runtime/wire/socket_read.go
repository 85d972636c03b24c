package wire

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// ReadBuffer waits for the peer, and returns a buffer with n bytes that came. While it waits, there is
// no buffer.
func (s *socket) ReadBuffer() (b *buffer, n int, err error) {
	if s.raw == nil {
		b = getBuffer()
		n, err = s.Read(b[:])
		return b, n, err
	}
	if err := s.waitRead(s.readable); err != nil {
		return nil, 0, err
	}
	b, n, err = s.got, s.gotN, s.gotErr
	s.got = nil
	return b, n, err
}

// waitReadable waits for the peer without reading. s.raw must not be nil.
func (s *socket) waitReadable() error {
	return s.waitRead(func(fd uintptr) bool { return !isSilent(fd) })
}

// waitRead calls try, now and each time something has come, until it returns true.
func (s *socket) waitRead(try func(fd uintptr) bool) error {
	return s.wait(&s.rd, s.readEach, setRead, syscall.RawConn.Read, try)
}

// waitWrite calls try, now and each time the peer takes more, until it returns true.
func (s *socket) waitWrite(try func(fd uintptr) bool) error {
	return s.wait(&s.wd, s.writeEach, setWrite, syscall.RawConn.Write, try)
}

// wait is waitRead and waitWrite: op has try called. Both end with the deadline d, or after each.
func (s *socket) wait(d *deadline, each time.Duration, set func(net.Conn, time.Time) error,
	op func(c syscall.RawConn, try func(fd uintptr) bool) error, try func(fd uintptr) bool) error {
	limit := d.want
	if each > 0 {
		d.want = earlier(limit, after(each))
		defer func() { d.want = limit }()
	}
	exact := false
	for {
		if err := s.arm(d, set, exact); err != nil {
			return err
		}
		err := op(s.raw, try)
		if err == nil {
			return nil
		}
		if !s.again(d, err) {
			return s.failure(err)
		}
		exact = true
	}
}

// serveReads waits for the peer as ReadBuffer does, but calls serve each time something has come and is in in, until that
// returns true. serve must neither read from s nor close it.
func (s *socket) serveReads(in *input, serve func() bool) error {
	s.in, s.inline = in, serve
	defer func() { s.inline = nil }()
	if err := s.waitRead(s.readable); err != nil {
		return err
	}
	return s.gotErr
}

// silence is how long an answer is waited for before the connection is looked at again, see Ask.
const silence = time.Second

// Ask writes p and returns what comes then, as ReadBuffer does. It spares the attempt to read before waiting, which
// would come too early for an answer. sent is how much of p has been written: if that isn't all, nothing has been
// waited for; without an error, the peer takes no more for now. If all has been written, and there is neither a buffer nor an error,
// nothing has come for a while, and ReadBuffer is for the rest of the waiting. o is what p is in, if it's to be given back when
// all has been written: while it's waited for, the next request is made in it, and it stays in the processor's cache. at is
// now. With look, p is written only if the peer has been silent.
func (s *socket) Ask(p []byte, o *outBuffer, at instant, look bool) (b *buffer, n, sent int, err error) {
	if s.raw == nil || s.readEach > 0 || s.writeEach > 0 {
		return nil, 0, 0, nil
	}
	if err := s.arm(&s.wd, setWrite, false); err != nil {
		return nil, 0, 0, err
	}
	limit := s.rd.want
	if !look {
		// An end of the connection that came before p was written isn't told again: so look once in a while.
		s.rd.want = earlier(limit, at+instant(silence))
	}
	err = s.arm(&s.rd, setRead, false)
	if s.rd.want = limit; err != nil {
		return nil, 0, 0, err
	}
	s.ask, s.askBuf, s.asked, s.look = p, o, 0, look
	err = s.raw.Read(s.readable)
	sent = s.asked
	s.ask, s.askBuf = nil, nil
	switch {
	case err == nil && s.gotErr == nil && s.got == nil: // not all of p could be written
		return nil, 0, sent, nil
	case err == nil:
		b, n, err = s.got, s.gotN, s.gotErr
		s.got = nil
		return b, n, sent, err
	case sent < len(p):
		if s.again(&s.rd, err) {
			err = nil
		}
		return nil, 0, sent, s.failure(err)
	}
	if !s.again(&s.rd, err) {
		return nil, 0, sent, s.failure(err)
	}
	return nil, 0, sent, nil
}

var errNotSilent = errors.New("the peer has closed the connection, or has sent what nobody asked for")

// tryAsk writes what Ask has been given, and reports whether there is nothing to wait for.
func (s *socket) tryAsk(fd uintptr) bool {
	p := s.ask
	s.ask, s.got, s.gotErr = nil, nil, nil
	if s.look && !isSilent(fd) {
		s.gotErr = errNotSilent
		return true
	}
	n, err := writeSocket(fd, p)
	s.asked = n
	if err != nil && err != syscall.EAGAIN {
		s.noteReset(err)
		s.gotErr = os.NewSyscallError("write", err)
	}
	if n < len(p) {
		return true
	}
	if s.askBuf != nil {
		outBuffers.Put(s.askBuf)
	}
	return false
}

// tryRead reads what has come; if that is nothing, it has itself called again when something has.
func (s *socket) tryRead(fd uintptr) bool {
	turns := 0 // how many s has waited for since something has come
	if s.ask != nil {
		if s.tryAsk(fd) {
			return true
		}
		if !s.awaitTurn() {
			return false
		}
		turns = 1
	}
	s.got, s.gotN, s.gotErr = nil, 0, nil
	for {
		b := getBuffer()
		n, err := readSocket(fd, b[:])
		switch {
		case err == syscall.EAGAIN:
			putBuffer(b)
			if turns == 0 || !s.missTurn(turns) {
				return false
			}
			turns++
			continue
		case n > 0 && err == nil && s.inline != nil:
			if s.serveInside(fd, b, n) {
				return true
			}
			if turns = 0; n == len(b) { // what has come besides isn't told of again
				continue
			}
			if !s.awaitTurn() {
				return false
			}
			turns = 1
			continue
		case n > 0 && err == nil:
			s.got, s.gotN = b, n
			return true
		case err != nil:
			s.gotErr = os.NewSyscallError("read", err)
		default:
			s.gotErr = s.end()
		}
		putBuffer(b)
		return true
	}
}

// serveInside calls inline for n bytes in b.
func (s *socket) serveInside(fd uintptr, b *buffer, n int) (done bool) {
	s.in.take(b, n)
	s.inside, s.fd = true, fd
	done = s.inline()
	s.inside = false
	return done
}
