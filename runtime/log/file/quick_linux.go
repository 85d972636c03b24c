package file

import (
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An identity is what a file keeps when it is moved.
type identity struct {
	dev uint64
	ino uint64
}

func identify(info fs.FileInfo) identity {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{uint64(s.Dev), s.Ino}
}

// rawSize is the size of the file that path leads to, if it is the one of id. The scheduler of Go doesn't get to know of it.
func rawSize(path string, id identity) (int64, bool) {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return 0, false
	}
	var s unix.Statx_t
	at := unix.AT_FDCWD
	_, _, e := syscall.RawSyscall6(unix.SYS_STATX, uintptr(at), uintptr(unsafe.Pointer(name)), 0, unix.STATX_INO|unix.STATX_SIZE, uintptr(unsafe.Pointer(&s)), 0)
	is := identity{unix.Mkdev(s.Dev_major, s.Dev_minor), s.Ino}
	return int64(s.Size), e == 0 && is == id
}

// isLocal reports whether the file is on a disk of this machine, or in its memory.
func isLocal(file *os.File, info fs.FileInfo) bool {
	var s unix.Statfs_t
	if !info.Mode().IsRegular() || unix.Fstatfs(int(file.Fd()), &s) != nil {
		return false
	}
	switch uint32(s.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}

// rawWrite is file.Write, but the scheduler of Go doesn't get to know of it, and the thread stays its.
func rawWrite(file *os.File, p []byte) (n int, err error) {
	fd := file.Fd()
	for n < len(p) {
		k, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p[n:]))), uintptr(len(p)-n))
		switch {
		case e == syscall.EINTR:
		case e != 0:
			return n, os.NewSyscallError("write", e)
		default:
			n += int(k)
		}
	}
	return n, nil
}
