package transporttest

import (
	"net"
	"syscall"
	"testing"
)

// stalled returns an address to which connections come into being not before connect is called: its queue is full.
func stalled(t *testing.T) (addr string, connect func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	first, err := net.Dial("tcp", l.Addr().String()) // fills the queue
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	return l.Addr().String(), func() { _ = l.Close() }
}
