package throttle

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Store counts for several gateways: it runs Lua scripts in Redis. A redis.Client is one.
type Store interface {
	// Run runs a script with one key and returns the numbers that it answers with.
	Run(ctx context.Context, script, key string, args ...any) ([]int64, error)
	// Time asks what time it is there.
	Time(ctx context.Context) (time.Time, error)
}

// Shared says that gateways have a limit in common.
type Shared struct {
	Store Store
	// Prefix begins the keys of the Store. Gateways have those limits in common for which they have the same Prefix.
	Prefix string
	// Timeout is how long the Store may take for a decision; 0 is 100 milliseconds.
	Timeout time.Duration
	// OnFailure says what becomes of requests while the Store is away.
	OnFailure Failure
}

// A Failure is a way to go on without a Store.
type Failure uint8

const (
	// CountLocally has each gateway limit by itself, beginning with what it knows of all.
	CountLocally Failure = iota
	// AllowAll lets all requests through.
	AllowAll
	// DenyAll refuses all requests.
	DenyAll
)

// A link is the way to a Store. When the Store has failed some times, one after the other, it isn't asked any
// more, but for one question in a while that no request waits for, until it answers.
type link struct {
	store   Store
	timeout time.Duration

	failures atomic.Int32 // one after the other
	asked    atomic.Int64 // when a question was last put that no request waits for, in nanoseconds since start
	start    time.Time
	offset   atomic.Int64 // of the Store's clock since 2026, in nanoseconds, to the time since start; 0 is unknown
	known    sync.Mutex
}

const (
	maxFailures = 3
	askAgain    = time.Second
	syncAgain   = 30 * time.Second
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newLink(s *Shared) *link {
	l := &link{store: s.Store, timeout: s.Timeout, start: time.Now()}
	if l.timeout <= 0 {
		l.timeout = 100 * time.Millisecond
	}
	return l
}

// up reports whether it's worth to ask the Store.
func (l *link) up() bool {
	since := int64(time.Since(l.start))
	wait := askAgain
	if l.failures.Load() < maxFailures {
		wait = syncAgain
	}
	if asked := l.asked.Load(); since-asked >= int64(wait) && l.asked.CompareAndSwap(asked, since) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
			defer cancel()
			l.sync(ctx)
		}()
	}
	return l.failures.Load() < maxFailures
}

// sync asks the Store for its time.
func (l *link) sync(ctx context.Context) bool {
	before := time.Since(l.start)
	t, err := l.store.Time(ctx)
	if !l.note(err) {
		return false
	}
	half := before + (time.Since(l.start)-before)/2
	l.offset.Store(max(int64(t.Sub(epoch)-half), 1))
	return true
}

// note counts failures. It returns whether there is none.
func (l *link) note(err error) bool {
	if err == nil {
		if l.failures.Load() != 0 {
			l.failures.Store(0)
		}
		return true
	}
	l.failures.Add(1)
	return false
}

// now is the Store's time, in ticks of scripts, at a time that the clock here shows. It's asked for at first.
func (l *link) now(ctx context.Context, at time.Time) (int64, bool) {
	offset := l.offset.Load()
	if offset == 0 {
		l.known.Lock() // many requests at the start need but one answer
		defer l.known.Unlock()
		if l.offset.Load() == 0 && (ctx.Err() != nil || !l.sync(ctx)) {
			return 0, false
		}
		offset = l.offset.Load()
	}
	return scriptTicks(time.Duration(offset) + at.Sub(l.start)), true
}

// run runs a script within the timeout of ctx.
func (l *link) run(ctx context.Context, script, key string, args ...any) ([]int64, bool) {
	reply, err := l.store.Run(ctx, script, key, args...)
	return reply, l.note(err) && len(reply) > 0
}

// scriptTicks is d in ticks of scripts, which are a thousand of ours.
func scriptTicks(d time.Duration) int64 { return int64(d)/1000*ticks + int64(d)%1000*ticks/1000 }
