//go:build unix && !linux

package wire

import "syscall"

// isGone reports whether the peer has closed the connection, or, with half, its sending half, unless there is something
// else to read first.
func (s *socket) isGone(half bool) (gone bool) {
	if s.raw == nil {
		return false
	}
	_ = s.raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = half && err == nil && n == 0 || err == syscall.ECONNRESET
	})
	return gone
}
