package wire

import (
	"context"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/internal/alarm"
)

// Whether the client is still there while the handler works is known to nobody, since nobody reads. A
// goroutine that reads on behalf of the handler would cost every request a switch; but few take so long that it
// matters. So one goroutine a server looks after those that do, ever more rarely.
const (
	watchTick = 100 * time.Millisecond
	// watchRarely is how long a client may be gone unnoticed.
	watchRarely = time.Second
	// watchCalm is how many ticks without any exchange end the watch, until there is one again.
	watchCalm = 20
)

// watch starts looking after the exchanges, unless that is being done.
func (s *Server) watch() {
	keepTime()
	if s.watching.CompareAndSwap(false, true) {
		go s.look()
	}
}

func (s *Server) look() {
	t := alarm.New()
	defer t.Close()
	for calm := 0; calm < watchCalm; calm++ {
		t.Set(watchTick)
		t.Wait()
		keepTime()
		select {
		case <-s.ended:
			order.endIdle(true)
			return
		default:
		}
		order.endIdle(false)
		if s.check() {
			calm = 0
		}
	}
	s.watching.Store(false)
	if s.check() { // it has begun before it could know
		s.watch()
	}
}

// check looks after all exchanges, and reports whether there are any.
func (s *Server) check() (busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		busy = c.check() || busy
	}
	return busy
}

// check ends the exchange, or the waiting for one, if the client has gone, and reports whether there is
// anything to look after.
func (c *conn) check() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.running
	if e == nil && (!c.waiting || c.fresh || c.look != 0) {
		return false
	}
	at := now()
	age := time.Duration(at - c.since)
	if age < watchTick || at < c.look {
		return true
	}
	c.look = at + instant(min(age, watchRarely))
	switch {
	case c.tunnel != nil: // whoever copies notices
	case !c.sock.isGone(e == nil || !e.isReading()): // one half may end before all that it has sent has been read
		if e == nil {
			c.memo.Store(nil)
			c.askLean(at)
		}
	case e != nil:
		e.Cancel(context.Canceled)
	case c.waiting:
		c.sock.limitReads(at)
	}
	return e != nil
}
