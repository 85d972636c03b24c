package lb_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// sometimes takes some of the targets out, by failures or by health checks, and returns those that are left.
func sometimes(r *rand.Rand, b *lb.Balancer) (left map[string]bool) {
	left = map[string]bool{}
	for _, t := range b.Targets() {
		switch r.IntN(4) {
		case 0:
			t.SetUsable(false, "down")
		case 1:
			fail(t, 5)
		}
	}
	for _, t := range b.Targets() {
		if t.Usable() {
			left[t.Host] = true
		}
	}
	return left
}

// Whichever upstreams are out: the shares of the others are by weight; algorithms that go by a key move only the keys of
// those that are out; and when they are back, all is as before.
func TestSomeAreOut(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) {
				r := rand.New(rand.NewPCG(seed, 1))
				weights := make([]int, 2+r.IntN(8))
				for i := range weights {
					weights[i] = r.IntN(21)
				}
				u := upstreams(weights...)
				for i := range u {
					u[i].Passive, u[i].Ejection.Base = true, time.Hour
				}
				b := algorithm(u...)
				const n = 4000
				before := picks(b, n)
				left := sometimes(r, b)
				if len(left) == 0 {
					continue
				}
				during, got, sum := picks(b, n), map[string]float64{}, 0.0
				for k, host := range during {
					if got[host]++; !left[host] {
						t.Fatalf("seed %d: a request goes to %q, which is out", seed, host)
					}
					if name != "RoundRobin" && name != "Random" && left[before[k]] && host != before[k] {
						t.Fatalf("seed %d: key %d moves from %s to %s, though %s is usable", seed, k, before[k], host, before[k])
					}
				}
				for host := range left {
					sum += float64(max(weights[index(host)], 1))
				}
				for host := range left {
					// The points of a ring are spread at random: the shares vary by some tenths.
					want := n * float64(max(weights[index(host)], 1)) / sum
					if slack := 0.25*want + 5*math.Sqrt(want); math.Abs(got[host]-want) > slack {
						t.Errorf("seed %d: %s of weights %v gets %.0f of %d, want %.0f ± %.0f", seed, host, weights, got[host], n, want, slack)
					}
				}
				restore(t, b)
				if name == "RoundRobin" || name == "Random" {
					continue
				}
				for k, host := range picks(b, n) {
					if host != before[k] {
						t.Fatalf("seed %d: key %d is at %s afterwards, and was at %s", seed, k, host, before[k])
					}
				}
			}
		})
	}
}

func index(host string) int {
	i, _ := strconv.Atoi(host[1:])
	return i
}

// restore brings all targets back.
func restore(t *testing.T, b *lb.Balancer) {
	t.Helper()
	for _, target := range b.Targets() {
		target.SetUsable(true, "")
		target.GivenUp() // nobody tries it
	}
	for range 2 {
		// As a last resort, an answer brings any of them back.
		for _, target := range b.Targets() {
			target.SetUsable(false, "for now")
		}
		for _, target := range b.Targets() {
			target.SetUsable(true, "")
			target.Answered()
			target.SetUsable(false, "for now")
		}
		for _, target := range b.Targets() {
			target.SetUsable(true, "")
		}
	}
	for _, target := range b.Targets() {
		if !target.Usable() {
			t.Fatalf("%v is still out: %s", target, target.Why())
		}
	}
}

// The next upstream to try is the one that a request would get if those that were tried weren't there.
func TestPickOther(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			b := algorithm(upstreams(1, 2, 3, 1)...)
			for k := range 500 {
				var tried []*lb.Target
				for i := range 5 {
					target := b.PickOther(request(k), tried)
					if target == nil {
						if i != 4 {
							t.Fatalf("key %d: none after %v", k, tried)
						}
						break
					}
					for _, earlier := range tried {
						if earlier == target {
							t.Fatalf("key %d: %v again", k, target)
						}
					}
					tried = append(tried, target)
				}
				if name == "RoundRobin" || name == "Random" {
					continue
				}
				tried[0].SetUsable(false, "x")
				if now := b.Pick(request(k)); now != tried[1] {
					t.Fatalf("key %d: %v is next, but it was %v", k, now, tried[1])
				}
				tried[0].SetUsable(true, "")
			}
		})
	}
}
