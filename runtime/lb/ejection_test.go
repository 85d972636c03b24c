package lb_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// passive are upstreams of equal weight that are taken out when requests to them fail.
func passive(n int) []lb.Upstream {
	u := upstreams(make([]int, n)...)
	for i := range u {
		u[i].Passive = true
	}
	return u
}

// fail has n requests to t fail, and returns for how long the last one has taken it out.
func fail(t *lb.Target, n int) (out time.Duration) {
	for range n {
		out = t.Failed("oops")
	}
	return out
}

func within(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want || got > want+want/10+1 {
		t.Errorf("%s: out for %v, want %v", what, got, want)
	}
}

func TestEjection(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := algorithm(passive(3)...)
				bad := b.Targets()[1]
				if out := fail(bad, 4); out != 0 || !bad.Usable() {
					t.Errorf("out for %v after four failures", out)
				}
				bad.Completed()
				if out := fail(bad, 4); out != 0 {
					t.Errorf("a success between failures doesn't count: out for %v", out)
				}
				within(t, "fifth failure", fail(bad, 1), 10*time.Second)
				if bad.Usable() || bad.Why() != "oops" || b.Unusable() != "http://h1: oops" {
					t.Errorf("usable: %t, %q, %q", bad.Usable(), bad.Why(), b.Unusable())
				}
				if out := fail(bad, 3); out != 0 || bad.Answered() {
					t.Error("requests from before the ejection count")
				}
				if got := count(t, b, 300); got["h1"] != 0 {
					t.Errorf("it's picked: %v", got)
				}
				// The time is over: one request tries.
				time.Sleep(11 * time.Second)
				if got := count(t, b, 300); got["h1"] != 1 || got["none"] != 0 {
					t.Errorf("%d requests try the upstream: %v", got["h1"], got)
				}
				within(t, "failed try", fail(bad, 1), 20*time.Second)
				time.Sleep(23 * time.Second)
				if got := count(t, b, 300); got["h1"] != 1 {
					t.Errorf("%d requests try the upstream again", got["h1"])
				}
				if !bad.Answered() || !bad.Usable() || bad.Why() != "" || bad.Answered() {
					t.Error("it isn't back, or is so twice")
				}
				if got := count(t, b, 300); got["h1"] < 50 {
					t.Errorf("it isn't picked: %v", got)
				}
				within(t, "soon after", fail(bad, 5), 40*time.Second)
			})
		})
	}
}

func TestEjectionTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := passive(2)
		u[0].Ejection = lb.Ejection{Failures: 2, Within: time.Second, Base: time.Minute, Max: 3 * time.Minute}
		b := lb.RoundRobin(u...)
		bad := b.Targets()[0]
		if fail(bad, 1); bad.Failed("x") == 0 {
			t.Error("not out after two failures")
		}
		for _, want := range []time.Duration{2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
			time.Sleep(4 * time.Minute)
			count(t, b, 4)
			within(t, "failed try", fail(bad, 1), want)
		}
		time.Sleep(4 * time.Minute)
		count(t, b, 4)
		if !bad.Answered() {
			t.Fatal("it isn't back")
		}
		time.Sleep(4 * time.Minute)
		within(t, "well for long enough", fail(bad, 2), time.Minute)

		// Failures that are far apart are no failures in a row.
		time.Sleep(2 * time.Minute)
		count(t, b, 4)
		bad.Answered()
		fail(bad, 1)
		time.Sleep(2 * time.Second)
		if out := fail(bad, 1); out != 0 {
			t.Errorf("out for %v", out)
		}
	})
}

// A request that tries an upstream may end without telling anything, or not at all.
func TestTryWithoutOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := lb.RoundRobin(passive(2)...)
		bad := b.Targets()[0]
		fail(bad, 5)
		time.Sleep(11 * time.Second)
		for range 2 {
			if got := count(t, b, 10); got["h0"] != 1 {
				t.Errorf("%d tries", got["h0"])
			}
			bad.GivenUp()
		}
		if got := count(t, b, 10); got["h0"] != 1 {
			t.Errorf("%d tries", got["h0"])
		}
		time.Sleep(10 * time.Second) // it still waits for an answer
		if got := count(t, b, 10); got["h0"] != 1 {
			t.Errorf("%d tries", got["h0"])
		}
		bad.Answered()
		bad.GivenUp() // of a request that has tried nothing
		if got := count(t, b, 10); got["h0"] != 5 {
			t.Errorf("%d of 10", got["h0"])
		}
	})
}

// The last usable upstream stays, whatever it does.
func TestLastIsNotEjected(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := algorithm(passive(3)...)
				for _, target := range b.Targets() {
					fail(target, 10)
				}
				if got := count(t, b, 20); got["h2"] != 20 {
					t.Errorf("picked: %v", got)
				}
				// Another one is back: now it can go.
				time.Sleep(11 * time.Second)
				count(t, b, 300)
				b.Targets()[0].Answered()
				if fail(b.Targets()[2], 1); b.Targets()[2].Usable() {
					t.Error("it's still there")
				}
				single := algorithm(passive(1)...)
				if fail(single.Targets()[0], 100); single.Pick(request(1)) == nil {
					t.Error("the only upstream is out")
				}
			})
		})
	}
}

// If health checks have taken all others out, what only failed is better than nothing.
func TestLastResort(t *testing.T) {
	for name, algorithm := range algorithms {
		t.Run(name, func(t *testing.T) {
			b := algorithm(passive(3)...)
			targets := b.Targets()
			fail(targets[0], 5)
			targets[1].SetUsable(false, "it's down")
			targets[2].SetUsable(false, "so is it")
			if got := count(t, b, 20); got["h0"] != 20 {
				t.Errorf("picked: %v", got)
			}
			if got := b.PickOther(request(1), targets[:1]); got != nil {
				t.Errorf("picked %v again", got)
			}
			if targets[0].Failed("again") != 0 {
				t.Error("it's ejected twice")
			}
			if want := "http://h0: oops; http://h1: it's down; http://h2: so is it"; b.Unusable() != want {
				t.Error(b.Unusable())
			}
			if !targets[0].Answered() || !targets[0].Usable() {
				t.Error("it isn't back though it has answered")
			}
			targets[0].SetUsable(false, "down as well")
			if got := b.Pick(request(1)); got != nil {
				t.Errorf("picked %v, which is down", got)
			}
		})
	}
}

func TestNotPassive(t *testing.T) {
	b := lb.RoundRobin(upstreams(1, 1)...)
	one := b.Targets()[0]
	if fail(one, 100) != 0 || !one.Usable() || one.Answered() {
		t.Error("it's taken out")
	}
	one.Completed()
	one.GivenUp()
}

func TestSetUsableTellsOfChanges(t *testing.T) {
	target := lb.RoundRobin(upstreams(1, 1)...).Targets()[0]
	for i, step := range []struct{ usable, change bool }{{true, false}, {false, true}, {false, false}, {true, true}} {
		if got := target.SetUsable(step.usable, "x"); got != step.change {
			t.Errorf("step %d: change %t", i, got)
		}
	}
}

func TestEjectionConcurrently(t *testing.T) {
	for name, algorithm := range algorithms {
		u := passive(3)
		for i := range u {
			u[i].Ejection = lb.Ejection{Failures: 2, Base: time.Microsecond, Max: time.Millisecond}
		}
		b := algorithm(u...)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(worker), 2))
				for k := range 3000 {
					target := b.Pick(request(k))
					if target == nil {
						t.Errorf("%s: no upstream, though one is always left", name)
						return
					}
					switch r.IntN(5) {
					case 0:
						target.Answered()
						target.Completed()
					case 1:
						target.GivenUp()
					default:
						target.Failed("x")
					}
				}
			})
		}
		wg.Wait()
		usable := 0
		for _, target := range b.Targets() {
			if target.Usable() {
				usable++
			}
		}
		if usable == 0 {
			t.Errorf("%s: all are out", name)
		}
	}
}

// BenchmarkPassive is what passive upstreams add to a request that is answered.
func BenchmarkPassive(b *testing.B) {
	for name, u := range map[string][]lb.Upstream{"off": upstreams(1, 1, 1), "on": passive(3)} {
		b.Run(name, func(b *testing.B) {
			balancer, x := lb.RoundRobin(u...), request(1)
			b.ReportAllocs()
			for b.Loop() {
				t := balancer.Pick(x)
				t.Answered()
				t.Completed()
			}
		})
	}
}
