package lb

import "github.com/aileron-gateway/aileronc/runtime/gateway"

// Maglev picks by the look-up table of Google's load balancer (Eisenbud et al.,
// "Maglev: A Fast and Reliable Software Network Load Balancer", 2016, section 3.4).
// The shares are closer to the weights than with RingHash and a pick is faster; when an
// upstream is removed, hardly any keys but its own move.
func Maglev(key Key, upstreams ...Upstream) *Balancer {
	b := newBalancer(upstreams)
	table := maglevTable(b.targets)
	size := uint64(len(table))
	b.pick = func(x *gateway.Exchange, tried []*Target) *Target {
		at := key.hash(x) % size
		for range size {
			if t := b.targets[table[at]]; t.take(tried) {
				return t
			}
			if at++; at == size { // neighbours are as good as random
				at = 0
			}
		}
		return b.firstUsable(tried)
	}
	return b
}

// maglevTable says which target each slot belongs to. The targets take turns, as
// often as their weights say, and each takes the next free slot of its own permutation
// of all slots.
func maglevTable(targets []*Target) []int32 {
	if len(targets) == 0 {
		return nil
	}
	size := maglevSize(totalWeight(targets) / unit(targets))
	table := make([]int32, size)
	for i := range table {
		table[i] = -1
	}
	type turn struct{ next, skip, due uint64 }
	turns := make([]turn, len(targets))
	for i, t := range targets {
		turns[i] = turn{next: mix(t.id) % size, skip: mix(mix(t.id))%(size-1) + 1}
	}
	heaviest := heaviest(targets)
	for free, round := size, uint64(1); ; round++ {
		for i, t := range targets {
			turn := &turns[i]
			if round*t.weight < turn.due {
				continue
			}
			turn.due += heaviest
			for table[turn.next] >= 0 {
				turn.next = (turn.next + turn.skip) % size
			}
			table[turn.next] = int32(i)
			if free--; free == 0 {
				return table
			}
		}
	}
}

// maglevSize is a prime of at least twice the weights. The size decides where all
// keys go, so it stays the same over a wide range of weights.
func maglevSize(weights uint64) uint64 {
	size := uint64(1 << 14)
	for size < 2*weights {
		size *= 4
	}
	for !prime(size) {
		size++
	}
	return size
}

func prime(n uint64) bool {
	for d := uint64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
