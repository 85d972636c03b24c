package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A life is how long an exchange lasts. It makes a context only when somebody asks for
// one, since most exchanges end before anybody does.
type life struct {
	mu     sync.Mutex
	ended  bool
	cause  error // why it ended before the exchange was over
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  []Interrupter

	deadline time.Time   // zero for none
	limited  atomic.Bool // there is one
	expired  bool        // that is why it ended
	timer    *time.Timer
}

// An Interrupter is something that waits on behalf of an exchange.
type Interrupter interface {
	// Interrupt ends the waiting, now and from now on. It runs in any goroutine, and neither blocks nor
	// calls methods of the exchange.
	Interrupt(cause error)
}

// Context ends when the client has gone away, when the exchange is over, or at
// a deadline that a middleware has set.
func (x *Exchange) Context() context.Context {
	if x.ctx != nil {
		return x.ctx
	}
	if x.Parent != nil {
		return x.Parent.Context()
	}
	return x.life.context()
}

func (l *life) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancelCause(context.Background())
		if l.ended && !l.expired {
			l.cancel(l.cause)
		}
		if !l.deadline.IsZero() {
			cancel := l.cancel
			ctx, stop := context.WithDeadline(l.ctx, l.deadline)
			l.ctx, l.cancel = ctx, func(cause error) { cancel(cause); stop() }
		}
	}
	return l.ctx
}

// SetContext replaces the context. A middleware derives the new one from the
// old one. A cancel function belongs into OnDone, not into a defer: the body
// of the response is still to be read when Serve has returned.
func (x *Exchange) SetContext(ctx context.Context) { x.ctx = ctx }

// SetDeadline has the context of x end at t, unless it ends before. It costs less than a context with a deadline would.
func (x *Exchange) SetDeadline(t time.Time) {
	if x.ctx == nil && x.Parent == nil && x.life.limit(t) {
		return
	}
	ctx, cancel := context.WithDeadline(x.Context(), t)
	x.SetContext(ctx)
	x.OnDone(func(*Exchange) { cancel() })
}

// limit sets a deadline, unless somebody knows the context already.
func (l *life) limit(t time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ctx != nil:
		return false
	case l.ended || !l.deadline.IsZero() && l.deadline.Before(t):
		return true
	}
	l.deadline = t
	l.limited.Store(true)
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Until(t), l.expire)
	} else {
		l.timer.Reset(time.Until(t))
	}
	return true
}

// expire ends the exchange at its deadline. It may come late, when the memory is another exchange's.
func (l *life) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended && !l.deadline.IsZero() && !time.Now().Before(l.deadline) {
		l.expired = true
		l.finish(context.DeadlineExceeded)
	}
}

// Deadline is when the context of x ends at the latest, by SetDeadline or the context of SetContext.
func (x *Exchange) Deadline() (deadline time.Time, ok bool) {
	if x.ctx != nil {
		return x.ctx.Deadline()
	}
	x = x.outermost()
	if x.ctx != nil {
		return x.ctx.Deadline()
	}
	if !x.life.limited.Load() { // nearly always
		return time.Time{}, false
	}
	x.life.mu.Lock()
	defer x.life.mu.Unlock()
	return x.life.deadline, !x.life.deadline.IsZero()
}

// Cancel ends the context of x with that cause. Only engines call it, when the client has gone.
func (x *Exchange) Cancel(cause error) { x.life.end(cause) }

func (l *life) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.finish(cause)
	}
}

func (l *life) finish(cause error) {
	l.ended, l.cause = true, cause
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.cancel != nil && !l.expired { // a context knows its deadline by itself
		l.cancel(cause)
	}
	for _, i := range l.watch {
		i.Interrupt(cause)
	}
}

// Watch has i interrupted when the context of x ends, as [context.AfterFunc] would, but at no cost. Unwatch
// takes that back. It reports false, and does nothing, if the context is one that SetContext
// has put, which only its own methods tell the end of. If the context has ended, i is interrupted at once.
func (x *Exchange) Watch(i Interrupter) bool {
	x = x.outermost()
	if x.ctx != nil {
		return false
	}
	l := &x.life
	l.mu.Lock()
	l.watch = append(l.watch, i)
	if l.ended {
		i.Interrupt(l.cause)
	}
	l.mu.Unlock()
	return true
}

// Unwatch ends what Watch has begun. When it has returned, i isn't interrupted any more.
func (x *Exchange) Unwatch(i Interrupter) {
	l := &x.outermost().life
	l.mu.Lock()
	if n := len(l.watch); n == 1 && l.watch[0] == i { // nearly always
		l.watch = l.watch[:0]
	} else if k := slices.Index(l.watch, i); k >= 0 {
		l.watch = slices.Delete(l.watch, k, k+1)
	}
	l.mu.Unlock()
}

// outermost returns the exchange whose context x has.
func (x *Exchange) outermost() *Exchange {
	for x.ctx == nil && x.Parent != nil {
		x = x.Parent
	}
	return x
}

// reset makes l ready for the next exchange. Nobody else knows it by now but a goroutine that has
// been told of the end already.
func (l *life) reset() {
	if l.deadline.IsZero() && !l.ended && len(l.watch) == 0 && l.ctx == nil {
		return // a leg's
	}
	l.mu.Lock()
	if !l.deadline.IsZero() {
		l.timer.Stop()
		l.deadline, l.expired = time.Time{}, false
		l.limited.Store(false)
	}
	l.ended, l.cause, l.ctx, l.cancel, l.watch = false, nil, nil, nil, l.watch[:0]
	l.mu.Unlock()
}
