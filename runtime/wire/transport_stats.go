package wire

import (
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// Measure returns what tells of the connections to an upstream.
func (t *Transport) Measure(scheme, host string) func() upstreamstats.Conns {
	o := origin{scheme, host}
	t.mu.Lock()
	defer t.mu.Unlock()
	opened := t.measured[o]
	if opened == nil {
		if t.measured == nil {
			t.measured = make(map[origin]*atomic.Uint64)
		}
		opened = new(atomic.Uint64)
		t.measured[o] = opened
	}
	return func() upstreamstats.Conns {
		c := upstreamstats.Conns{Opened: opened.Load()}
		t.mu.RLock()
		u := t.upstreams[o]
		t.mu.RUnlock()
		if u != nil {
			u.mu.Lock()
			c.Open, c.Idle = u.links, len(u.idle)
			u.mu.Unlock()
		}
		return c
	}
}
