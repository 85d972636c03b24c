//go:build unix

package wire

import "syscall"

// peek sees whether nothing has come: neither bytes nor an end.
func (l *link) peek(fd uintptr) {
	for {
		_, _, err := syscall.Recvfrom(int(fd), l.in.one[:], syscall.MSG_PEEK)
		if err != syscall.EINTR {
			l.silent = err == syscall.EAGAIN
			return
		}
	}
}
