package lb

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// A Target is an Upstream made ready.
type Target struct {
	Scheme string // "http" or "https"
	Host   string // with its port, if the URL has one
	// Path and RawPath are the path of the URL, decoded and percent-encoded.
	Path, RawPath string
	RawQuery      string
	// Passive, Active and Check are those of the Upstream.
	Passive, Active bool
	Check           Check
	// Counts are the counts of requests to it, nil if nobody wants to know. It's set before the first request.
	Counts *upstreamstats.Counts

	id     uint64
	weight uint64
	down   atomic.Uint32          // why it isn't usable; 0 if it is
	why    atomic.Pointer[string] // it isn't well
	eject  *ejector               // nil if it isn't passive
	owner  *Balancer
}

// A Check says how package healthcheck asks an upstream whether it is well.
type Check struct {
	// Addr is what is asked: the URL of a resource, a path at the upstream, or "tcp://host:port" for a connection
	// alone. Empty is the upstream's own URL. See package healthcheck.
	Addr string
	// Delay is how long to wait before the first check.
	Delay time.Duration
	// Interval is the time from the beginning of a check to that of the next one; 0 is a second.
	Interval time.Duration
}

// The reasons for a target to be unusable, as bits.
const (
	unwell  = 1 << iota // a health check says so
	ejected             // requests to it have failed
)

// String is the address of t: "http://10.0.0.7:8080".
func (t *Target) String() string { return t.Scheme + "://" + t.Host }

// Usable reports whether t may be picked.
func (t *Target) Usable() bool { return t.down.Load() == 0 }

// Why is why t isn't usable.
func (t *Target) Why() string {
	switch down := t.down.Load(); {
	case down&unwell != 0:
		return *t.why.Load()
	case down&ejected != 0:
		return *t.eject.why.Load()
	}
	return ""
}

// Ejections is how often t has been taken out of the choice because requests to it had failed.
func (t *Target) Ejections() uint64 {
	if t.eject == nil {
		return 0
	}
	return t.eject.total.Load()
}

// SetUsable takes t out of the choice, or back into it. It's for health checks; at first all targets are usable.
// why is the reason, for the log. It reports whether that is a change.
func (t *Target) SetUsable(usable bool, why string) (changed bool) {
	t.owner.mu.Lock()
	defer t.owner.mu.Unlock()
	if usable != (t.down.Load()&unwell != 0) {
		return false
	}
	if !usable {
		t.why.Store(&why)
	}
	t.set(unwell, !usable)
	return true
}

// set sets or clears a reason for t to be unusable. Its caller holds the mu of the balancer.
func (t *Target) set(reason uint32, on bool) {
	before := t.down.Load()
	after := before &^ reason
	if on {
		after |= reason
	}
	t.down.Store(after)
	switch {
	case before == 0 && after != 0:
		t.owner.usable.Add(-1)
	case before != 0 && after == 0:
		t.owner.usable.Add(1)
	}
}

func (t *Target) isOneOf(tried []*Target) bool { return len(tried) > 0 && slices.Contains(tried, t) }

// take reports whether t is picked, if it's its turn and it isn't one of those that have been tried: it is usable, or it's
// time to try whether it is.
func (t *Target) take(tried []*Target) bool {
	if t.isOneOf(tried) {
		return false
	}
	down := t.down.Load()
	return down == 0 || down == ejected && t.eject.try()
}

// mayTake is take without consequences.
func (t *Target) mayTake() bool {
	down := t.down.Load()
	return down == 0 || down == ejected && t.eject.isDue()
}
