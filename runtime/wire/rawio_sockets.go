//go:build linux && (amd64 || arm64) && !race

package wire

import (
	"syscall"
	"unsafe"
)

// rawReads says that sockets can be read by readSocket, and written by writeSocket.
const rawReads = true

// The calls below never wait, since the descriptors of package net don't. So the scheduler isn't told of
// them: it would take the processor away from those that last longer than usual, and give it back, for nothing. They
// are those of sockets, which do less than those of files.

// readSocket reads what has come, without waiting.
func readSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// writeSocket writes as much of p as the connection takes without waiting.
func writeSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// isSilent reports whether nothing has come: neither bytes nor an end.
func isSilent(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
		if e != syscall.EINTR {
			return e == syscall.EAGAIN
		}
	}
}
