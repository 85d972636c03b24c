// Package lb spreads requests over upstreams.
//
// Each algorithm has a constructor, which takes the upstreams and, if the choice
// depends on the request, the [Key] that tells requests apart. All respect weights,
// never wait and never allocate to pick, and pass over upstreams that are not usable.
package lb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An Upstream is a server that answers requests.
type Upstream struct {
	// URL is where it is: http or https, a host, and optionally a path and a query,
	// which are put in front of those of the request.
	URL string
	// Weight is its share of the requests, relative to the other upstreams, up to
	// 65535. 0 means 1; with -1 it gets none.
	Weight int
}

const maxWeight = 65535

// A Target is an Upstream made ready.
type Target struct {
	Scheme string // "http" or "https"
	Host   string // with its port, if the URL has one
	// Path and RawPath are the path of the URL, decoded and percent-encoded.
	Path, RawPath string
	RawQuery      string

	id     uint64
	weight uint64
	down   atomic.Bool
	owner  *Balancer
}

// Usable reports whether t may be picked.
func (t *Target) Usable() bool { return !t.down.Load() }

// SetUsable takes t out of the choice, or back into it. It's for health checks; at
// first all targets are usable.
func (t *Target) SetUsable(usable bool) {
	if t.down.Swap(!usable) != usable {
		return // as it was
	}
	if usable {
		t.owner.usable.Add(1)
	} else {
		t.owner.usable.Add(-1)
	}
}

// A Balancer picks one of its targets for each request. It is safe for concurrent use.
type Balancer struct {
	targets []*Target
	usable  atomic.Int64
	pick    func(x *gateway.Exchange) *Target
	err     error
}

// Err tells what is wrong with the upstreams. A balancer with an error must not be used.
func (b *Balancer) Err() error { return b.err }

// Targets are the upstreams that take part, in the order given.
func (b *Balancer) Targets() []*Target { return b.targets }

// Pick returns the upstream that is to answer x, or nil if none is usable.
func (b *Balancer) Pick(x *gateway.Exchange) *Target {
	switch {
	case b.usable.Load() == 0:
		return nil
	case len(b.targets) == 1:
		return b.targets[0]
	}
	return b.pick(x)
}

// newBalancer leaves it to the caller to set pick, which is called only if there
// are two targets or more.
func newBalancer(upstreams []Upstream) *Balancer {
	b := &Balancer{}
	ids := make(map[uint64]bool, len(upstreams))
	var errs []error
	for i, u := range upstreams {
		if u.Weight < 0 {
			continue
		}
		t, err := newTarget(u)
		if err != nil {
			errs = append(errs, fmt.Errorf("upstream %d: %w", i+1, err))
			continue
		}
		for ids[t.id] { // the same URL again counts as one more upstream
			t.id = mix(t.id)
		}
		ids[t.id] = true
		t.owner = b
		b.targets = append(b.targets, t)
	}
	b.usable.Store(int64(len(b.targets)))
	b.err = errors.Join(errs...)
	return b
}

func newTarget(u Upstream) (*Target, error) {
	at, err := url.Parse(u.URL)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err) // what is around it repeats the URL, which may hold a password
	case at.Scheme != "http" && at.Scheme != "https":
		return nil, fmt.Errorf("%s: the scheme must be http or https", at.Redacted())
	case at.Hostname() == "":
		return nil, fmt.Errorf("%s: there is no host", at.Redacted())
	case u.Weight > maxWeight:
		return nil, fmt.Errorf("%s: weight %d is above %d", at.Redacted(), u.Weight, maxWeight)
	}
	return &Target{
		Scheme: at.Scheme, Host: at.Host,
		Path: at.Path, RawPath: at.EscapedPath(), RawQuery: at.RawQuery,
		id:     xxhash.Sum64String(strings.TrimSuffix(u.URL, "/")),
		weight: uint64(max(u.Weight, 1)),
	}, nil
}

// firstUsable is for the case that targets come and go while one is being picked.
func (b *Balancer) firstUsable() *Target {
	for _, t := range b.targets {
		if t.Usable() {
			return t
		}
	}
	return nil
}

func totalWeight(targets []*Target) (sum uint64) {
	for _, t := range targets {
		sum += t.weight
	}
	return sum
}

func heaviest(targets []*Target) (weight uint64) {
	for _, t := range targets {
		weight = max(weight, t.weight)
	}
	return weight
}

// unit is the greatest common divisor of the weights.
func unit(targets []*Target) (gcd uint64) {
	for _, t := range targets {
		for n := t.weight; n != 0; {
			gcd, n = n, gcd%n
		}
	}
	return max(gcd, 1)
}

// mix spreads the bits of n evenly: the finalizer of SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
