package wire

import (
	"sync/atomic"
	"time"
)

// An instant is a moment, in nanoseconds since the process started, never 0; 0 is none.
type instant int64

var epoch = time.Now().Add(-1)

// now costs half of what time.Now does, which is still more than to parse a field.
func now() instant { return instant(time.Since(epoch)) }

func (i instant) time() time.Time { return epoch.Add(time.Duration(i)) }

// after returns the instant d from now, and none if there is no limit.
func after(d time.Duration) instant {
	if d <= 0 {
		return 0
	}
	return now() + instant(d)
}

// earlier returns the earlier one of two instants, of which each may be none.
func earlier(a, b instant) instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return max(instant(t.Sub(epoch)), 1)
}

// A tick is what the watch of a server has last read from the clock. While an exchange is running, it's about as old as
// watchTick at most: that's good enough for long limits, which would cost a look at the clock each.
type tick struct {
	at   instant
	wall time.Time
}

var lastTick atomic.Pointer[tick]

// keepTime makes a tick.
func keepTime() {
	t := time.Now()
	lastTick.Store(&tick{instantOf(t), t})
}

// longLimit is from which length on a limit need not be exact to a watchTick.
const longLimit = 20 * watchTick

// nowAbout is now, or a watchTick earlier, for who runs an exchange that began at since.
func nowAbout(since instant) instant {
	if t := lastTick.Load(); t != nil {
		return max(t.at, since)
	}
	return since
}

// afterAbout is after, but the end of a long limit may come a watchTick too late. It is for who runs an exchange, or has
// just done so: since is when that began.
func afterAbout(d time.Duration, since instant) instant {
	if d < longLimit {
		return after(d)
	}
	return nowAbout(since) + instant(watchTick+d)
}

// passed reports whether an instant has passed; if it's only about then, perhaps a watchTick late.
func (i instant) passed(about bool) bool {
	if t := lastTick.Load(); about && t != nil {
		return t.at >= i
	}
	return now() >= i
}

// startTime is time.Now, but asks the system only for what has passed since the last tick.
func startTime() (time.Time, instant) {
	at := now()
	if t := lastTick.Load(); t != nil && at-t.at < instant(longLimit) {
		return t.wall.Add(time.Duration(at - t.at)), at
	}
	t := time.Now()
	return t, instantOf(t)
}
