package throttle

import (
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A clock counts ticks.
type clock struct{ start time.Time }

// now is never 0, which is a client that nothing is known of.
func (c *clock) now() int64 { return int64(time.Since(c.start))*ticks + 1 }

func (c *clock) at(t time.Time) int64 { return max(int64(t.Sub(c.start)), 0)*ticks + 1 }

// A metered is a gate with a meter for all, or one for each key.
type metered struct {
	meter
	clock
	keys  keys
	table *table // nil without keys
	state atomic.Uint64
}

func newMetered(m meter, r *Rule) *metered {
	g := &metered{meter: m, clock: clock{time.Now()}}
	if len(r.Keys) > 0 {
		g.keys, g.table = newKeys(r.Keys), newTable(r.MaxKeys)
	}
	return g
}

func newGate(m meter, r *Rule) gate {
	g := newMetered(m, r)
	if r.Shared == nil {
		return g
	}
	return newShared(g, r)
}

func (g *metered) take(x *gateway.Exchange, again bool) verdict {
	if g.table == nil {
		return g.takeSingle(x, again)
	}
	key := g.keys.hash(x)
	s, l := g.table.lock(key)
	now := g.of(x, again)
	state, ok := s.take(&g.meter, key, g.table.start(&g.meter, key, now), now)
	l.Unlock()
	return g.say(state, now, ok)
}

func (g *metered) takeSingle(x *gateway.Exchange, again bool) verdict {
	for {
		state := g.state.Load()
		now := g.of(x, again)
		next, ok := g.meter.take(state, now, now)
		if !ok {
			return g.say(state, now, false)
		}
		if g.state.CompareAndSwap(state, next) {
			return g.say(next, now, true)
		}
	}
}

// of is the time of x. For buckets that is when x began, which is known without asking the clock again and
// does no harm: a moment ago a bucket was a little less full.
func (g *metered) of(x *gateway.Exchange, again bool) int64 {
	if g.interval == 0 || g.queues || again || x.Start.IsZero() {
		return g.now()
	}
	return g.at(x.Start)
}

// undo gives back a place in a queue, if it's the last one.
func (g *metered) undo(x *gateway.Exchange, v verdict) {
	given := v.state - uint64(g.interval)
	if g.table == nil {
		g.state.CompareAndSwap(v.state, given)
		return
	}
	key := g.keys.hash(x)
	s, l := g.table.lock(key)
	if e := s.find(key); e != nil && e.state == v.state {
		e.state = given
	}
	l.Unlock()
}
