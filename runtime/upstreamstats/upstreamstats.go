// Package upstreamstats counts what a gateway asks of its upstreams, and what comes of it, for those who measure it.
//
// Who sends requests counts in a [Counts], by atomic additions. Who measures reads all of them at any time by [Set.All], which
// makes no request wait.
package upstreamstats

import (
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// A Set has the counts of all upstreams of a gateway. The zero value is empty.
type Set struct {
	// Times has it measured how long upstreams take to answer. Looking at the clock costs more than all the rest. It is
	// set before Group is called.
	Times bool

	mu     sync.Mutex
	groups []*Group
}

// A Group has the counts of the upstreams of one handler.
type Group struct {
	handler string
	pool    Pool
	times   bool

	mu      sync.Mutex
	members []*member
}

// A Target is an upstream.
type Target interface {
	// String is its address: "http://10.0.0.7:8080".
	String() string
	// Usable reports whether requests go to it, and Why why they don't.
	Usable() bool
	Why() string
	// Ejections is how often it was taken out of use because requests to it had failed.
	Ejections() uint64
}

// A Pool knows of the connections to upstreams.
type Pool interface {
	// Measure returns what tells of those to one upstream. It is called before the first request.
	Measure(scheme, host string) func() Conns
}

// Conns are the connections to an upstream, whichever handler uses them.
type Conns struct {
	Open   int    // in use, idle, or being opened
	Idle   int    // negative if that isn't known
	Opened uint64 // since the start
}

type member struct {
	target Target
	conns  func() Conns // nil if nobody knows
	counts Counts
}

// Group adds the upstreams of a handler, which has connections to them in pool; nil if nothing is known of those.
func (s *Set) Group(handler string, pool Pool) *Group {
	g := &Group{handler: handler, pool: pool, times: s.Times}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups = append(s.groups, g)
	return g
}

// Add adds an upstream, which is at host. The same one may be added several times.
func (g *Group) Add(t Target, scheme, host string) *Counts {
	m := &member{target: t}
	if g.times {
		m.counts.epoch = time.Now()
	}
	if g.pool != nil {
		m.conns = g.pool.Measure(scheme, host)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(g.members, m)
	return &m.counts
}

// All are the counts of all upstreams as they are now, in the order in which they were added. A Snapshot is valid until
// the next one.
func (s *Set) All() iter.Seq[*Snapshot] {
	return func(yield func(*Snapshot) bool) {
		s.mu.Lock()
		groups := s.groups
		s.mu.Unlock()
		var at Snapshot
		for _, g := range groups {
			g.mu.Lock()
			members := g.members
			g.mu.Unlock()
			for _, m := range members {
				at.take(g.handler, m)
				if !yield(&at) {
					return
				}
			}
		}
	}
}

// A Failure is a kind of failure of a request to an upstream.
type Failure uint8

// The failures. All but Broken and Cancelled are that there is no response.
const (
	Resolve   Failure = iota // its name can't be looked up
	Connect                  // it can't be connected to
	Handshake                // the TLS handshake fails
	Send                     // it doesn't take the request
	Wait                     // it breaks off, or what it sends is no response
	Timeout                  // it is too slow, in whichever phase
	Broken                   // the body of its response breaks off
	Cancelled                // none of the upstream's: the client has gone, or its request is at fault
	Failures                 // how many kinds there are
)

var failureNames = [Failures]string{"resolve", "connect", "handshake", "send", "wait", "timeout", "broken", "cancelled"}

// String is the name of f in one word.
func (f Failure) String() string {
	if f < Failures {
		return failureNames[f]
	}
	return "unknown"
}

// Buckets are the upper bounds of those that the times until the head of a response are counted in. A further bucket
// has the rest.
var Buckets = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

const buckets = len(Buckets) + 1

// Counts are those of one upstream.
type Counts struct {
	began, ended atomic.Uint64
	responses    [classes][buckets]atomic.Uint64 // by the class of their status
	waited       atomic.Int64                    // for all of them, in nanoseconds
	failures     [Failures]atomic.Uint64
	epoch        time.Time // what instants are counted from; zero if times aren't measured
}

// classes are the first digits of a status, 1 to 5, and 0 for others.
const classes = 6

// Began counts a request. at is for Answered.
func (c *Counts) Began() (at time.Duration) {
	c.began.Add(1)
	if !c.epoch.IsZero() {
		at = time.Since(c.epoch)
	}
	return at
}

// Answered counts a response, whose head has come, to a request that began at an instant.
func (c *Counts) Answered(status int, began time.Duration) {
	class := status / 100
	if class < 1 || class >= classes {
		class = 0
	}
	if c.epoch.IsZero() {
		c.responses[class][0].Add(1)
		return
	}
	took, at := time.Since(c.epoch)-began, 0
	for at < len(Buckets) && took > Buckets[at] {
		at++
	}
	c.responses[class][at].Add(1)
	c.waited.Add(int64(took))
}

// Failed counts a failure.
func (c *Counts) Failed(f Failure) { c.failures[f].Add(1) }

// Ended counts the end of a request, well or not.
func (c *Counts) Ended() { c.ended.Add(1) }
