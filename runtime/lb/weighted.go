package lb

import (
	"math/rand/v2"
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Random picks an upstream at random.
func Random(upstreams ...Upstream) *Balancer {
	b := newBalancer(upstreams)
	w := newWeights(b.targets)
	b.pick = func(_ *gateway.Exchange, tried []*Target) *Target { return w.pick(rand.Uint64(), tried) }
	return b
}

// DirectHash picks the upstream of a key by the remainder of its hash, divided by the sum
// of the weights. It needs no memory; but most keys move when an upstream is added or removed.
func DirectHash(key Key, upstreams ...Upstream) *Balancer {
	b := newBalancer(upstreams)
	w := newWeights(b.targets)
	b.pick = func(x *gateway.Exchange, tried []*Target) *Target { return w.pick(key.hash(x), tried) }
	return b
}

// weights are targets side by side, each as broad as its weight.
type weights struct {
	targets []*Target
	upTo    []uint64 // where each target ends
}

func newWeights(targets []*Target) *weights {
	w := &weights{targets: targets, upTo: make([]uint64, len(targets))}
	sum := uint64(0)
	for i, t := range targets {
		sum += t.weight
		w.upTo[i] = sum
	}
	return w
}

func (w *weights) pick(n uint64, tried []*Target) *Target {
	at := n % w.upTo[len(w.upTo)-1]
	i, _ := slices.BinarySearch(w.upTo, at+1)
	if t := w.targets[i]; t.take(tried) {
		return t
	}
	return w.amongUsable(mix(n), tried)
}

// amongUsable does the same with those that are usable: what the others would have
// got is spread over them.
func (w *weights) amongUsable(n uint64, tried []*Target) (last *Target) {
	sum := uint64(0)
	for _, t := range w.targets {
		if t.Usable() && !t.isOneOf(tried) {
			sum += t.weight
		}
	}
	at := n % max(sum, 1)
	for _, t := range w.targets {
		if !t.Usable() || t.isOneOf(tried) {
			continue
		}
		if last = t; at < t.weight {
			break
		}
		at -= t.weight
	}
	return last
}
