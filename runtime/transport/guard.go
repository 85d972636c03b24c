package transport

import (
	"errors"
	"sync"
	"time"
)

// A guard keeps the response to one request from being that to another. net/http has a connection of HTTP/1 used again as soon as it has read
// all that a response says it has. If more is there, which nobody has asked for, it finds out a moment later, unless
// the next request has come first: then it's the answer to that one. So the next one waits here until net/http has looked, and what comes
// before that request is written is an error.
type guard struct {
	mu      sync.Mutex
	changed *sync.Cond // of which mu is the lock
	reading bool       // net/http has used up what has come, and waits for more
	unasked bool       // a request has the connection, but hasn't been written
	closed  bool
}

// reuseWait is how long net/http takes at most to look, which is a few microseconds. It's longer only if it doesn't look at all, as a later
// version might.
const reuseWait = time.Second

var errUnasked = errors.New("the upstream has sent what nobody has asked for")

func newGuard() *guard {
	g := new(guard)
	g.changed = sync.NewCond(&g.mu)
	return g
}

// reuse begins another request.
func (g *guard) reuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.reading && !g.closed {
		late := false
		t := time.AfterFunc(reuseWait, func() {
			g.mu.Lock()
			late = true
			g.mu.Unlock()
			g.changed.Broadcast()
		})
		defer t.Stop()
		for !g.reading && !g.closed && !late {
			g.changed.Wait()
		}
	}
	g.unasked = true
}

// set sets one of the flags.
func (g *guard) set(flag *bool, value bool) {
	g.mu.Lock()
	*flag = value
	g.mu.Unlock()
	g.changed.Broadcast()
}

// read is read, which reads what the upstream sends.
func (g *guard) read(read func([]byte) (int, error), p []byte) (int, error) {
	g.set(&g.reading, true)
	n, err := read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reading = false
	if n > 0 && g.unasked {
		return 0, errUnasked
	}
	return n, err
}
