package gateway

import (
	"context"
	"errors"
	"testing"
	"time"
)

type waiter struct{ cause []error }

func (w *waiter) Interrupt(cause error) { w.cause = append(w.cause, cause) }

// TestWatch holds who is told of the end of an exchange, and when.
func TestWatch(t *testing.T) {
	gone := errors.New("gone")
	tests := []struct {
		name string
		do   func(x, leg *Exchange, w *waiter) bool
		want int // interruptions
	}{
		{"the exchange ends", func(x, _ *Exchange, w *waiter) bool { ok := x.Watch(w); x.Cancel(gone); return ok }, 1},
		{"a leg ends with its exchange", func(x, leg *Exchange, w *waiter) bool { ok := leg.Watch(w); x.Cancel(gone); return ok }, 1},
		{"it has ended before", func(x, leg *Exchange, w *waiter) bool { x.Cancel(gone); return leg.Watch(w) }, 1},
		{"it ends but once", func(x, _ *Exchange, w *waiter) bool { ok := x.Watch(w); x.Cancel(gone); x.Cancel(nil); return ok }, 1},
		{"no longer of interest", func(x, leg *Exchange, w *waiter) bool { ok := leg.Watch(w); leg.Unwatch(w); x.Cancel(gone); return ok }, 0},
		{"it is over", func(x, _ *Exchange, w *waiter) bool { ok := x.Watch(w); x.Finish(); return ok }, 1},
		{"the next one in the same memory", func(x, _ *Exchange, w *waiter) bool {
			ok := x.Watch(w)
			x.Reset()
			x.Cancel(gone)
			return ok
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, leg, w := new(Exchange), new(Exchange), new(waiter)
			x.Leg(leg)
			if !tt.do(x, leg, w) {
				t.Error("Watch does nothing")
			}
			if len(w.cause) != tt.want {
				t.Errorf("interrupted %d times, not %d", len(w.cause), tt.want)
			}
		})
	}
}

// A context that a middleware has put ends when it ends, and not by Watch.
func TestWatchWithAContext(t *testing.T) {
	x, leg := new(Exchange), new(Exchange)
	ctx, cancel := context.WithTimeout(x.Context(), time.Hour)
	defer cancel()
	x.SetContext(ctx)
	x.Leg(leg)
	if x.Watch(new(waiter)) || leg.Watch(new(waiter)) {
		t.Error("Watch knows of a context that isn't its own")
	}
	if d, ok := leg.Deadline(); !ok || time.Until(d) < time.Minute {
		t.Errorf("deadline %v, %t", d, ok)
	}
	gone := errors.New("gone")
	x.Cancel(gone)
	if leg.Context().Err() != context.Canceled || context.Cause(leg.Context()) != gone {
		t.Errorf("%v because of %v", leg.Context().Err(), context.Cause(leg.Context()))
	}
}

// A context that is asked for late is as one that was asked for before.
func TestLateContext(t *testing.T) {
	gone := errors.New("gone")
	x := new(Exchange)
	x.Cancel(gone)
	if ctx := x.Context(); ctx.Err() == nil || context.Cause(ctx) != gone {
		t.Errorf("%v because of %v", ctx.Err(), context.Cause(ctx))
	}
	x.Finish()
	x.Reset()
	if x.Context().Err() != nil {
		t.Error("the end of one exchange ends the next one")
	}
}
