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
)

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
}

// transferPair is tcpPair, and has the near end handed over if it is to be plain.
func transferPair(t *testing.T, plain bool) (near *socket, far *net.TCPConn) {
	near, far = tcpPair(t)
	if plain {
		near.handOver()
	}
	return near, far
}

// resetSocket is one of which the far end has been reset.
func resetSocket(t *testing.T, plain bool) *socket {
	near, far := transferPair(t, plain)
	_ = far.SetLinger(0)
	_ = far.Close()
	return near
}

// The reads and writes that the scheduler doesn't know are those of package net, also for those to whom a connection is handed over.
func TestTransferRead(t *testing.T) {
	for _, plain := range []bool{false, true} {
		s, peer := transferPair(t, plain)
		var b [8]byte
		if n, err := s.Read(nil); n != 0 || err != nil {
			t.Errorf("into nothing: %d, %v", n, err)
		}
		_ = s.SetReadDeadline(time.Now().Add(soon))
		if n, err := s.Read(b[:]); n != 0 || !isTimeout(err) {
			t.Errorf("after the deadline: %d, %v", n, err)
		}
		_ = s.SetReadDeadline(time.Time{})
		go func() {
			_, _ = io.WriteString(peer, "abc")
			_ = peer.CloseWrite()
		}()
		if n, err := s.Read(b[:]); string(b[:n]) != "abc" || err != nil {
			t.Errorf("%q, %v", b[:n], err)
		}
		if n, err := s.Read(b[:]); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
		_ = s.Close()
		if n, err := s.Read(b[:]); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("of a closed one: %d, %v", n, err)
		}
		if n, err := resetSocket(t, plain).Read(b[:]); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after a reset: %d, %v", n, err)
		}
	}
}

func TestTransferWrite(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	for _, plain := range []bool{false, true} {
		s, peer := transferPair(t, plain)
		_ = s.SetWriteDeadline(time.Now().Add(soon))
		n, err := s.Write(large)
		if n == 0 || n == len(large) || !isTimeout(err) {
			t.Errorf("where nobody reads: %d of %d, %v", n, len(large), err)
		}
		_ = s.SetWriteDeadline(time.Time{})
		got := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(peer)
			got <- b
		}()
		if m, err := s.Write(large[n:]); n+m != len(large) || err != nil {
			t.Errorf("%d more of %d, %v", m, len(large)-n, err)
		}
		_ = s.Close()
		if !bytes.Equal(<-got, large) {
			t.Error("the peer has got something else")
		}
		if n, err := s.Write(large); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("to a closed one: %d, %v", n, err)
		}
		if n, err := resetSocket(t, plain).Write(large); n == len(large) || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("after a reset: %d, %v", n, err)
		}
	}
}
