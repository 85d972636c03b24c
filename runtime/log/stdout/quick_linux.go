package stdout

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unfit is a file to which nothing can be written at once: a terminal, say, or any with an old kernel.
var unfit *os.File

// atOnce writes as much of p as that can be done without waiting, and returns how much that is. The scheduler of Go isn't told of it: on
// a gateway that isn't busy all the time, that would wake the thread that watches for calls which take long, and the requests of
// the next milliseconds would pay for it.
func atOnce(f *os.File, p []byte) (n int) {
	if f == unfit || len(p) == 0 {
		return 0
	}
	raw, err := f.SyscallConn() // Fd would make the file one that has others wait, too
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		const here = ^uintptr(0) // the position
		for n < len(p) {
			v := unix.Iovec{Base: &p[n]}
			v.SetLen(len(p) - n)
			k, _, e := syscall.RawSyscall6(unix.SYS_PWRITEV2, fd, uintptr(unsafe.Pointer(&v)), 1, here, here, unix.RWF_NOWAIT)
			switch e {
			case 0:
				if n += int(k); k == 0 {
					return
				}
			case syscall.EINTR:
			case syscall.EAGAIN, syscall.EPIPE:
				return
			default:
				unfit = f
				return
			}
		}
	})
	return n
}
