package throttle

import (
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func newGate(m meter, r *Rule) gate {
	c := clock{time.Now()}
	if len(r.Keys) == 0 {
		return &single{meter: m, clock: c}
	}
	return &keyed{meter: m, clock: c, keys: newKeys(r.Keys), table: newTable(r.MaxKeys)}
}

// A clock counts ticks.
type clock struct{ start time.Time }

// now is never 0, which is a client that nothing is known of.
func (c *clock) now() int64 { return int64(time.Since(c.start))*ticks + 1 }

// of is the time of x for m. For buckets that is when x began, which is known without asking the clock again and
// does no harm: a moment ago a bucket was a little less full.
func (c *clock) of(x *gateway.Exchange, m *meter, again bool) int64 {
	if m.interval == 0 || m.queues || again || x.Start.IsZero() {
		return c.now()
	}
	return max(int64(x.Start.Sub(c.start)), 0)*ticks + 1
}

// A single is a gate with one meter for all.
type single struct {
	meter
	clock
	state atomic.Uint64
}

func (g *single) take(x *gateway.Exchange, again bool) verdict {
	for {
		state := g.state.Load() // before the clock is read, so that no window begins later than now
		now := g.of(x, &g.meter, again)
		next, ok := g.meter.take(state, now, now)
		if !ok {
			return g.say(state, now, false)
		}
		if g.state.CompareAndSwap(state, next) {
			return g.say(next, now, true)
		}
	}
}

func (g *single) undo(_ *gateway.Exchange, v verdict) {
	g.state.CompareAndSwap(v.state, v.state-uint64(g.interval))
}

// A keyed is a gate with a meter for each key.
type keyed struct {
	meter
	clock
	keys  keys
	table *table
}

func (g *keyed) take(x *gateway.Exchange, again bool) verdict {
	key := g.keys.hash(x)
	s, l := g.table.lock(key)
	now := g.of(x, &g.meter, again)
	state, ok := s.take(&g.meter, key, g.table.start(&g.meter, key, now), now)
	l.Unlock()
	return g.say(state, now, ok)
}

func (g *keyed) undo(x *gateway.Exchange, v verdict) {
	key := g.keys.hash(x)
	s, l := g.table.lock(key)
	s.swap(key, v.state, v.state-uint64(g.interval))
	l.Unlock()
}
