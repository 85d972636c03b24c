package alarm

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Alarm rings once after each Set.
type Alarm struct {
	file *os.File
	raw  syscall.RawConn // nil if there is but slow
	slow *time.Timer
}

// New makes an Alarm that isn't set.
func New() *Alarm {
	if a := newAlarm(); a != nil {
		return a
	}
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &Alarm{slow: t}
}

func newAlarm() *Alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil
	}
	a := &Alarm{file: os.NewFile(uintptr(fd), "timer")}
	// Only what can be waited for has deadlines.
	if err = a.file.SetReadDeadline(time.Time{}); err == nil {
		a.raw, err = a.file.SyscallConn()
	}
	if err != nil {
		_ = a.file.Close()
		return nil
	}
	return a
}

// Set has the alarm ring after d, and not when it was to ring before. Any goroutine may call it.
func (a *Alarm) Set(d time.Duration) {
	if a.raw == nil {
		a.slow.Reset(d)
		return
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(d), 1))}
	_ = a.raw.Control(func(fd uintptr) {
		_, _, _ = syscall.RawSyscall6(unix.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	})
}

// Wait waits until the alarm rings.
func (a *Alarm) Wait() {
	if a.raw == nil {
		<-a.slow.C
		return
	}
	_ = a.raw.Read(func(fd uintptr) bool {
		var rings [8]byte
		_, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&rings)), unsafe.Sizeof(rings))
		return e != syscall.EAGAIN
	})
}

// Close frees what the alarm takes. Nobody may be waiting, nor set it any more.
func (a *Alarm) Close() {
	if a.raw == nil {
		a.slow.Stop()
		return
	}
	_ = a.file.Close()
}
