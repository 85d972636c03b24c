package wire

import "golang.org/x/sys/unix"

// isGone reports whether the peer has closed the connection, or, with half, its sending half: which of them, nobody
// can tell before writing.
func (s *socket) isGone(half bool) (gone bool) {
	if s.raw == nil {
		return false
	}
	const whole = unix.POLLHUP | unix.POLLERR
	_ = s.raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(p, 0)
		gone = err == nil && n > 0 && (half || p[0].Revents&whole != 0)
	})
	return gone
}
