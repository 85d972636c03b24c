package throttle

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// However many others come, and however often, nobody gets more than the limit.
func TestNobodyGetsMore(t *testing.T) {
	const window = time.Second
	for name, limit := range map[string]Limit{
		"bucket": TokenBucket{Size: 5, Rate: 5, Interval: window},
		"window": FixedWindow{Size: window, Limit: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := one(Rule{Limit: limit, Keys: []Key{Path()}, MaxKeys: 64})
				rng := rand.New(rand.NewPCG(1, 2))
				passed := make(map[string][]time.Time)
				start := time.Now()
				for range 50_000 {
					// Few clients come often, and many seldom.
					path := strconv.Itoa(int(rng.ExpFloat64() * 40))
					if try(h, func(x *gateway.Exchange) { x.Request.Path = path }) == 204 {
						passed[path] = append(passed[path], time.Now())
					}
					if rng.IntN(100) == 0 {
						time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
					}
				}
				total := 0
				for path, times := range passed {
					total += len(times)
					// A bucket gives 5, and 5 in each second after; windows that begin at any time give twice 5 in a second.
					for i := range times {
						const most = 10
						if i+most < len(times) && times[i+most].Sub(times[i]) < window-time.Millisecond {
							t.Fatalf("%s: more than %d requests in a second, at %v", path, most, times[i].Sub(start))
						}
					}
				}
				if total < 1000 {
					t.Errorf("only %d pass", total)
				}
			})
		})
	}
}

// New clients get in while the known ones are at rest.
func TestRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []Limit{TokenBucket{Size: 1, Rate: 1, Interval: time.Second}, FixedWindow{Size: time.Second, Limit: 1}} {
			h := one(Rule{Limit: limit, Keys: []Key{Path()}, MaxKeys: 1})
			next := 0
			fill := func(n int) (count int) {
				for range n {
					next++
					count += passed(h, 1, func(x *gateway.Exchange) { x.Request.Path = strconv.Itoa(next) })
				}
				return count
			}
			if got := fill(100); got != ways {
				t.Errorf("%T: %d of 100 new clients get in, not %d", limit, got, ways)
			}
			time.Sleep(time.Second)
			if got := fill(100); got != ways {
				t.Errorf("%T: after a second %d of 100 new clients get in, not %d", limit, got, ways)
			}
		}
	})
}

func TestTableSize(t *testing.T) {
	for keys, want := range map[int]int{0: defaultKeys, -1: defaultKeys, 1: 8, 8: 8, 9: 16, 1000: 1024, 1 << 20: 1 << 20, 1<<20 + 1: 1 << 21} {
		if got := len(newTable(keys).sets) * ways; got != want {
			t.Errorf("%d keys: room for %d, not %d", keys, got, want)
		}
	}
}
