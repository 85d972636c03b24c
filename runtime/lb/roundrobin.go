package lb

import (
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// RoundRobin picks the upstreams in turn. With weights the turns of the heavier ones
// are spread evenly ("smooth" weighted round robin, as nginx does it), and the order
// is always the same.
func RoundRobin(upstreams ...Upstream) *Balancer {
	b := newBalancer(upstreams)
	turns := totalWeight(b.targets) / unit(b.targets)
	s := &smooth{targets: b.targets, current: make([]int64, len(b.targets))}
	if turns > maxTurns {
		b.pick = s.pick
		return b
	}
	r := &rotation{b: b, order: make([]*Target, turns)}
	for i := range r.order {
		r.order[i] = s.step((*Target).Usable)
	}
	b.pick = r.pick
	return b
}

// maxTurns is how many turns are worked out in advance at most.
const maxTurns = 4096

// A rotation is one full round, worked out in advance: a pick needs no lock.
type rotation struct {
	b     *Balancer
	order []*Target
	next  atomic.Uint64
}

func (r *rotation) pick(_ *gateway.Exchange, tried []*Target) *Target {
	n := uint64(len(r.order))
	for range n {
		if t := r.order[(r.next.Add(1)-1)%n]; t.take(tried) {
			return t
		}
	}
	return r.b.firstUsable(tried)
}

// smooth works out turn by turn: each target gains its weight, the one that has most
// is picked, and pays what all have gained.
type smooth struct {
	mu      sync.Mutex
	targets []*Target
	current []int64
}

func (s *smooth) pick(_ *gateway.Exchange, tried []*Target) *Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.step(func(t *Target) bool { return !t.isOneOf(tried) && t.mayTake() }); t == nil || t.take(nil) {
		return t
	}
	// It was to be tried again, and another request does that.
	return s.step(func(t *Target) bool { return !t.isOneOf(tried) && t.Usable() })
}

// step picks one of those for which ok holds.
func (s *smooth) step(ok func(*Target) bool) *Target {
	best, total := -1, int64(0)
	for i, t := range s.targets {
		if !ok(t) {
			continue
		}
		total += int64(t.weight)
		s.current[i] += int64(t.weight)
		if best < 0 || s.current[i] > s.current[best] {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	s.current[best] -= total
	return s.targets[best]
}
