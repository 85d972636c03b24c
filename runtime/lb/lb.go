// Package lb spreads requests over upstreams.
//
// Each algorithm has a constructor, which takes the upstreams and, if the choice
// depends on the request, the [Key] that tells requests apart. All respect weights,
// never wait and never allocate to pick, and pass over upstreams that are not usable.
//
// Two things can make an upstream unusable: health checks (package healthcheck), and, if it is Passive, requests that
// fail. Those take it out only while there is another usable one, so they never make a request fail that might have been
// answered; checks may take out all, and then there's no upstream to pick.
package lb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
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
	// Passive takes the upstream out of the choice for a while when requests to it fail, as Ejection says.
	Passive  bool
	Ejection Ejection
	// Active has package healthcheck ask the upstream whether it is well, as Check says.
	Active bool
	Check  Check
}

const maxWeight = 65535

// A Balancer picks one of its targets for each request. It is safe for concurrent use.
type Balancer struct {
	targets []*Target
	usable  atomic.Int64
	pick    func(x *gateway.Exchange, tried []*Target) *Target
	err     error

	mu   sync.Mutex    // held while a target becomes usable, or ceases to be
	last atomic.Uint32 // whose turn it is of those that are a last resort
}

// Err tells what is wrong with the upstreams. A balancer with an error must not be used.
func (b *Balancer) Err() error { return b.err }

// Targets are the upstreams that take part, in the order given.
func (b *Balancer) Targets() []*Target { return b.targets }

// Pick returns the upstream that is to answer x, or nil if none is usable.
func (b *Balancer) Pick(x *gateway.Exchange) *Target { return b.PickOther(x, nil) }

// PickOther is Pick without the upstreams that have been tried. It returns the one that Pick would if those weren't
// usable.
func (b *Balancer) PickOther(x *gateway.Exchange, tried []*Target) *Target {
	switch {
	case b.usable.Load() == 0:
		return b.lastResort(tried)
	case len(b.targets) == 1:
		if b.targets[0].isOneOf(tried) {
			return nil
		}
		return b.targets[0]
	}
	return b.pick(x, tried)
}

// lastResort returns an upstream that isn't usable only because requests to it have failed. That may be over, and if
// it isn't, nothing is lost.
func (b *Balancer) lastResort(tried []*Target) *Target {
	first := int(b.last.Add(1))
	for i := range b.targets {
		if t := b.targets[(first+i)%len(b.targets)]; t.down.Load()&unwell == 0 && !t.isOneOf(tried) {
			return t
		}
	}
	return nil
}

// Unusable tells why the upstreams aren't usable that aren't: "http://a: connection refused; http://b: …".
func (b *Balancer) Unusable() string {
	var list []string
	for _, t := range b.targets {
		if !t.Usable() {
			list = append(list, t.String()+": "+t.Why())
		}
	}
	return strings.Join(list, "; ")
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
		Passive: u.Passive, Active: u.Active, Check: u.Check,
		id:     xxhash.Sum64String(strings.TrimSuffix(u.URL, "/")),
		weight: uint64(max(u.Weight, 1)),
		eject:  newEjector(u),
	}, nil
}

// firstUsable is for the case that targets come and go while one is being picked.
func (b *Balancer) firstUsable(tried []*Target) *Target {
	for _, t := range b.targets {
		if t.Usable() && !t.isOneOf(tried) {
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
