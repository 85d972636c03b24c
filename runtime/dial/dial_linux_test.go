package dial

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// What Socket says of keep-alive must still hold when package net has had its say.
func TestSocketKeepAlive(t *testing.T) {
	l, _ := listen(t, "tcp", "127.0.0.1:0")
	f := mustNew(t, Options{
		KeepAlive: time.Minute,
		Socket:    sockopt.Options{TCP: sockopt.TCP{KeepIdle: 7 * time.Second, KeepCount: 3}},
	})
	raw, err := dialAndClose(t, f, "tcp", l.Addr().String()).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name                string
		level, option, want int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 7},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
	} {
		var got int
		_ = raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), tt.level, tt.option) })
		if err != nil || got != tt.want {
			t.Errorf("%s is %d, %v; not %d", tt.name, got, err, tt.want)
		}
	}
}
