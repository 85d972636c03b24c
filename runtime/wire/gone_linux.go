package wire

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// isGone reports whether the peer has closed the connection, or, with half, its sending half: which of them, nobody
// can tell before writing.
func (s *socket) isGone(half bool) (gone bool) {
	if s.raw == nil {
		return false
	}
	const whole = unix.POLLHUP | unix.POLLERR
	_ = s.raw.Control(func(fd uintptr) {
		// It doesn't wait, so the scheduler needn't know.
		p, never := unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}, unix.Timespec{}
		n, _, e := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&never)), 0, 0, 0)
		gone = e == 0 && n > 0 && (half || p.Revents&whole != 0)
	})
	return gone
}
