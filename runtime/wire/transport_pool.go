package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// An origin is what requests say about where they go.
type origin struct{ scheme, host string }

// An upstream has the connections to an origin.
type upstream struct {
	t      *Transport
	origin origin
	field  string   // Host
	addr   string   // host:port
	name   string   // of the host
	secure bool     // by TLS
	proxy  *url.URL // nil if there is none
	// absolute is put before request targets: a proxy of http origins wants all of the URI (RFC 9112, section
	// 3.2.2).
	absolute string
	auth     string // Proxy-Authorization of requests through such a proxy

	mu      sync.Mutex
	idle    []*link // the last one has been idle for the shortest time
	links   int     // all: idle, in use, being opened
	waiters []*waiter
	gone    bool // the transport has forgotten it

	opened *atomic.Uint64 // counts connections; nil if nobody wants to know
}

// A waiter waits for a connection of an upstream that may have no more of them.
type waiter struct {
	fresh bool       // it must be a new one
	got   chan *link // a connection, or nil: the right to open one
}

// maxFew is up to how many upstreams it's faster to look at one after the other than to lock the map and look there.
const maxFew = 8

// upstream returns the upstream for an origin.
func (t *Transport) upstream(o origin) (*upstream, error) {
	if few := t.few.Load(); few != nil {
		for _, u := range *few {
			if u.origin == o {
				return u, nil
			}
		}
	}
	t.mu.RLock()
	u := t.upstreams[o]
	t.mu.RUnlock()
	if u != nil {
		return u, nil
	}
	if t.err != nil {
		return nil, t.err
	}
	made, err := t.newUpstream(o)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.upstreams[o]; u != nil {
		return u, nil
	}
	made.opened = t.measured[o]
	t.upstreams[o] = made
	t.listFew()
	return made, nil
}

// listFew makes few. Its caller holds t.mu.
func (t *Transport) listFew() {
	if len(t.upstreams) > maxFew {
		t.few.Store(nil)
		return
	}
	few := slices.Collect(maps.Values(t.upstreams))
	t.few.Store(&few)
}

// errGone is for the upstream that the transport has just forgotten.
var errGone = errors.New("the upstream has been forgotten")

// get returns a connection for leg, one that has been idle if there is one and it needn't be fresh. If peek is not set,
// the caller sees for itself whether the upstream has been silent meanwhile.
func (u *upstream) get(leg *gateway.Exchange, fresh bool, at instant, peek bool) (*link, error) {
	u.mu.Lock()
	if u.gone {
		u.mu.Unlock()
		return nil, errGone
	}
	for len(u.idle) > 0 && !fresh {
		l := u.take(len(u.idle) - 1)
		u.mu.Unlock()
		if l.isFresh(at) && (!peek || l.isSilent()) {
			l.begin(leg)
			return l, nil
		}
		l.close()
		u.mu.Lock()
	}
	if limit := u.t.options.MaxConnsPerHost; limit > 0 && u.links >= limit {
		if len(u.idle) == 0 {
			w := &waiter{fresh, make(chan *link, 1)}
			u.waiters = append(u.waiters, w)
			u.mu.Unlock()
			return u.wait(leg, w)
		}
		l := u.take(0) // in its place a fresh one is opened
		u.mu.Unlock()
		l.shut()
		return u.open(leg)
	}
	u.links++
	u.mu.Unlock()
	return u.open(leg)
}

// take takes a connection out of the idle ones. Its caller holds u.mu.
func (u *upstream) take(i int) *link {
	l := u.idle[i]
	if i == len(u.idle)-1 {
		u.idle[i] = nil
		u.idle = u.idle[:i]
	} else {
		u.idle = slices.Delete(u.idle, i, i+1)
	}
	u.t.countIdle(-1)
	return l
}

// wait waits until w has got something.
func (u *upstream) wait(leg *gateway.Exchange, w *waiter) (*link, error) {
	ctx := leg.Context()
	var end <-chan time.Time
	if _, ok := ctx.Deadline(); !ok && u.t.options.Dial.Timeout > 0 {
		t := time.NewTimer(u.t.options.Dial.Timeout)
		defer t.Stop()
		end = t.C
	}
	var err error
	select {
	case l := <-w.got:
		if l == nil {
			return u.open(leg)
		}
		l.begin(leg)
		return l, nil
	case <-ctx.Done():
		err = ended(ctx)
	case <-end:
		err = errNoSlot
	}
	u.mu.Lock()
	i := slices.Index(u.waiters, w)
	if i >= 0 {
		u.waiters = slices.Delete(u.waiters, i, i+1)
	}
	u.mu.Unlock()
	if i < 0 { // it has got something in the meantime
		if l := <-w.got; l != nil {
			u.put(l)
		} else {
			u.free()
		}
	}
	return nil, fmt.Errorf("waiting for a connection: %w", err)
}

// ended is why ctx has: both what it says and the cause.
func ended(ctx context.Context) error { return endedBy(ctx.Err(), context.Cause(ctx)) }

func endedBy(end, cause error) error {
	if cause == nil || errors.Is(cause, end) {
		return end
	}
	return fmt.Errorf("%w: %w", end, cause)
}

// open opens a connection; there is room for it already.
func (u *upstream) open(leg *gateway.Exchange) (*link, error) {
	ctx := leg.Context()
	c, place, err := u.t.dialer.DialPlace(ctx, "tcp", u.dialed())
	if err != nil {
		u.free()
		if d, ok := ctx.Deadline(); ok && gateway.IsTimeout(err) && !time.Now().Before(d) {
			<-ctx.Done() // the socket has only noticed a little earlier
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ended(ctx), err)
		}
		return nil, &connectError{dial.Phase(err), err}
	}
	if u.opened != nil {
		u.opened.Add(1)
	}
	l := newLink(u, c)
	l.place = place
	l.begin(leg)
	if phase, err := l.establish(); err != nil {
		l.close()
		return nil, &connectError{phase, err}
	}
	return l, nil
}

// put takes back a connection that can be used again.
func (u *upstream) put(l *link) {
	o := &u.t.options
	if 0 < o.IdleConnTimeout && o.IdleConnTimeout < longLimit {
		l.since = now()
	} else {
		l.since = nowAbout(l.asked)
	}
	u.mu.Lock()
	switch {
	case len(u.waiters) > 0:
		w := u.nextWaiter()
		u.mu.Unlock()
		if w.fresh {
			l.shut()
			l = nil
		}
		w.got <- l
		return
	case o.DisableKeepAlives || len(u.idle) >= o.MaxIdleConnsPerHost:
		u.mu.Unlock()
		l.close()
		return
	}
	u.idle = append(u.idle, l)
	tooMany := u.t.countIdle(1)
	u.mu.Unlock()
	if tooMany {
		u.t.dropOldest()
	}
	if o.IdleConnTimeout > 0 && !u.t.sweeping.Load() {
		u.t.startSweeping(o.IdleConnTimeout)
	}
}

// nextWaiter takes the waiter that has waited longest off the list. Its caller holds u.mu.
func (u *upstream) nextWaiter() *waiter {
	w := u.waiters[0]
	u.waiters = slices.Delete(u.waiters, 0, 1)
	return w
}

// free gives the room of a connection that is no more to the next one.
func (u *upstream) free() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.waiters) > 0 {
		u.nextWaiter().got <- nil
		return
	}
	u.links--
}

// closeIdle closes the connections that were idle for that long at an instant, and returns since when the
// next one has been, 0 if there is none.
func (u *upstream) closeIdle(d time.Duration, at instant) (next instant) {
	u.mu.Lock()
	n := 0
	for n < len(u.idle) && time.Duration(at-u.idle[n].since) >= d {
		n++
	}
	old := slices.Clone(u.idle[:n])
	u.idle = slices.Delete(u.idle, 0, n)
	u.t.countIdle(-n)
	if len(u.idle) > 0 {
		next = u.idle[0].since
	}
	u.mu.Unlock()
	for _, l := range old {
		l.close()
	}
	return next
}

// countIdle counts idle connections, if there is a limit, and reports whether there are more.
func (t *Transport) countIdle(n int) (tooMany bool) {
	limit := t.options.MaxIdleConns
	return limit != 0 && t.idle.Add(int64(n)) > int64(limit)
}

// anyIdle reports whether there are idle connections.
func (t *Transport) anyIdle() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, u := range t.upstreams {
		u.mu.Lock()
		n := len(u.idle)
		u.mu.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}

// dropOldest closes the connection that has been idle for the longest time.
func (t *Transport) dropOldest() {
	var (
		oldest *upstream
		since  instant
	)
	t.mu.RLock()
	for _, u := range t.upstreams {
		u.mu.Lock()
		if len(u.idle) > 0 && (oldest == nil || u.idle[0].since < since) {
			oldest, since = u, u.idle[0].since
		}
		u.mu.Unlock()
	}
	t.mu.RUnlock()
	if oldest == nil {
		return
	}
	oldest.mu.Lock()
	var l *link
	if len(oldest.idle) > 0 { // or somebody has been faster
		l = oldest.take(0)
	}
	oldest.mu.Unlock()
	if l != nil {
		l.close()
	}
}

// startSweeping sets the timer that closes idle connections, unless it is set.
func (t *Transport) startSweeping(d time.Duration) {
	if t.sweeping.CompareAndSwap(false, true) {
		t.sweeper.Reset(d)
	}
}

// sweep closes connections that have been idle for too long, forgets upstreams that have none, and comes
// back as long as there are some.
func (t *Transport) sweep() {
	timeout, at := t.options.IdleConnTimeout, now()
	first := instant(0)
	t.mu.Lock()
	t.few.Store(nil) // who meets one that is gone comes back, and waits
	all := make([]*upstream, 0, len(t.upstreams))
	for o, u := range t.upstreams {
		u.mu.Lock()
		if u.gone = u.links == 0; u.gone {
			delete(t.upstreams, o)
		}
		u.mu.Unlock()
		all = append(all, u)
	}
	t.listFew()
	t.mu.Unlock()
	for _, u := range all {
		first = earlier(first, u.closeIdle(timeout, at))
	}
	t.sweeping.Store(false)
	if !t.anyIdle() {
		return
	}
	if first == 0 {
		first = at
	}
	// Connections that were put one after the other are closed together.
	t.startSweeping(max(timeout-time.Duration(now()-first), timeout/8))
}
