package healthcheck

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// times runs checks of n upstreams for a while, and returns when there was one after the start.
func times(t *testing.T, n int, c lb.Check, o Options, during time.Duration) (at []time.Duration) {
	start := time.Now()
	var mu sync.Mutex
	inner := o.Transport
	o.Transport = gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		mu.Lock()
		at = append(at, time.Since(start))
		mu.Unlock()
		if inner != nil {
			return inner.Serve(leg)
		}
		leg.Response.Status = 200
		return nil
	})
	var u []lb.Upstream
	for range n {
		u = append(u, lb.Upstream{URL: "http://up" + strings.Repeat("x", len(u)), Active: true, Check: c})
	}
	o.Balancers = []*lb.Balancer{lb.RoundRobin(u...)}
	stop := run(t, o)
	time.Sleep(during)
	stop()
	return at
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := times(t, 1, lb.Check{Delay: 30 * time.Second, Interval: 10 * time.Second}, Options{}, 2*time.Minute)
		if len(at) < 8 || len(at) > 10 || at[0] < 30*time.Second || at[0] >= 31*time.Second {
			t.Fatalf("checks at %v", at)
		}
		same := true
		for i := 1; i < len(at); i++ {
			d := at[i] - at[i-1]
			if d < 9*time.Second || d > 11*time.Second {
				t.Errorf("%v between checks", d)
			}
			same = same && d == at[1]-at[0]
		}
		if same {
			t.Error("the times don't vary")
		}
		// The default is a second, and a negative delay none.
		if at := times(t, 1, lb.Check{Delay: -time.Second}, Options{}, 20*time.Second); len(at) < 17 || len(at) > 23 {
			t.Errorf("%d checks in 20 seconds", len(at))
		}
		// Many upstreams aren't checked at the same moment.
		at = times(t, 100, lb.Check{Interval: time.Minute}, Options{}, 2*time.Second)
		halves := [2]int{}
		for _, d := range at {
			halves[min(d/(500*time.Millisecond), 1)]++
		}
		if len(at) != 100 || halves[0] < 20 || halves[1] < 20 {
			t.Errorf("%v of 100 checks in the halves of the first second", halves)
		}
	})
}

// A check that gets no answer ends, and the next one comes in time.
func TestTimeout(t *testing.T) {
	hang := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		<-leg.Context().Done()
		return leg.Context().Err()
	})
	for _, tt := range []struct {
		interval, timeout, want time.Duration
	}{
		{100 * time.Millisecond, 0, time.Second},
		{3 * time.Second, 0, 3 * time.Second},
		{time.Minute, 0, 5 * time.Second},
		{time.Minute, 7 * time.Second, 7 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			log := &lines{}
			began := time.Now()
			b := checked(lb.Check{Interval: tt.interval}, "http://up")
			var ended time.Duration
			first := sync.OnceFunc(func() { began = time.Now() })
			last := sync.OnceFunc(func() { ended = time.Since(began) })
			stop := run(t, Options{Balancers: []*lb.Balancer{b}, Logger: log, Timeout: tt.timeout, Transport: gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				first()
				err := hang(leg)
				last()
				return err
			})})
			time.Sleep(10 * time.Second)
			stop()
			if ended != tt.want || b.Targets()[0].Usable() || len(log.all) != 1 || !strings.HasSuffix(log.all[0], "reason=context deadline exceeded") {
				t.Errorf("interval %v: the check took %v, not %v; %v", tt.interval, ended, tt.want, log.all)
			}
		})
	}
}

// A check under way when the gateway stops tells nothing.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := checked(lb.Check{}, "http://up")
		closed := 0
		tr := closing{gateway.HandlerFunc(func(leg *gateway.Exchange) error {
			<-leg.Context().Done()
			return errors.New("cut off")
		}), &closed}
		stop := run(t, Options{Balancers: []*lb.Balancer{b}, Transport: tr, Timeout: time.Hour})
		time.Sleep(2 * time.Second)
		stop()
		if !b.Targets()[0].Usable() || closed != 2 { // after the check, and at the end
			t.Errorf("usable: %t; closed %d times", b.Targets()[0].Usable(), closed)
		}
	})
}

type closing struct {
	gateway.Handler
	n *int
}

func (c closing) Close() error { *c.n++; return nil }
