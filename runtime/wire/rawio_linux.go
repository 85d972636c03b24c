//go:build !race

package wire

import (
	"syscall"
	"unsafe"
)

// rawReads says that sockets can be read by readSocket, and written by writeSocket.
const rawReads = true

// The calls below never wait, since the descriptors of package net don't. So the scheduler isn't told of
// them: it would take the processor away from those that last longer than usual, and give it back, for nothing.

// readSocket reads what has come, without waiting.
func readSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
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
		n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}
