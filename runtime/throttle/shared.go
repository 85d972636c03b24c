package throttle

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A shared is a gate that other gateways share. It counts here, too: what this gateway alone has let through, or knows of the others, is
// enough to refuse a request without asking; and it's what is gone by while the Store is away. So not
// even then, nor when the Store has lost everything, does this gateway let more through than the limit says.
type shared struct {
	*metered
	link      *link
	prefix    string
	onFailure Failure
}

func newShared(g *metered, r *Rule) gate {
	kind := "b"
	if g.window > 0 {
		kind = "w"
	}
	return &shared{metered: g, link: newLink(r.Shared), prefix: r.Shared.Prefix + kind, onFailure: r.Shared.OnFailure}
}

func (g *shared) take(x *gateway.Exchange, _ bool) verdict {
	up := g.link.up()
	if !up && g.onFailure != CountLocally {
		return g.failed()
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.link.timeout)
	defer cancel()
	at := time.Now()
	now := g.at(at)
	var start, there int64
	if up {
		if there, up = g.link.now(ctx, at); !up && g.onFailure != CountLocally {
			return g.failed()
		}
	}
	if g.window > 0 {
		_, age := g.began(at)
		start = now - toTicks(age)
	}
	var room [128]byte
	key := g.keys.append(room[:0], x)
	mine, ok := g.count(key, now, start)
	if !ok || !up {
		return g.say(mine, now, ok)
	}
	answer, ok := g.ask(ctx, at, there, key)
	switch {
	case !ok && g.onFailure == CountLocally:
		return g.say(mine, now, true)
	case !ok:
		g.settle(key, 0, 0, false) // it isn't counted anywhere
		return g.failed()
	}
	state := answer.state(&g.meter, now, start)
	g.settle(key, mine, state, answer.ok)
	return g.say(state, now, answer.ok)
}

// failed is the verdict while the Store is away, if requests aren't counted here then.
func (g *shared) failed() verdict {
	return verdict{ok: g.onFailure == AllowAll, retry: askAgain, blind: true}
}

// undo does nothing: a place in the queue of all gateways that nobody takes stays empty.
func (g *shared) undo(*gateway.Exchange, verdict) {}

// began is how long ago the window began: at the same moment for all gateways.
func (g *shared) began(at time.Time) (now, age time.Duration) {
	now = time.Duration(g.link.offset.Load()) + at.Sub(g.link.start)
	return now, now % (time.Duration(g.window) / ticks)
}

// An answer is what the Store says: how far ahead of now the time of a bucket lies, in our ticks, or how many requests a window has had.
type answer struct {
	ok    bool
	value int64
}

// ask has the Store count a request, at a time of ours and of the Store.
func (g *shared) ask(ctx context.Context, at time.Time, now int64, key []byte) (answer, bool) {
	var reply []int64
	var ok bool
	if g.interval > 0 {
		reply, ok = g.link.run(ctx, bucketScript, g.name(key), now, roundUp(g.interval), roundUp(g.depth))
	} else {
		since, age := g.began(at)
		reply, ok = g.link.run(ctx, windowScript, g.name(key), scriptTicks(since-age), roundUp(g.window), int64(g.limit), now)
	}
	if !ok || len(reply) < 2 {
		return answer{}, false
	}
	a := answer{reply[0] == 1, reply[1]}
	if g.interval > 0 {
		a.value = min(max(a.value, 0), forever/1000) * 1000
	}
	return a, true
}

func roundUp(t int64) int64 { return (t + 999) / 1000 }

// name is the key of the Store for a key of ours, of which nothing can be seen in it: it may be a secret.
func (g *shared) name(key []byte) string { return storeKey(g.prefix, key) }

func storeKey(prefix string, key []byte) string {
	if len(key) == 0 {
		return prefix
	}
	sum := sha256.Sum256(key)
	var text [22]byte
	base64.RawURLEncoding.Encode(text[:], sum[:16])
	return prefix + ":" + string(text[:])
}

// state is the answer as the state of a meter.
func (a answer) state(m *meter, now, start int64) uint64 {
	if m.interval > 0 {
		return uint64(now + a.value)
	}
	return m.windowState(start, uint64(a.value))
}

// count counts a request here.
func (g *shared) count(key []byte, now, start int64) (state uint64, ok bool) {
	if g.table != nil {
		hash := g.keys.hashOf(key)
		s, l := g.table.lock(hash)
		defer l.Unlock()
		return s.take(&g.meter, hash, start, now)
	}
	for {
		state := g.state.Load()
		next, ok := g.meter.take(state, now, start)
		if !ok {
			return state, false
		}
		if g.metered.state.CompareAndSwap(state, next) {
			return next, true
		}
	}
}

// settle notes what the Store says, where mine was counted before. What has been counted here meanwhile stays counted.
func (g *shared) settle(key []byte, mine, state uint64, ok bool) {
	if g.table != nil {
		hash := g.keys.hashOf(key)
		s, l := g.table.lock(hash)
		defer l.Unlock()
		if e := s.find(hash); e != nil {
			e.state = g.settled(e.state, mine, state, ok)
		}
		return
	}
	for {
		now := g.metered.state.Load()
		if g.metered.state.CompareAndSwap(now, g.settled(now, mine, state, ok)) {
			return
		}
	}
}

func (m *meter) settled(now, mine, state uint64, ok bool) uint64 {
	if now == mine {
		return state
	}
	if !ok { // what was counted for it is given back
		if m.interval > 0 {
			now = uint64(max(int64(now)-m.interval, 1))
		} else if now&(1<<m.bits-1) > 0 {
			now--
		}
	}
	if m.interval == 0 && now>>m.bits != state>>m.bits {
		return now // another window has begun
	}
	return max(now, state)
}
