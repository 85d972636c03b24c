package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type waiter struct {
	mu    sync.Mutex
	cause []error
}

func (w *waiter) Interrupt(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cause = append(w.cause, cause)
}

func (w *waiter) told() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

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

// A deadline ends the context and who watches, and nothing of the next exchange in the same memory.
func TestDeadline(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after func(x, leg *Exchange) // the deadline is set
	}{
		"nobody knows the context":        {},
		"somebody has asked for it":       {before: func(x, _ *Exchange) { x.Context() }},
		"somebody asks for it then":       {after: func(_, leg *Exchange) { leg.Context() }},
		"a later one is set":              {after: func(x, _ *Exchange) { x.SetDeadline(time.Now().Add(time.Hour)) }},
		"a later one has been set":        {before: func(x, _ *Exchange) { x.SetDeadline(time.Now().Add(time.Hour)) }},
		"a middleware has put a context":  {before: func(x, _ *Exchange) { x.SetContext(context.WithoutCancel(x.Context())) }},
		"a middleware puts a context":     {after: func(x, _ *Exchange) { x.SetContext(context.WithValue(x.Context(), t, t)) }},
		"the memory had a deadline":       {before: func(x, _ *Exchange) { x.SetDeadline(time.Now()); x.Finish(); x.Reset() }},
		"the memory had one of long ago":  {before: func(x, _ *Exchange) { x.SetDeadline(time.Now()); time.Sleep(time.Hour); x.Finish(); x.Reset() }},
		"the memory had one that is left": {before: func(x, _ *Exchange) { x.SetDeadline(time.Now().Add(time.Millisecond)); x.Finish(); x.Reset() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, leg, w := new(Exchange), new(Exchange), new(waiter)
				if tt.before != nil {
					tt.before(x, leg)
				}
				begun := time.Now()
				x.SetDeadline(begun.Add(time.Second))
				x.Leg(leg)
				if tt.after != nil {
					tt.after(x, leg)
				}
				watches := leg.Watch(w)
				if d, ok := leg.Deadline(); !ok || !d.Equal(begun.Add(time.Second)) {
					t.Errorf("the deadline is %v, %t", d, ok)
				}
				time.Sleep(time.Second - time.Nanosecond)
				synctest.Wait()
				if told := w.told(); len(told) > 0 {
					t.Errorf("interrupted early: %v", told)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if told := w.told(); watches && (len(told) != 1 || told[0] != context.DeadlineExceeded) {
					t.Errorf("interrupted with %v", told)
				}
				ctx := leg.Context()
				if d, ok := ctx.Deadline(); ctx.Err() != context.DeadlineExceeded || !ok || !d.Equal(begun.Add(time.Second)) {
					t.Errorf("the context ends with %v, its deadline is %v, %t", ctx.Err(), d, ok)
				}
				x.Finish()
				x.Reset()
				time.Sleep(time.Hour)
				if err := x.Context().Err(); err != nil {
					t.Errorf("the next exchange: %v", err)
				}
				if _, ok := x.Deadline(); ok {
					t.Error("the next exchange has a deadline")
				}
				x.Finish()
			})
		})
	}
}

// Who is done in time is not told of a deadline.
func TestDoneBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := new(Exchange)
		x.SetDeadline(time.Now().Add(time.Second))
		ctx := x.Context()
		x.Finish()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("the context ends with %v", ctx.Err())
		}
	})
}
