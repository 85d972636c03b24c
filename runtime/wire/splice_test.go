package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// tcpPair returns both ends of a connection.
func tcpPair(t *testing.T) (near *socket, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); other.Close() })
	return newSocket(other), c.(*net.TCPConn)
}

// TestSplice holds how much arrives, and whose fault it is if not all does.
func TestSplice(t *testing.T) {
	const size = 4 << 20
	content4 := bytes.Repeat([]byte("content "), size/8)
	tests := []struct {
		name   string
		send   func(client, upstream *net.TCPConn, src *socket)
		got    int  // -1 if that depends
		reader bool // the error is one of reading
		err    error
	}{
		{"all of it", func(c, _ *net.TCPConn, _ *socket) { _, _ = c.Write(content4) }, size, false, nil},
		{"more than it", func(c, _ *net.TCPConn, _ *socket) { _, _ = c.Write(content4); _, _ = c.Write([]byte("GET /")) }, size, false, nil},
		{"the client ends early", func(c, _ *net.TCPConn, _ *socket) { _, _ = c.Write(content4[:size/2]); _ = c.CloseWrite() }, size / 2, true, io.ErrUnexpectedEOF},
		{"the client stops", func(c, _ *net.TCPConn, _ *socket) { _, _ = c.Write(content4[:1000]) }, 1000, true, errDeadline},
		{"the exchange is over", func(c, _ *net.TCPConn, src *socket) { _, _ = c.Write(content4[:1000]); src.Interrupt(errOver) }, -1, true, errOver},
		{"the client resets", func(c, _ *net.TCPConn, _ *socket) { _, _ = c.Write(content4[:1000]); _ = c.SetLinger(0); _ = c.Close() }, -1, true, syscall.ECONNRESET},
		{"the upstream goes away", func(c, up *net.TCPConn, _ *socket) { _ = up.Close(); _, _ = c.Write(content4) }, -1, false, net.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src, client := tcpPair(t)
			dst, upstream := tcpPair(t)
			src.rd.want = after(500 * time.Millisecond)
			in := &input{src: src, sock: src}
			c := new(content)
			c.begin(in, &framing{length: size})
			if !c.isSplicable(dst) {
				t.Fatal("it isn't spliced")
			}
			go tt.send(client, upstream, src)
			got := make(chan []byte, 1)
			go func() { b, _ := io.ReadAll(upstream); got <- b }()
			n, err := c.splice(dst)
			_ = dst.Close()
			b := <-got
			if tt.got >= 0 && (n != int64(tt.got) || !bytes.Equal(b, content4[:tt.got])) {
				t.Errorf("%d bytes, of which %d arrived, not %d", n, len(b), tt.got)
			}
			_, reader := errors.AsType[*gateway.ReadError](err)
			if reader != tt.reader || (err != nil) != (tt.err != nil) || tt.reader && !errors.Is(err, tt.err) {
				t.Errorf("the error is %v, of reading: %t", err, reader)
			}
			if tt.err == nil && !c.complete() {
				t.Error("it isn't complete")
			}
		})
	}
}

// TestCopyWithoutPipe holds what is done where the system has no more descriptors for a pipe.
func TestCopyWithoutPipe(t *testing.T) {
	const size = 1 << 20
	want := bytes.Repeat([]byte("content "), size/8)
	src, client := tcpPair(t)
	dst, upstream := tcpPair(t)
	c := new(content)
	c.begin(&input{src: src, sock: src}, &framing{length: size})
	go func() { _, _ = client.Write(want); _, _ = client.Write([]byte("GET /")) }()
	got := make(chan []byte, 1)
	go func() { b, _ := io.ReadAll(upstream); got <- b }()
	n, err := c.copy(dst)
	_ = dst.Close()
	if b := <-got; err != nil || n != size || !bytes.Equal(b, want) || !c.complete() {
		t.Errorf("%d bytes, of which %d arrived; %v", n, len(b), err)
	}
}

// TestPipes holds that a pipe with something left in it is closed at once, however many clients go away in the middle of a response.
func TestPipes(t *testing.T) {
	if !canSplice {
		t.Skip("there are no pipes")
	}
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(all)
	}
	content1 := bytes.Repeat([]byte("content "), 1<<17)
	before := descriptors()
	for range 20 {
		src, client := tcpPair(t)
		dst, upstream := tcpPair(t)
		c := new(content)
		c.begin(&input{src: src, sock: src}, &framing{length: 1 << 30})
		go func() {
			for err := error(nil); err == nil; {
				_, err = client.Write(content1)
			}
		}()
		go func() {
			_, _ = io.ReadFull(upstream, make([]byte, 1000))
			_ = upstream.SetLinger(0)
			_ = upstream.Close()
		}()
		if _, err := c.splice(dst); err == nil {
			t.Error("all has gone to nobody")
		}
		for _, end := range []io.Closer{src, client, dst} {
			_ = end.Close()
		}
	}
	if after := descriptors(); after > before+8 {
		t.Errorf("there are %d descriptors, and were %d", after, before)
	}
}
