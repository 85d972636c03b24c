package wire

import (
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// canSplice says that there are pipes that the kernel moves bytes by.
const canSplice = true

// pipeSize is how much of a content is moved at a time, and smallPipe what has to fit so that it's worth while.
const (
	pipeSize  = 256 << 10
	smallPipe = 64 << 10
)

// A pipe is where bytes are that have left one socket, and not entered the other one yet. What package net has for this tells the
// scheduler of each call. That takes longer than usual then, as it moves many bytes, though it never waits: a third of the
// processor's time went to the thread that watches for such calls.
type pipe struct {
	r, w int
	left int // what is in it

	cleanup runtime.Cleanup // closes it if nobody else does

	limit           int // of the call
	n               int // what it has moved
	err             error
	tryIn, tryDrain func(fd uintptr) bool // made once
}

var pipes = sync.Pool{New: func() any {
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return (*pipe)(nil)
	}
	if _, err := unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		// Who isn't root has 64 MiB of pipes at most. Those beyond are of a page or two.
		if size, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETPIPE_SZ, 0); err != nil || size < smallPipe {
			closePipe(fds)
			return (*pipe)(nil)
		}
	}
	p := &pipe{r: fds[0], w: fds[1]}
	p.tryIn, p.tryDrain = p.in, p.out
	p.cleanup = runtime.AddCleanup(p, closePipe, fds)
	return p
}}

func closePipe(fds [2]int) {
	_ = unix.Close(fds[0])
	_ = unix.Close(fds[1])
}

// getPipe returns an empty pipe, nil if the system gives none that is of use.
func getPipe() *pipe { return pipes.Get().(*pipe) }

// release gives p back, if it's empty. What is still in it is nobody's any more.
func (p *pipe) release() {
	if p.left == 0 {
		pipes.Put(p)
		return
	}
	p.cleanup.Stop()
	closePipe([2]int{p.r, p.w})
}

// in moves what has come on the socket fd, if p is empty, and reports whether that was something, or an error.
func (p *pipe) in(fd uintptr) bool {
	p.n, p.err = splice(int(fd), p.w, p.limit)
	return p.err != syscall.EAGAIN
}

// out moves what is in p to the socket fd, as much as that takes, and reports whether that was all, or an error.
func (p *pipe) out(fd uintptr) bool {
	for p.left > 0 {
		n, err := splice(p.r, int(fd), p.left)
		if err == nil && n == 0 {
			err = io.ErrNoProgress
		}
		if p.err = err; err != nil {
			return err != syscall.EAGAIN
		}
		p.left -= n
	}
	return true
}

// splice moves up to n bytes without waiting.
func splice(from, to, n int) (int, error) {
	for {
		moved, _, e := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		switch e {
		case 0:
			return int(moved), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// splice has the kernel move the rest of c to dst, and returns how much of it has got there. An error of reading is a
// ReadError.
func (c *content) splice(dst *socket) (sent int64, err error) {
	p := getPipe()
	if p == nil {
		return c.copy(dst)
	}
	defer p.release()
	for c.left > 0 {
		n, err := c.in.sock.fill(p, c.left)
		if err != nil {
			return sent, c.cut(err)
		}
		c.left -= n
		n, err = dst.drain(p)
		if sent += n; err != nil {
			c.err = io.ErrUnexpectedEOF // what is in the pipe is lost
			return sent, err
		}
	}
	c.err = io.EOF
	return sent, nil
}

// fill waits for the peer, and moves what has come to p, which is empty, but not more than limit bytes. At the end of the connection the
// error is io.EOF.
func (s *socket) fill(p *pipe, limit int64) (int64, error) {
	p.limit = int(min(limit, pipeSize))
	if err := s.waitRead(p.tryIn); err != nil {
		return 0, err
	}
	switch {
	case p.err != nil:
		return 0, s.failure(os.NewSyscallError("splice", p.err))
	case p.n == 0:
		return 0, s.failure(io.EOF)
	}
	p.left = p.n
	return int64(p.n), nil
}

// drain moves all that is in p to the peer, and returns how much it has taken.
func (s *socket) drain(p *pipe) (int64, error) {
	before := p.left
	err := s.waitWrite(p.tryDrain)
	if err == nil && p.err != nil {
		s.noteReset(p.err)
		err = s.failure(os.NewSyscallError("splice", p.err))
	}
	return int64(before - p.left), err
}
