//go:build linux

package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// TakeTurns has all sockets wait for their turn, crowd or not, until the test ends.
func TakeTurns(t *testing.T) {
	order.always.Store(true)
	t.Cleanup(func() {
		order.always.Store(false)
		endTurns()
	})
}

// endTurns has the keeper go, if there is one. Nobody may be waiting.
func endTurns() {
	for gone := false; !gone; runtime.Gosched() {
		order.endIdle(true)
		order.mu.Lock()
		gone = order.start == nil
		order.mu.Unlock()
	}
}

// Who waits for his turn goes on when the keeper comes round, each one once.
func TestTurns(t *testing.T) {
	TakeTurns(t)
	order.count()
	if order.state.Load() != taken {
		t.Fatal("nobody takes turns")
	}
	const sockets, times = 50, 200
	var turns atomic.Int32
	var all sync.WaitGroup
	for range sockets {
		all.Go(func() {
			var s socket
			for range times {
				if s.awaitTurn() {
					turns.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := turns.Load(); n != sockets*times {
		t.Errorf("%d turns, not %d", n, sockets*times)
	}
	s := socket{broken: net.ErrClosed}
	s.isBroken.Store(true)
	if s.awaitTurn() {
		t.Error("a broken socket reads")
	}
	if s := new(socket); !s.missTurn(1) || s.missTurn(manyTurns) {
		t.Error("who has missed a turn is to wait for one more")
	}
}

// A crowd takes turns, on a single processor, and no longer than there is one. Nothing is left of that a while later.
func TestTurnsOfCrowd(t *testing.T) {
	processors := runtime.GOMAXPROCS(1)
	t.Cleanup(func() {
		endTurns()
		runtime.GOMAXPROCS(processors)
	})
	const clients = 64
	var crowded, alone atomic.Bool
	s := testServer(t, ServerOptions{}, func(x *gateway.Exchange) error {
		switch order.state.Load() {
		case taken:
			crowded.Store(true)
		case none:
			alone.Store(crowded.Load())
		}
		x.Response.Status, x.Response.Bytes = 200, []byte(x.Request.Path)
		return nil
	})
	end := time.Now().Add(patience)
	// visit asks again and again until something is so.
	visit := func(name string, until *atomic.Bool) {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(end)
		r := bufio.NewReader(c)
		for i := 0; !until.Load(); i++ {
			path := fmt.Sprintf("/%s/%d", name, i)
			if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Error(err)
				return
			}
			p, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := io.ReadAll(p.Body); err != nil || string(b) != path {
				t.Errorf("%q, %v instead of %s", b, err, path)
				return
			}
		}
	}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { visit(fmt.Sprint(i), &crowded) })
	}
	all.Wait()
	visit("last", &alone)
	for kept := true; kept; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the keeper doesn't go")
		}
		order.mu.Lock()
		kept = order.start != nil
		order.mu.Unlock()
	}
}
