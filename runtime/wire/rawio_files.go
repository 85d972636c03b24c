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
