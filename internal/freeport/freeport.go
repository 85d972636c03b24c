// Package freeport finds addresses for the programs that tests start. It takes a while until a program listens, and
// tests of several packages run at a time: what one of them has found must not be found by another meanwhile.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// Ports are found between first and end, which is below those that systems give to connections and to whoever asks
// for any.
const (
	first = 20000
	end   = 32000
	block = 50 // how many ports a process takes at a time
)

// A process listens on the first port of each block that it has taken, for as long as it lives, and gives the others
// out.
var taken struct {
	sync.Mutex
	held      []net.Listener
	next, end int // of the block at hand
}

// Addr returns an address of the loopback interface that is free for TCP and for UDP. No other call returns it, be it
// in another process, while this process lives. The test fails at once if none is left.
func Addr(t testing.TB) string {
	t.Helper()
	addr, err := find()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func find() (string, error) {
	taken.Lock()
	defer taken.Unlock()
	for {
		for taken.next < taken.end {
			addr := address(taken.next)
			taken.next++
			if free(addr) {
				return addr, nil
			}
		}
		if err := take(); err != nil {
			return "", err
		}
	}
}

// take takes a block that nobody has.
func take() error {
	const blocks = (end - first) / block
	from := rand.IntN(blocks)
	for i := range blocks {
		port := first + (from+i)%blocks*block
		if l, err := net.Listen("tcp", address(port)); err == nil {
			taken.held = append(taken.held, l) // or it would be closed when it is collected
			taken.next, taken.end = port+1, port+block
			return nil
		}
	}
	return errors.New("no port is free")
}

func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	_ = l.Close()
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func address(port int) string {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)).String()
}
