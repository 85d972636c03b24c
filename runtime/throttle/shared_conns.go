package throttle

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// sharedConns counts the requests that are under way in all gateways. The Store has a list of them, in which each stays
// for a while only, and is renewed: so those of a gateway that was killed don't count for long.
type sharedConns struct {
	keys      keys
	counts    *counts // those of this gateway, which are enough to refuse without asking
	link      *link
	prefix    string
	onFailure Failure

	id   string // of this gateway
	last atomic.Uint64

	mu      sync.Mutex
	leases  map[string]map[string]struct{} // the ids of requests by the keys of the Store
	renewal *time.Timer                    // nil while there are none
}

const (
	leaseTime  = 30 * time.Second
	renewEvery = 10 * time.Second
	renewBatch = 1000
)

func newSharedConns(most int64, r *Rule) gate {
	var id [9]byte
	_, _ = rand.Read(id[:]) // never fails
	return &sharedConns{
		keys: newKeys(r.Keys), counts: newCounts(most), link: newLink(r.Shared), prefix: r.Shared.Prefix + "c", onFailure: r.Shared.OnFailure,
		id: hex.EncodeToString(id[:]) + ".", leases: make(map[string]map[string]struct{}),
	}
}

func (c *sharedConns) take(x *gateway.Exchange, _ bool) verdict {
	up := c.link.up()
	if !up && c.onFailure != CountLocally {
		return c.failed()
	}
	var room [128]byte
	key := c.keys.append(room[:0], x)
	hash := c.keys.hashOf(key)
	n, ok := c.counts.enter(hash)
	if !ok {
		return busy
	}
	v := verdict{ok: true, left: c.counts.max - n}
	name, id := storeKey(c.prefix, key), c.id+strconv.FormatUint(c.last.Add(1), 36)
	if up {
		all, entered, asked := c.enter(name, id)
		switch {
		case asked && !entered:
			c.counts.leave(hash)
			return busy
		case asked:
			v.left = max(c.counts.max-all, 0)
		case c.onFailure != CountLocally:
			c.counts.leave(hash)
			return c.failed()
		}
	}
	// Also if it isn't in the list: it will be, when the Store is there again.
	c.hold(name, id)
	x.OnDone(func(*gateway.Exchange) {
		c.counts.leave(hash)
		c.drop(name, id)
	})
	return v
}

func (c *sharedConns) failed() verdict {
	return verdict{ok: c.onFailure == AllowAll, retry: askAgain, blind: true}
}

func (c *sharedConns) undo(*gateway.Exchange, verdict) {}

// enter puts a request into the list, if there's room. It returns how many there are then.
func (c *sharedConns) enter(name, id string) (all int64, entered, asked bool) {
	ctx, cancel := context.WithTimeout(context.Background(), c.link.timeout)
	defer cancel()
	now, ok := c.link.now(ctx, time.Now())
	if !ok {
		return 0, false, false
	}
	reply, ok := c.link.run(ctx, enterScript, name, now, now+scriptTicks(leaseTime), c.counts.max, id)
	if !ok || len(reply) < 2 {
		return 0, false, false
	}
	return reply[1], reply[0] == 1, true
}

// hold has a request renewed from now on.
func (c *sharedConns) hold(name, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.leases[name]
	if ids == nil {
		ids = make(map[string]struct{})
		c.leases[name] = ids
	}
	ids[id] = struct{}{}
	if c.renewal == nil {
		c.renewal = time.AfterFunc(renewEvery, c.renew)
	}
}

// drop takes a request out of the list. Nobody waits for that.
func (c *sharedConns) drop(name, id string) {
	c.mu.Lock()
	ids := c.leases[name]
	if delete(ids, id); len(ids) == 0 {
		delete(c.leases, name)
	}
	if len(c.leases) == 0 && c.renewal != nil {
		c.renewal.Stop()
		c.renewal = nil
	}
	c.mu.Unlock()
	if c.link.up() { // else it goes by itself
		go c.run(leaveScript, name, id)
	}
}

func (c *sharedConns) run(script, name string, args ...any) {
	ctx, cancel := context.WithTimeout(context.Background(), c.link.timeout)
	defer cancel()
	c.link.run(ctx, script, name, args...)
}

// renew renews all requests of this gateway.
func (c *sharedConns) renew() {
	for _, b := range c.batches() {
		if !c.link.up() {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.link.timeout)
		now, ok := c.link.now(ctx, time.Now())
		cancel()
		if !ok {
			continue
		}
		c.run(renewScript, b.name, append([]any{now, now + scriptTicks(leaseTime)}, b.ids...)...)
		if gone := c.gone(b); len(gone) > 0 { // meanwhile; they mustn't be there again
			c.run(leaveScript, b.name, gone...)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renewal != nil {
		c.renewal.Reset(renewEvery)
	}
}

// A batch are requests with the same key of the Store.
type batch struct {
	name string
	ids  []any
}

func (c *sharedConns) batches() (list []batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, ids := range c.leases {
		b := batch{name: name}
		for id := range ids {
			if b.ids = append(b.ids, id); len(b.ids) == renewBatch {
				list = append(list, b)
				b = batch{name: name}
			}
		}
		if len(b.ids) > 0 {
			list = append(list, b)
		}
	}
	return list
}

// gone are the requests of a batch that have ended.
func (c *sharedConns) gone(b batch) (ids []any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range b.ids {
		if _, ok := c.leases[b.name][id.(string)]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}
