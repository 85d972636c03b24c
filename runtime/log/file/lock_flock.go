//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package file

import (
	"errors"
	"os"
	"syscall"
)

// share tells others that lines are written to the file, until it is closed.
func share(file *os.File) { _ = flock(file, syscall.LOCK_SH) }

// lock reports whether nobody else writes to the file, as far as it can be known: some file systems have no locks.
func lock(file *os.File) bool {
	return !errors.Is(flock(file, syscall.LOCK_EX), syscall.EWOULDBLOCK)
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}
