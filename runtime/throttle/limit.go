package throttle

import (
	"math"
	"math/bits"
	"time"
)

// A Limit is how many requests pass. The types of this package are all there are.
type Limit interface {
	gate(r *Rule) gate
	// policy are the quota, in what time it's given, and its unit if that isn't requests.
	policy() (quota int64, window time.Duration, unit string)
}

// MaxConnections lets so many requests through at a time. The place of a request is free
// when the last byte of its response is sent. 0 and less is none.
type MaxConnections struct{ Max int }

// FixedWindow lets Limit requests through in each window. A window begins with the first request
// after the last one has ended; those of clients with keys begin at fixed times.
type FixedWindow struct {
	// Size is the length of a window; 0 is a second.
	Size time.Duration
	// Limit is the number of requests; 0 is 1000.
	Limit int
}

// TokenBucket lets a request through for each token. The bucket is full at first, and Rate tokens are put into it
// in each Interval, one by one, as long as there is room.
type TokenBucket struct {
	// Size is for how many tokens there is room; 0 is 1000.
	Size int
	// Rate is how many tokens come in each Interval; 0 is 1000.
	Rate int
	// Interval is the time for Rate tokens; 0 is a second.
	Interval time.Duration
}

// LeakyBucket lets one request through in each Interval. Others wait for their turn, up to Size; those
// for whom there's no room are refused. A request that gives up waiting leaves its place empty, unless it was
// the last one.
type LeakyBucket struct {
	// Size is how many requests may wait; 0 is 1000.
	Size int
	// Interval is the time between two requests; 0 is a millisecond.
	Interval time.Duration
}

func (l MaxConnections) policy() (int64, time.Duration, string) {
	return int64(max(l.Max, 0)), 0, "concurrent-requests"
}

func (l FixedWindow) policy() (int64, time.Duration, string) {
	l = l.defaults()
	return int64(l.Limit), l.Size, ""
}

func (l TokenBucket) policy() (int64, time.Duration, string) {
	l = l.defaults()
	b := newBucket(l.Size, l.Rate, l.Interval, false)
	return int64(l.Size), b.duration(b.depth), ""
}

func (l LeakyBucket) policy() (int64, time.Duration, string) {
	l = l.defaults()
	b := newBucket(l.Size, 1, l.Interval, true)
	return int64(l.Size) + 1, b.duration(b.depth), ""
}

func (l FixedWindow) defaults() FixedWindow {
	l.Size, l.Limit = or(l.Size, time.Second), or(l.Limit, 1000)
	return l
}

func (l TokenBucket) defaults() TokenBucket {
	l.Size, l.Rate, l.Interval = or(l.Size, 1000), or(l.Rate, 1000), or(l.Interval, time.Second)
	return l
}

func (l LeakyBucket) defaults() LeakyBucket {
	l.Size, l.Interval = or(l.Size, 1000), or(l.Interval, time.Millisecond)
	return l
}

func or[T int | time.Duration](value, def T) T {
	if value <= 0 {
		return def
	}
	return value
}

func (l FixedWindow) gate(r *Rule) gate {
	l = l.defaults()
	return newGate(newWindow(l.Limit, l.Size), r)
}

func (l TokenBucket) gate(r *Rule) gate {
	l = l.defaults()
	return newGate(newBucket(l.Size, l.Rate, l.Interval, false), r)
}

func (l LeakyBucket) gate(r *Rule) gate {
	l = l.defaults()
	return newGate(newBucket(l.Size, 1, l.Interval, true), r)
}

// A meter does the counting for one client in 64 bits. 0 is that of a client that nothing is known of. Times
// are in ticks since the start of the gate, so that 64 bits last for 18 years.
//
// For buckets it is the time at which the bucket will be full again, or the queue empty: the "theoretical arrival time" of the
// generic cell rate algorithm (ITU-T I.371). Tokens come in one by one, none is lost for a fraction of
// its interval, and there is nothing to refill.
// For windows it is the time at which the window began, in units of 2^grain ticks, and below it the number of requests.
type meter struct {
	interval int64 // of a token; 0 for windows
	depth    int64 // how far ahead of now the time may lie
	queues   bool  // a request waits for its token

	window int64
	limit  uint64
	grain  uint
	bits   uint // of the number of requests
}

// ticks is how many are in a nanosecond: enough for a million tokens a second to be exact to some millionths.
const ticks = 16

// forever is the longest time that is told from others, 9 years.
const forever = math.MaxInt64 / 2

func newBucket(size, rate int, interval time.Duration, queues bool) meter {
	m := meter{queues: queues}
	// Rounded up: rather a little less than what's allowed than more.
	hi, lo := bits.Mul64(uint64(interval), ticks)
	lo, carry := bits.Add64(lo, uint64(rate-1), 0)
	if hi += carry; hi >= uint64(rate) {
		m.interval = forever
	} else {
		q, _ := bits.Div64(hi, lo, uint64(rate))
		m.interval = int64(min(q, forever))
	}
	if queues {
		size++ // one is through already
	}
	if hi, lo := bits.Mul64(uint64(m.interval), uint64(size)); hi > 0 || lo > forever {
		m.depth = forever
	} else {
		m.depth = int64(lo)
	}
	return m
}

func newWindow(limit int, size time.Duration) meter {
	m := meter{window: toTicks(size), limit: uint64(limit), bits: uint(bits.Len(uint(limit)))}
	// The time has the other bits. It's as coarse as it must be for them to last as long as those of a
	// bucket, but not coarser than a window needs it.
	if length := bits.Len64(uint64(m.window)); length > 16 {
		m.grain = min(m.bits, uint(length-16))
	}
	return m
}

func toTicks(d time.Duration) int64 {
	if d > forever/ticks {
		return forever
	}
	return int64(d) * ticks
}

func (m *meter) duration(t int64) time.Duration { return time.Duration((t + ticks - 1) / ticks) }

// take counts a request at now, if it may pass. start is that of the window that begins if there is none.
func (m *meter) take(state uint64, now, start int64) (next uint64, ok bool) {
	if m.interval > 0 {
		t := max(int64(state), now) + m.interval
		return uint64(t), t-now <= m.depth
	}
	if count := m.count(state, now); count > 0 {
		return state + 1, count < m.limit
	}
	return m.windowState(start, 1), true
}

// windowState is the state of a window with so many requests.
func (m *meter) windowState(start int64, count uint64) uint64 {
	return uint64(start)>>m.grain<<m.bits | min(count, m.limit)
}

// count is the number of requests in the window of now.
func (m *meter) count(state uint64, now int64) uint64 {
	if m.age(state, now) >= m.window {
		return 0
	}
	return state & (1<<m.bits - 1)
}

// age is how long ago the window began. It's 0 if that is a little later than now, by a clock that was read before.
func (m *meter) age(state uint64, now int64) int64 {
	mask := uint64(1)<<(64-m.bits) - 1
	units := (uint64(now)>>m.grain - state>>m.bits) & mask
	if mask-units < uint64(m.window)>>m.grain {
		return 0
	}
	return int64(units << m.grain & (1<<63 - 1))
}

// used is how much a client has used of its limit, to compare with that of others at the same time.
func (m *meter) used(state uint64, now int64) uint64 {
	if m.interval > 0 {
		return uint64(max(int64(state)-now, 0))
	}
	return m.count(state, now)
}

// say is the verdict on a request that has led to state, or hasn't been let through because of it.
func (m *meter) say(state uint64, now int64, ok bool) verdict {
	v := verdict{ok: ok, state: state}
	if m.interval == 0 {
		count := m.count(state, now)
		v.reset = m.duration(m.window - m.age(state, now))
		v.left = int64(m.limit - min(count, m.limit))
		if !ok {
			v.retry = v.reset
		}
		return v
	}
	ahead := max(int64(state)-now, 0)
	v.left = max(m.depth-ahead, 0) / m.interval
	v.reset = m.duration(ahead)
	switch {
	case !ok:
		v.retry = m.duration(ahead + m.interval - m.depth)
	case m.queues:
		if w := m.duration(ahead - m.interval); w >= time.Microsecond {
			v.wait = w
		}
	}
	return v
}
