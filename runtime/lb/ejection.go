package lb

import (
	"cmp"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Ejection says when a passive upstream is taken out of the choice, and for how long.
//
// When that time is over, one request tries the upstream. If it fails as well, the next time is twice as long; if
// it is answered, the upstream is back. The last usable upstream of a balancer is never taken out.
type Ejection struct {
	// Failures is how many requests have to fail in a row; 0 is 5.
	Failures int
	// Within is how long that may take; 0 is a minute.
	Within time.Duration
	// Base is how long the upstream is out the first time; 0 is 10 s. One request after the other tries it then, but
	// one in so much time.
	Base time.Duration
	// Max is how long it is out at most; 0 is 5 minutes. An upstream that has been back for so long begins with Base again.
	Max time.Duration
}

// An ejector is what makes a target passive.
type ejector struct {
	Ejection
	streak atomic.Int32 // failures in a row
	until  atomic.Int64 // when the target is ejected: from when on it may be tried
	trying atomic.Bool  // a request tries it
	why    atomic.Pointer[string]
	total  atomic.Uint64 // ejections

	// The mu of the balancer guards what follows.

	first time.Time // of the failures in a row
	times int       // how many ejections there were in short order
	back  time.Time // when the last one ended
}

func newEjector(u Upstream) *ejector {
	if !u.Passive {
		return nil
	}
	e := &ejector{Ejection: u.Ejection}
	e.Failures = cmp.Or(max(e.Failures, 0), 5)
	e.Within = cmp.Or(max(e.Within, 0), time.Minute)
	e.Base = cmp.Or(max(e.Base, 0), 10*time.Second)
	e.Max = max(cmp.Or(e.Max, 5*time.Minute), e.Base)
	return e
}

// epoch is what the instants of ejectors are counted from: a clock that nobody sets.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

func (e *ejector) isDue() bool { return now() >= e.until.Load() }

// try reports whether the target, which is ejected, is to be tried by who asks. The next one to try it comes when
// that one should be through.
func (e *ejector) try() bool {
	until, now := e.until.Load(), now()
	if now < until || !e.until.CompareAndSwap(until, now+int64(e.Base)) {
		return false
	}
	e.trying.Store(true)
	return true
}

// Answered tells that t has answered a request well so far. It reports whether t is usable again by that.
func (t *Target) Answered() (back bool) {
	if t.eject == nil || t.down.Load()&ejected == 0 {
		return false
	}
	return t.restore()
}

// restore ends the ejection of t, unless the request is one from before it.
func (t *Target) restore() bool {
	e, b := t.eject, t.owner
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.down.Load()&ejected == 0 || !e.trying.Load() && b.usable.Load() > 0 {
		return false
	}
	e.trying.Store(false)
	e.streak.Store(0)
	e.back = time.Now()
	t.set(ejected, false)
	return true
}

// Completed tells that a request that t has answered well has ended well.
func (t *Target) Completed() {
	if t.eject != nil && t.eject.streak.Load() != 0 {
		t.eject.streak.Store(0)
	}
}

// GivenUp tells that nothing is known of how t would have answered a request.
func (t *Target) GivenUp() {
	if t.eject != nil && t.down.Load()&ejected != 0 && t.eject.trying.Swap(false) {
		t.eject.until.Store(math.MinInt64) // the next request may try
	}
}

// Failed tells that a request to t has failed by its fault, and why. If t is taken out of the choice for that, it
// returns for how long.
func (t *Target) Failed(why string) (out time.Duration) {
	e, b := t.eject, t.owner
	if e == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch down := t.down.Load(); {
	case down&unwell != 0:
		return 0 // it's out until a health check says otherwise
	case down&ejected != 0:
		if !e.trying.Swap(false) {
			return 0 // a request from before
		}
	case !e.counts():
		return 0
	case b.usable.Load() <= 1:
		return 0 // it's the last one: nothing would be won
	}
	return t.ejectFor(why)
}

// counts counts a failure, and reports whether that makes enough of them.
func (e *ejector) counts() bool {
	now := time.Now()
	if e.streak.Load() == 0 || now.Sub(e.first) > e.Within {
		e.first = now
		e.streak.Store(0)
	}
	return int(e.streak.Add(1)) >= e.Failures
}

func (t *Target) ejectFor(why string) time.Duration {
	e := t.eject
	if t.down.Load()&ejected == 0 && time.Since(e.back) > e.Max {
		e.times = 0
	}
	out := e.Max
	if e.times < 32 && e.Base<<e.times < e.Max && e.Base<<e.times > 0 {
		out = e.Base << e.times
	}
	e.times++
	e.total.Add(1)
	out += rand.N(out/10 + 1) // gateways that have seen the same don't come back together
	e.until.Store(now() + int64(out))
	e.why.Store(&why)
	t.set(ejected, true)
	return out
}
