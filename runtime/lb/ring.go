package lb

import (
	"cmp"
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// RingHash picks by consistent hashing (Karger et al., 1997): each upstream has many
// points on a ring, and a key belongs to the next point after its hash. When an
// upstream is removed, only its own keys move.
func RingHash(key Key, upstreams ...Upstream) *Balancer {
	b := newBalancer(upstreams)
	r := newRing(b.targets)
	b.pick = func(x *gateway.Exchange, tried []*Target) *Target {
		if t := r.pick(key.hash(x), tried); t != nil {
			return t
		}
		return b.firstUsable(tried)
	}
	return b
}

const (
	pointsPerWeight = 256   // the more, the closer to the weights the shares are
	maxPoints       = 16384 // of one upstream
)

type ring struct {
	hashes []uint64 // in ascending order
	owners []*Target
}

func newRing(targets []*Target) *ring {
	// The number of points of a target must not depend on what other targets there
	// are, or their keys would move, too. With weights above 64 it does, but only in
	// coarse steps, which most changes of a config don't cross.
	divisor := uint64(1)
	for heaviest(targets)*pointsPerWeight/divisor > maxPoints {
		divisor *= 16
	}
	type point struct {
		hash  uint64
		owner *Target
	}
	var points []point
	for _, t := range targets {
		for i := range (t.weight*pointsPerWeight + divisor - 1) / divisor {
			points = append(points, point{mix(t.id ^ mix(i)), t})
		}
	}
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.owner.id, b.owner.id))
	})
	r := &ring{hashes: make([]uint64, len(points)), owners: make([]*Target, len(points))}
	for i, p := range points {
		r.hashes[i], r.owners[i] = p.hash, p.owner
	}
	return r
}

func (r *ring) pick(hash uint64, tried []*Target) *Target {
	i, _ := slices.BinarySearch(r.hashes, hash)
	for range r.owners {
		if i == len(r.owners) {
			i = 0
		}
		if t := r.owners[i]; t.take(tried) {
			return t
		}
		i++
	}
	return nil
}
