//go:build unix && !(linux && (amd64 || arm64) && !race)

package wire

import "syscall"

// rawReads says that sockets can be read by readSocket, and written by writeSocket.
const rawReads = true

// readSocket reads what has come, without waiting. The race detector knows of it, unlike of the other one.
func readSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// writeSocket writes as much of p as the connection takes without waiting.
func writeSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// isSilent reports whether nothing has come: neither bytes nor an end.
func isSilent(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err == syscall.EAGAIN
		}
	}
}
