package listen_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 5 * time.Second

func open(t *testing.T, o listen.Options) net.Listener {
	t.Helper()
	l, err := listen.Listen(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(l.Addr().Network(), l.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestListenNetworks(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		addr, network string
		linux         bool
	}{
		{"127.0.0.1:0", "tcp", false},
		{"tcp://127.0.0.1:0", "tcp", false},
		{"tcp4://:0", "tcp", false},
		{"", "tcp", false},
		{"unix://" + filepath.Join(dir, "a.sock"), "unix", false},
		{"unix://@aileronc-listen-test", "unix", true},
		{"unixpacket://" + filepath.Join(dir, "b.sock"), "unixpacket", true},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			if tt.linux && runtime.GOOS != "linux" {
				t.Skip("only on Linux")
			}
			l := open(t, listen.Options{Addr: tt.addr, Socket: sockopt.Options{}})
			if got := l.Addr().Network(); got != tt.network {
				t.Errorf("network %q, want %q", got, tt.network)
			}
			client := dial(t, l)
			server := accept(t, l)
			if _, err := client.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 16)
			if n, err := server.Read(b); err != nil || string(b[:n]) != "hello" {
				t.Errorf("read %q, %v", b[:n], err)
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy := filepath.Join(dir, "busy.sock")
	open(t, listen.Options{Addr: "unix://" + busy})
	tests := []struct {
		name    string
		options listen.Options
		want    []string
	}{
		{"port out of range", listen.Options{Addr: "127.0.0.1:99999"}, []string{"99999"}},
		{"unknown network", listen.Options{Addr: "udp://127.0.0.1:0"}, []string{`"udp"`, "tcp4"}},
		{"no path", listen.Options{Addr: "unix://"}, []string{"path"}},
		{"a file that is no socket", listen.Options{Addr: "unix://" + file}, []string{file}},
		{"a socket that is in use", listen.Options{Addr: "unix://" + busy}, []string{busy, "in use"}},
		{"network without length", listen.Options{Addr: "127.0.0.1:0", Networks: []string{"127.0.0.1"}}, []string{"127.0.0.1"}},
		{"networks on a unix socket", listen.Options{Addr: "unix://" + filepath.Join(dir, "n"), Networks: []string{"127.0.0.0/8"}}, []string{"networks"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := listen.Listen(context.Background(), tt.options)
			if err == nil {
				_ = l.Close()
				t.Fatal("no error")
			}
			for _, w := range append(tt.want, tt.options.Addr) {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q doesn't say %q", err, w)
				}
			}
		})
	}
	if c, err := net.Dial("unix", busy); err != nil {
		t.Errorf("the socket in use has been taken away: %v", err)
	} else {
		_ = c.Close()
	}
}

func TestStaleSocketIsReplacedAndRemovedOnClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gw.sock")
	killed, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	killed.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}
	l := open(t, listen.Options{Addr: "unix://" + path, ConnectionLimit: 1})
	dial(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestNetworksAllow(t *testing.T) {
	tests := []struct {
		networks []string
		allowed  bool
	}{
		{[]string{"127.0.0.1/32"}, true},
		{[]string{"10.0.0.0/8", "127.0.0.0/8"}, true},
		{[]string{"::ffff:127.0.0.0/104"}, true},
		{[]string{"192.168.0.1/32"}, false},
		{[]string{"::/0"}, false},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.networks, " "), func(t *testing.T) {
			l := open(t, listen.Options{Addr: "127.0.0.1:0", Networks: tt.networks})
			served := make(chan struct{})
			go func() {
				defer close(served)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(c, "hello")
					_ = c.Close()
				}
			}()
			b, _ := io.ReadAll(dial(t, l))
			if got := string(b) == "hello"; got != tt.allowed {
				t.Errorf("allowed %v, want %v", got, tt.allowed)
			}
			_ = l.Close()
			<-served
		})
	}
}

func TestConnectionLimit(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ConnectionLimit: 2})
	for range 3 {
		dial(t, l)
	}
	first := accept(t, l)
	accept(t, l)
	third := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.Close()
		}
		third <- err
	}()
	select {
	case err := <-third:
		t.Fatalf("a third connection was accepted (%v)", err)
	case <-time.After(20 * time.Millisecond): // it must not happen; longer only finds more
	}
	_ = first.Close()
	_ = first.Close() // gives back one slot, not two
	if err := <-third; err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsAnAcceptThatWaitsForASlot(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ConnectionLimit: 1})
	dial(t, l)
	accept(t, l)
	done := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		done <- err
	}()
	_ = l.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept returned %v", err)
	}
}

func TestReadDeadlineIsPerRead(t *testing.T) {
	const d = 100 * time.Millisecond
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ReadDeadline: d})
	client, server := dial(t, l), accept(t, l)
	start := time.Now()
	b := make([]byte, 1)
	for time.Since(start) < 2*d { // longer in all than one deadline
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Read(b); err != nil {
			t.Fatalf("a connection that isn't idle was cut: %v", err)
		}
	}
	if _, err := server.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent peer: got %v", err)
	}
}

func TestPauseReads(t *testing.T) {
	const d = 20 * time.Millisecond
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ReadDeadline: d})
	client, server := dial(t, l), accept(t, l)
	listen.PauseReads(server, true)
	time.AfterFunc(3*d, func() { _, _ = client.Write([]byte("x")) })
	b := make([]byte, 1)
	if _, err := server.Read(b); err != nil {
		t.Errorf("paused: %v", err)
	}
	if err := server.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("paused, but with a deadline of its own: %v", err)
	}
	_ = server.SetReadDeadline(time.Time{})
	listen.PauseReads(server, false)
	if _, err := server.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("resumed: %v", err)
	}
}

func TestDeadlineInterruptsAPendingRead(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ReadDeadline: time.Hour})
	dial(t, l)
	server := accept(t, l)
	done := make(chan error, 1)
	go func() {
		_, err := server.Read(make([]byte, 1))
		done <- err
	}()
	if err := server.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWriteDeadlineIsPerWrite(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", WriteDeadline: 50 * time.Millisecond})
	dial(t, l) // never reads
	server := accept(t, l)
	b := make([]byte, 1<<20)
	var err error
	for n := 0; n < 64 && err == nil; n++ { // until the buffers of both sides are full
		_, err = server.Write(b)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestHalfCloseAndSendfilePassTheWrapper(t *testing.T) {
	l := open(t, listen.Options{Addr: "127.0.0.1:0", ConnectionLimit: 1})
	client, server := dial(t, l), accept(t, l)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if n, err := server.(io.ReaderFrom).ReadFrom(f); n != 7 || err != nil {
		t.Errorf("ReadFrom = %d, %v", n, err)
	}
	if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(client); string(b) != "content" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestSocketOptionThatFails(t *testing.T) {
	_, err := listen.Listen(context.Background(), listen.Options{
		Addr: "127.0.0.1:0", Socket: sockopt.Options{SO: sockopt.SO{BindToDevice: "no-such-device"}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	if runtime.GOOS == "linux" && !strings.Contains(err.Error(), "SO_BINDTODEVICE") {
		t.Errorf("error %q doesn't name the option", err)
	}
}

func TestKeepAlive(t *testing.T) {
	for _, k := range []listen.KeepAlive{{Disable: true}, {Idle: 5 * time.Second, Interval: -1, Count: 3}} {
		l := open(t, listen.Options{Addr: "127.0.0.1:0", KeepAlive: k})
		dial(t, l)
		accept(t, l)
	}
}

func ExampleListen() {
	l, err := listen.Listen(context.Background(), listen.Options{
		Addr:            "tcp4://127.0.0.1:0",
		ConnectionLimit: 1000,
		Networks:        []string{"10.0.0.0/8", "127.0.0.0/8"},
		ReadDeadline:    10 * time.Second,
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = l.Close() }()
	fmt.Println(l.Addr().Network())
	// Output: tcp
}
