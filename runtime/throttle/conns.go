package throttle

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func (l MaxConnections) gate(r *Rule) gate {
	switch {
	case r.Shared != nil:
		return newSharedConns(int64(l.Max), r)
	case len(r.Keys) > 0:
		return &keyedConns{keys: newKeys(r.Keys), counts: newCounts(int64(l.Max))}
	}
	c := &conns{max: int64(l.Max)}
	c.free = func(*gateway.Exchange) { c.open.Add(-1) }
	return c
}

// conns counts the requests that are under way.
type conns struct {
	max  int64
	open atomic.Int64
	free func(*gateway.Exchange)
}

func (c *conns) take(x *gateway.Exchange, _ bool) verdict {
	n := c.open.Load()
	for n < c.max && !c.open.CompareAndSwap(n, n+1) {
		n = c.open.Load()
	}
	if n >= c.max {
		return busy
	}
	x.OnDone(c.free)
	return verdict{ok: true, left: c.max - n - 1}
}

func (c *conns) undo(*gateway.Exchange, verdict) {}

// busy is the verdict if there is no room. Nobody knows when there will be.
var busy = verdict{retry: time.Second}

// keyedConns is conns for each key.
type keyedConns struct {
	keys   keys
	counts *counts
}

func (c *keyedConns) take(x *gateway.Exchange, _ bool) verdict {
	key := c.keys.hash(x)
	n, ok := c.counts.enter(key)
	if !ok {
		return busy
	}
	x.OnDone(func(*gateway.Exchange) { c.counts.leave(key) })
	return verdict{ok: true, left: c.counts.max - n}
}

func (c *keyedConns) undo(*gateway.Exchange, verdict) {}

// counts are the numbers of requests under way, by key. There are no more keys than requests, which need much more
// memory.
type counts struct {
	max    int64
	shards [64]struct {
		sync.Mutex
		open map[uint64]int64
		_    [48]byte // a line of the cache for each
	}
}

func newCounts(most int64) *counts {
	c := &counts{max: most}
	for i := range c.shards {
		c.shards[i].open = make(map[uint64]int64)
	}
	return c
}

// enter counts a request, if there is room. It returns how many there are then.
func (c *counts) enter(key uint64) (n int64, ok bool) {
	s := &c.shards[key%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	n = s.open[key]
	if n >= c.max {
		return n, false
	}
	s.open[key] = n + 1
	return n + 1, true
}

func (c *counts) leave(key uint64) {
	s := &c.shards[key%uint64(len(c.shards))]
	s.Lock()
	defer s.Unlock()
	if n := s.open[key]; n > 1 {
		s.open[key] = n - 1
	} else {
		delete(s.open, key)
	}
}
