package throttle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/aileron-gateway/aileronc/internal/redistest"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/attempt"
	"github.com/aileron-gateway/aileronc/runtime/redis"
)

func client(t testing.TB, addr string) *redis.Client {
	c := redis.New(redis.Options{Addrs: []string{addr}, Deadlines: true})
	t.Cleanup(func() { _ = c.Finalize() })
	return c
}

// stores runs f with a real server and with an imitation of one.
func stores(t *testing.T, f func(t *testing.T, addr string)) {
	t.Run("server", func(t *testing.T) { f(t, redistest.Start(t).Addr) })
	t.Run("imitation", func(t *testing.T) { f(t, miniredis.RunT(t).Addr()) })
}

// patient is a timeout for machines that are busy.
const patient = 10 * time.Second

// replicas are gateways that share a limit.
func replicas(t testing.TB, n int, addr string, r Rule) []gateway.Handler {
	var list []gateway.Handler
	for range n {
		s := Shared{Store: client(t, addr), Prefix: "test:", Timeout: patient}
		if r.Shared != nil {
			s.Prefix += r.Shared.Prefix
			s.OnFailure, s.Timeout = r.Shared.OnFailure, r.Shared.Timeout
		}
		own := r
		own.Shared = &s
		list = append(list, one(own))
	}
	return list
}

// Of all gateways together as many requests pass as the limit says.
func TestSharedLimits(t *testing.T) {
	stores(t, func(t *testing.T, addr string) {
		for name, limit := range map[string]Limit{
			"bucket": TokenBucket{Size: 50, Rate: 1, Interval: time.Hour},
			"window": FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 50},
			"conns":  MaxConnections{Max: 50},
		} {
			for _, keys := range [][]Key{nil, {Header("X-Key")}} {
				gateways := replicas(t, 3, addr, Rule{Limit: limit, Keys: keys})
				for _, key := range []string{"a", "b"} {
					var passed atomic.Int32
					var wg sync.WaitGroup
					for _, h := range gateways {
						for range 4 {
							wg.Go(func() {
								for range 20 {
									x := new(gateway.Exchange) // which doesn't end
									x.Request.Header.Add("X-Key", key)
									if h.Serve(x) == nil {
										passed.Add(1)
									}
								}
							})
						}
					}
					wg.Wait()
					want := int32(50)
					if keys == nil && key == "b" {
						want = 0
					}
					if got := passed.Load(); got != want {
						t.Errorf("%s, %d keys: %d pass with the key %s, not %d", name, len(keys), got, key, want)
					}
				}
			}
		}
	})
}

// A token comes back to all gateways after its interval, a place when a response is out.
func TestSharedAgain(t *testing.T) {
	stores(t, func(t *testing.T, addr string) {
		gateways := replicas(t, 2, addr, Rule{Limit: TokenBucket{Size: 2, Rate: 10, Interval: time.Second}})
		if got := passed(gateways[0], 1) + passed(gateways[1], 5); got != 2 {
			t.Errorf("%d pass at first, not 2", got)
		}
		waitFor(t, func() bool { return passed(gateways[0], 1) == 1 })

		gateways = replicas(t, 2, addr, Rule{Limit: MaxConnections{Max: 1}, Keys: []Key{Path()}})
		x := new(gateway.Exchange)
		if err := gateways[0].Serve(x); err != nil {
			t.Fatal(err)
		}
		if passed(gateways[1], 1) != 1 {
			t.Error("another path has no place of its own")
		}
		here := func(x *gateway.Exchange) { x.Request.Path = "" }
		if passed(gateways[1], 1, here) != 0 {
			t.Error("there are two where one may be")
		}
		x.Finish()
		waitFor(t, func() bool { return passed(gateways[1], 1, here) == 1 })
	})
}

// Requests of all gateways leave one after the other.
func TestSharedQueue(t *testing.T) {
	stores(t, func(t *testing.T, addr string) {
		// On a busy machine, the gateways may err by an interval about the time of the store.
		attempt.Within(t, 50*time.Millisecond, func(t testing.TB, interval time.Duration) {
			own := &Shared{Prefix: interval.String(), Timeout: patient} // what an earlier attempt has left there
			gateways := replicas(t, 2, addr, Rule{Limit: LeakyBucket{Size: 5, Interval: interval}, Shared: own})
			var mu sync.Mutex
			var times []time.Time
			var wg sync.WaitGroup
			start := time.Now()
			for i := range 10 {
				wg.Go(func() {
					if passed(gateways[i%2], 1) == 1 {
						mu.Lock()
						defer mu.Unlock()
						times = append(times, time.Now())
					}
				})
			}
			wg.Wait()
			if len(times) < 6 { // more if the machine is slow
				t.Fatalf("%d pass, not 6", len(times))
			}
			slices.SortFunc(times, time.Time.Compare)
			if last := times[5].Sub(start); last < 5*interval-interval/10 {
				t.Errorf("the sixth has gone after %v", last)
			}
		})
	})
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it doesn't come to that")
		}
	}
}

// What tells clients apart may be secret, and isn't in the keys of the Store, which end by themselves.
func TestSharedKeys(t *testing.T) {
	m := miniredis.RunT(t)
	for _, limit := range []Limit{TokenBucket{Size: 50, Rate: 1, Interval: time.Second}, FixedWindow{Size: time.Minute}, MaxConnections{Max: 5}} {
		h := replicas(t, 1, m.Addr(), Rule{Limit: limit, Keys: []Key{Header("X-Key")}})[0]
		if got := try(h, func(x *gateway.Exchange) { x.Request.Header.Add("X-Key", "secret") }); got != 204 {
			t.Errorf("%T: %d", limit, got)
		}
	}
	keys := m.Keys()
	for _, k := range keys {
		if !strings.HasPrefix(k, "test:") || strings.Contains(k, "secret") || len(k) != len("test:b:")+22 || m.TTL(k) <= 0 || m.TTL(k) > 62*time.Second {
			t.Errorf("the key %q ends in %v", k, m.TTL(k))
		}
	}
	waitFor(t, func() bool { return len(m.Keys()) == 2 }) // the place of the connection is free again
}

// fake is a Store whose clock is another one, and that can fail.
type fake struct {
	Store
	ahead time.Duration
	err   atomic.Bool
	calls atomic.Int32
}

func (f *fake) Run(ctx context.Context, script, key string, args ...any) ([]int64, error) {
	f.calls.Add(1)
	if f.err.Load() {
		return nil, errors.New("away")
	}
	return f.Store.Run(ctx, script, key, args...)
}

func (f *fake) Time(ctx context.Context) (time.Time, error) {
	f.calls.Add(1)
	if f.err.Load() {
		return time.Time{}, errors.New("away")
	}
	return time.Now().Add(f.ahead), nil
}

// A decision takes one question, and none if it's known that the answer is no.
func TestOneQuestion(t *testing.T) {
	addr := miniredis.RunT(t).Addr()
	for _, limit := range []Limit{TokenBucket{Size: 4, Rate: 1, Interval: time.Hour}, FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 4}} {
		f := &fake{Store: client(t, addr)}
		shared := &Shared{Store: f, Prefix: "one:", Timeout: patient}
		h := one(Rule{Limit: limit, Shared: shared})
		f.calls.Store(0)
		if got, calls := passed(h, 3), f.calls.Load(); got != 3 || calls != 4 { // one for the time
			t.Errorf("%T: %d pass, after %d questions", limit, got, calls)
		}
		f.calls.Store(0)
		if got, calls := passed(h, 5), f.calls.Load(); got != 1 || calls != 1 {
			t.Errorf("%T: %d pass, after %d questions", limit, got, calls)
		}
		// Another gateway finds out, once.
		f.calls.Store(0)
		if got, calls := passed(one(Rule{Limit: limit, Shared: shared}), 5), f.calls.Load(); got != 0 || calls != 2 {
			t.Errorf("%T: %d pass elsewhere, after %d questions", limit, got, calls)
		}
	}
}

// The clock that counts is the Store's, whatever those of the gateways show.
func TestClocks(t *testing.T) {
	addr := miniredis.RunT(t).Addr()
	for _, limit := range []Limit{TokenBucket{Size: 4, Rate: 1, Interval: time.Hour}, FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 4}} {
		a := &fake{Store: client(t, addr), ahead: -20 * 365 * 24 * time.Hour / 100}
		first := one(Rule{Limit: limit, Shared: &Shared{Store: a, Prefix: "clock:", Timeout: patient}})
		if got := passed(first, 5); got != 4 {
			t.Errorf("%T: %d pass, not 4", limit, got)
		}
		second := one(Rule{Limit: limit, Shared: &Shared{Store: a, Prefix: "clock:", Timeout: patient}})
		if got := passed(second, 5); got != 0 {
			t.Errorf("%T: %d pass elsewhere, not 0", limit, got)
		}
	}
}

// A Store that is away is asked a few times only, and what then becomes of requests is as configured.
func TestOnFailure(t *testing.T) {
	addr := miniredis.RunT(t).Addr()
	for _, limit := range []Limit{TokenBucket{Size: 4, Rate: 1, Interval: time.Hour}, FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 4}, MaxConnections{Max: 4}} {
		for failure, want := range map[Failure]int{CountLocally: 3, AllowAll: 20, DenyAll: 0} {
			f := &fake{Store: client(t, addr)}
			h := one(Rule{Limit: limit, Headers: true, Shared: &Shared{Store: f, Prefix: string('0' + rune(failure)), Timeout: patient, OnFailure: failure}})
			count := func(n int) (got int) {
				for range n {
					if h.Serve(new(gateway.Exchange)) == nil { // which doesn't end
						got++
					}
				}
				return got
			}
			if got := count(1); got != 1 {
				t.Errorf("%T, %d: %d pass at first", limit, failure, got)
			}
			f.err.Store(true)
			f.calls.Store(0)
			if got := count(20); got != want {
				t.Errorf("%T, %d: %d of 20 pass without the store, not %d", limit, failure, got, want)
			}
			if calls := f.calls.Load(); calls > maxFailures+2 {
				t.Errorf("%T, %d: it is asked %d times", limit, failure, calls)
			}
			f.err.Store(false)
			if failure != CountLocally {
				if l := linkOf(h); l.failures.Load() < maxFailures {
					t.Errorf("%T, %d: it has failed %d times", limit, failure, l.failures.Load())
				}
				waitFor(t, func() bool { return linkOf(h).up() })
				if got := count(20); got != 3 {
					t.Errorf("%T, %d: %d of 20 pass when the store is there again, not 3", limit, failure, got)
				}
			}
		}
	}
}

func linkOf(h gateway.Handler) *link {
	switch g := gateOf(h).(type) {
	case *shared:
		return g.link
	case *sharedConns:
		return g.link
	}
	return nil
}

// What a key holds that isn't ours is no reason to stop. (The imitation reads numbers in another way.)
func TestOddValues(t *testing.T) {
	s := redistest.Start(t)
	bucket, window := TokenBucket{Size: 2, Rate: 1, Interval: time.Hour}, FixedWindow{Size: 1000 * 24 * time.Hour, Limit: 2}
	for _, tt := range []struct {
		command string
		limit   Limit
		want    int
	}{
		{"SET test:b nonsense", bucket, 2},
		{"SET test:b 9e15", bucket, 0}, // in the year 2043: not later than a full bucket is
		{"HSET test:w start x count 9", window, 2},
		{"HSET test:w start 9e15 count 9", window, 2},
		{"HSET test:w start 1 count x", window, 2},
	} {
		if got := s.Do(tt.command); got[0] == '-' {
			t.Fatal(got)
		}
		if got := passed(replicas(t, 1, s.Addr, Rule{Limit: tt.limit})[0], 5); got != tt.want {
			t.Errorf("%s: %d pass, not %d", tt.command, got, tt.want)
		}
	}
}

// Places of a gateway that was killed are free after a while; those of one that is there are renewed.
func TestLeases(t *testing.T) {
	stores(t, func(t *testing.T, addr string) {
		c := client(t, addr)
		run := func(script string, args ...any) []int64 {
			t.Helper()
			reply, err := c.Run(t.Context(), script, "leases", args...)
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		now := scriptTicks(time.Since(epoch))
		lease := scriptTicks(leaseTime)
		for i, step := range []struct {
			got, want []int64
		}{
			{run(enterScript, now, now+lease, 2, "a"), []int64{1, 1}},
			{run(enterScript, now, now+lease, 2, "b"), []int64{1, 2}},
			{run(enterScript, now+lease/2, now+lease*3/2, 2, "c"), []int64{0, 2}},
			{run(renewScript, now+lease/2, now+lease*3/2, "b"), []int64{1}},
			{run(enterScript, now+lease, now+2*lease, 2, "c"), []int64{1, 2}}, // a has ended
			{run(leaveScript, "b", "none"), []int64{1}},
			{run(enterScript, now+lease, now+2*lease, 2, "d"), []int64{1, 2}},
		} {
			if !slices.Equal(step.got, step.want) {
				t.Errorf("step %d: %d, not %d", i, step.got, step.want)
			}
		}
	})
}

// A gateway puts into the list what it has let through while the Store was away, and takes out what has ended.
func TestRenewal(t *testing.T) {
	m := miniredis.RunT(t)
	f := &fake{Store: client(t, m.Addr())}
	h := one(Rule{Limit: MaxConnections{Max: 9}, Shared: &Shared{Store: f, Prefix: "r:", Timeout: patient}})
	f.err.Store(true)
	var open []*gateway.Exchange
	for range 5 {
		x := new(gateway.Exchange)
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		open = append(open, x)
	}
	f.err.Store(false)
	waitFor(t, func() bool { return linkOf(h).up() })
	g := gateOf(h).(*sharedConns)
	g.renew()
	list := func() int { z, _ := m.ZMembers("r:c"); return len(z) }
	if got := list(); got != 5 {
		t.Errorf("%d are in the list, not 5", got)
	}
	for _, x := range open[1:] {
		x.Finish()
	}
	waitFor(t, func() bool { return list() == 1 })
	old := batch{"r:c", []any{g.id + "1", g.id + "2"}}
	if gone := g.gone(old); len(gone) != 1 {
		t.Errorf("%v have ended of %v", gone, old)
	}
	open[0].Finish()
	waitFor(t, func() bool { return list() == 0 })
	if g.mu.Lock(); g.renewal != nil || len(g.leases) > 0 {
		t.Errorf("there are none, but %v are renewed", g.leases)
	}
	g.mu.Unlock()
}
