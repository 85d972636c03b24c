package throttle

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func (l MaxConnections) gate(r *Rule) gate {
	if len(r.Keys) == 0 {
		c := &conns{max: int64(l.Max)}
		c.free = func(*gateway.Exchange) { c.open.Add(-1) }
		return c
	}
	k := &keyedConns{max: l.Max, keys: newKeys(r.Keys)}
	for i := range k.shards {
		k.shards[i].open = make(map[uint64]int)
	}
	return k
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

// keyedConns is conns for each key. There are no more keys than requests under way, which need much more
// memory.
type keyedConns struct {
	max    int
	keys   keys
	shards [64]struct {
		sync.Mutex
		open map[uint64]int
		_    [48]byte // a line of the cache for each
	}
}

func (c *keyedConns) take(x *gateway.Exchange, _ bool) verdict {
	key := c.keys.hash(x)
	s := &c.shards[key%uint64(len(c.shards))]
	s.Lock()
	n := s.open[key]
	if n >= c.max {
		s.Unlock()
		return busy
	}
	s.open[key] = n + 1
	s.Unlock()
	x.OnDone(func(*gateway.Exchange) {
		s.Lock()
		defer s.Unlock()
		if n := s.open[key]; n > 1 {
			s.open[key] = n - 1
		} else {
			delete(s.open, key)
		}
	})
	return verdict{ok: true, left: int64(c.max - n - 1)}
}

func (c *keyedConns) undo(*gateway.Exchange, verdict) {}
