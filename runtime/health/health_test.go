package health

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

type probeFunc func(ctx context.Context) bool

func (f probeFunc) HealthCheck(ctx context.Context) (context.Context, bool) { return ctx, f(ctx) }

func yes(context.Context) bool { return true }
func no(context.Context) bool  { return false }

// late ends with its context, and says that all is well.
func late(ctx context.Context) bool { <-ctx.Done(); return true }

// slow takes longer than the timeout, whatever its context says.
func slow(context.Context) bool { time.Sleep(time.Hour); return true }

func panics(context.Context) bool { panic("boom") }

func TestProbes(t *testing.T) {
	for name, tt := range map[string]struct {
		probes []probeFunc
		want   int // 0 for an answer
		within time.Duration
	}{
		"none":              {},
		"one":               {probes: []probeFunc{yes}},
		"many":              {probes: []probeFunc{yes, yes, yes}},
		"one is unwell":     {probes: []probeFunc{yes, no, yes}, want: 500},
		"late":              {probes: []probeFunc{yes, late}, want: 504, within: 30 * time.Second},
		"never":             {probes: []probeFunc{slow, yes}, want: 504, within: 30 * time.Second},
		"no wins over late": {probes: []probeFunc{slow, late, no}, want: 500},
		"panic":             {probes: []probeFunc{yes, panics}, want: 500},
		"no because it is late": {
			probes: []probeFunc{func(ctx context.Context) bool { <-ctx.Done(); return false }},
			want:   504, within: 30 * time.Second,
		},
		"all at once": {
			probes: []probeFunc{takes(20 * time.Second), takes(20 * time.Second)},
			within: 20 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o Options
				for _, p := range tt.probes {
					o.Probes = append(o.Probes, p)
				}
				x := new(gateway.Exchange)
				start := time.Now()
				err := New(o).Serve(x)
				if took := time.Since(start); took != tt.within {
					t.Errorf("took %v, want %v", took, tt.within)
				}
				time.Sleep(time.Hour) // until all probes have ended
				if tt.want != 0 {
					if gateway.StatusOf(err) != tt.want || err == nil {
						t.Errorf("got %v, want %d", err, tt.want)
					}
					return
				}
				want := gateway.Header{
					{Name: "Content-Type", Value: "application/json; charset=utf-8"},
					{Name: "X-Content-Type-Options", Value: "nosniff"},
				}
				d := cmp.Diff(want, x.Response.Header)
				if err != nil || x.Response.Status != 200 || string(x.Response.Bytes) != "{}" || d != "" {
					t.Errorf("got %v, %d %q\n%s", err, x.Response.Status, x.Response.Bytes, d)
				}
			})
		})
	}
}

func takes(d time.Duration) probeFunc {
	return func(ctx context.Context) bool { time.Sleep(d); return true }
}

func TestPanicShowsItsStack(t *testing.T) {
	err := New(Options{Probes: []Probe{probeFunc(panics)}}).Serve(new(gateway.Exchange))
	e, ok := gateway.AsError(err)
	if !ok || !strings.Contains(string(e.Stack), "panics") {
		t.Errorf("got %v", err)
	}
}

// Requests share a probe that is under way, and a probe that hangs is not started again.
func TestSharedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h := New(Options{Timeout: time.Second, Probes: []Probe{probeFunc(func(context.Context) bool {
			calls.Add(1)
			time.Sleep(2500 * time.Millisecond)
			return true
		})}})
		ask := func() int { return gateway.StatusOf(h.Serve(new(gateway.Exchange))) }
		for range 3 { // the third gets the answer of the first call, which is late for it, too
			if got := ask(); got != 504 {
				t.Errorf("got %d", got)
			}
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		ctx, cancel := context.WithCancel(context.Background())
		x := new(gateway.Exchange)
		x.SetContext(ctx)
		cancel()
		if err := h.Serve(x); err == nil {
			t.Error("a client that has gone got an answer")
		}
		synctest.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		time.Sleep(time.Hour)
	})
}

func BenchmarkNoProbes(b *testing.B) {
	x, h := new(gateway.Exchange), New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Response.Reset()
	}
}

func Example() {
	database := probeFunc(func(context.Context) bool { return false })

	h := New(Options{Timeout: 3 * time.Second, Probes: []Probe{database}})
	fmt.Println(h.Serve(new(gateway.Exchange)))
	// Output: a health probe failed
}
