package throttle

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/redistest"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// load sends requests to gateways until stop is called, which returns how many have passed, and how long the
// slowest one has taken.
func load(gateways []gateway.Handler) (stop func() (passed int64, slowest time.Duration)) {
	var wg sync.WaitGroup
	var done atomic.Bool
	var count, slowest atomic.Int64
	for _, h := range gateways {
		for range 8 {
			wg.Go(func() {
				for !done.Load() {
					start := time.Now()
					if try(h) == 204 {
						count.Add(1)
					}
					took := int64(time.Since(start))
					for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); {
						old = slowest.Load()
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
	}
	return func() (int64, time.Duration) {
		done.Store(true)
		wg.Wait()
		return count.Load(), time.Duration(slowest.Load())
	}
}

// While Redis is killed, started again with nothing in it, and silent, under load, no request waits for longer than the timeout. Each gateway
// lets no more through than the limit says, and while Redis is there all of them together don't.
func TestAway(t *testing.T) {
	const (
		timeout = 300 * time.Millisecond
		slack   = 3 * time.Second // on a machine that is busy; the client's own timeouts are longer
		burst   = 20
		rate    = 200 // in a second
		size    = 100 * time.Millisecond
	)
	for name, l := range map[string]Limit{
		"bucket": TokenBucket{Size: burst, Rate: rate, Interval: time.Second},
		"window": FixedWindow{Size: size, Limit: burst},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			gateways := replicas(t, 2, s.Addr, Rule{Limit: l, Shared: &Shared{Timeout: timeout}})
			// check counts what passes of a load, and compares it with what so many gateways may let through.
			check := func(what string, counting int64, do func()) {
				t.Helper()
				start := time.Now()
				stop := load(gateways)
				do()
				passed, slowest := stop()
				took := time.Since(start)
				if slowest > timeout+slack {
					t.Errorf("%s: a request has taken %v", what, slowest)
				}
				most := burst + int64(took*rate/time.Second) + 1
				if name == "window" {
					most = burst * (int64(took/size) + 2)
				}
				if passed > counting*most || passed == 0 {
					t.Errorf("%s: %d pass in %v, where %d may, %d times", what, passed, took, most, counting)
				}
				t.Logf("%s: %d of %d pass in %v, the slowest request took %v", what, passed, most, took, slowest)
			}
			pause := func() { time.Sleep(500 * time.Millisecond) }
			back := func() {
				waitFor(t, func() bool { return linkOf(gateways[0]).up() && linkOf(gateways[1]).up() })
			}

			check("with Redis", 1, pause)
			check("killed", 2, func() { s.Kill(); pause(); pause(); s.Restart() })
			back()
			check("back, with nothing in it", 1, pause)
			check("silent", 2, func() { s.Pause(); pause(); pause(); s.Resume() })
			back()
			check("back", 1, pause)
		})
	}
}

// Requests that come while Redis is silent for long pay for it a few times only.
func TestSilence(t *testing.T) {
	s := redistest.Start(t)
	const timeout = 100 * time.Millisecond
	for _, failure := range []Failure{CountLocally, AllowAll, DenyAll} {
		h := replicas(t, 1, s.Addr, Rule{Limit: TokenBucket{Size: 1e6, Rate: 1e6, Interval: time.Second}, Shared: &Shared{Timeout: timeout, OnFailure: failure}})[0]
		passed(h, 1)
		s.Pause()
		start := time.Now()
		got := passed(h, 200)
		if took := time.Since(start); took > maxFailures*timeout+5*time.Second {
			t.Errorf("%d: 200 requests have taken %v", failure, took)
		}
		if want := map[Failure]int{CountLocally: 200, AllowAll: 200, DenyAll: 0}[failure]; got != want {
			t.Errorf("%d: %d pass, not %d", failure, got, want)
		}
		s.Resume()
		waitFor(t, func() bool { return linkOf(h).up() })
	}
}
