package dial

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultLookupInterval is LookupInterval if it isn't given.
	defaultLookupInterval = 5 * time.Second
	// lookupTimeout is how long a look-up may take. It isn't bounded by who began it, since others may wait for it, too.
	lookupTimeout = 10 * time.Second
	// patience is how long a connection waits for a look-up if there is an earlier answer.
	patience = time.Second
	// goneAfter is how many look-ups in a row an address has to be missing from before connections to it end.
	// Some name servers answer with other ones of many addresses each time.
	goneAfter = 6
	// avoidFor is how long an address that can't be connected to comes last.
	avoidFor = 10 * time.Second
)

// names are the names that connections go to, with what they resolve to.
type names struct {
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
	interval time.Duration

	mu  sync.RWMutex
	all map[string]*name
}

func newNames(r *net.Resolver, interval time.Duration) *names {
	if r == nil {
		r = net.DefaultResolver
	}
	if interval <= 0 {
		interval = defaultLookupInterval
	}
	return &names{lookup: r.LookupNetIP, interval: interval, all: make(map[string]*name)}
}

// of returns the name of that spelling.
func (s *names) of(host string) *name {
	s.mu.RLock()
	n := s.all[host]
	s.mu.RUnlock()
	if n != nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = s.all[host]; n == nil {
		n = &name{names: s, host: host}
		n.due.Store(true)
		s.all[host] = n
	}
	return n
}

// A name is a host name. It's looked up when it is used and the last look-up is an interval ago: nothing happens
// on behalf of names that nobody uses.
type name struct {
	names *names
	host  string
	due   atomic.Bool   // it should be looked up again
	next  atomic.Uint32 // the address whose turn it is

	mu      sync.Mutex
	places  []*Place      // the latest answer first, then what is missing from it
	current int           // how many of them the latest answer has
	err     error         // why there are none
	looking chan struct{} // closed at the end of the look-up that is under way; nil if none is
}

// A Place is one of the addresses that a name has resolved to.
type Place struct {
	name   *name
	addr   netip.Addr
	missed int // look-ups in a row that it has been missing from; name.mu guards it
	gone   atomic.Bool
	avoid  atomic.Int64 // until when it comes last, as a Unix time in nanoseconds
}

// Gone reports whether the name has given p up, so that connections to it should not be used again. It is asked each time that a
// connection is used again, because that is what has the name looked up: in the background, when the last look-up is old
// enough. A nil Place is never gone.
func (p *Place) Gone() bool {
	if p == nil {
		return false
	}
	if p.name.due.Load() {
		p.name.refresh()
	}
	return p.gone.Load()
}

// refresh begins a look-up, unless one is under way, and returns what is closed at its end.
func (n *name) refresh() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.looking == nil {
		n.looking = make(chan struct{})
		n.due.Store(false)
		go n.look()
	}
	return n.looking
}

func (n *name) look() {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := n.names.lookup(ctx, "ip", n.host)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.learn(addrs, err)
	close(n.looking)
	n.looking = nil
	time.AfterFunc(n.names.interval, func() { n.due.Store(true) })
}

// learn takes the outcome of a look-up. Its caller holds n.mu.
func (n *name) learn(addrs []netip.Addr, err error) {
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: n.host, IsNotFound: true}
	}
	if e, ok := err.(*net.DNSError); err != nil && !(ok && e.IsNotFound) {
		if n.current == 0 {
			n.err = err
		}
		return // it may still have the addresses it had
	}
	n.err = err
	earlier := n.places
	n.places = make([]*Place, 0, len(addrs))
	for _, a := range addrs {
		a = a.Unmap()
		i := slices.IndexFunc(earlier, func(p *Place) bool { return p.addr == a })
		switch {
		case slices.ContainsFunc(n.places, func(p *Place) bool { return p.addr == a }):
		case i >= 0:
			earlier[i].missed = 0
			n.places = append(n.places, earlier[i])
		default:
			n.places = append(n.places, &Place{name: n, addr: a})
		}
	}
	n.current = len(n.places)
	for _, p := range earlier {
		if slices.Contains(n.places[:n.current], p) {
			continue
		}
		if p.missed++; p.missed < goneAfter {
			n.places = append(n.places, p)
		} else {
			p.gone.Store(true)
		}
	}
}

// resolve returns the addresses of the name. fresh says that they come of a look-up that was begun for the caller.
func (n *name) resolve(ctx context.Context, again bool) (places []*Place, fresh bool, err error) {
	places, err = n.known()
	if !again && !n.due.Load() && (len(places) > 0 || err != nil && n.isLasting(err)) {
		return places, false, err
	}
	done := n.refresh()
	var enough <-chan time.Time
	if len(places) > 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		enough = t.C
	}
	select {
	case <-done:
		places, err = n.known()
		return places, true, err
	case <-enough:
		return places, false, nil
	case <-ctx.Done():
		return nil, false, &net.DNSError{
			Err: ctx.Err().Error(), Name: n.host, UnwrapErr: ctx.Err(), IsTimeout: ctx.Err() == context.DeadlineExceeded,
		}
	}
}

// isLasting reports whether err stands for a while: the name doesn't exist.
func (n *name) isLasting(err error) bool {
	e, ok := err.(*net.DNSError)
	return ok && e.IsNotFound
}

// known is what the last look-up has found.
func (n *name) known() ([]*Place, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.places[:n.current:n.current], n.err
}

// order returns places in the order in which they are tried. Connections are spread over them: each begins with the next
// one. The families take turns (RFC 8305, section 4), and those that failed lately come last.
func (n *name) order(places []*Place) []*Place {
	var first, other []*Place // those of the family of the first one, which is the resolver's choice
	for _, p := range places {
		if p.addr.Is4() == places[0].addr.Is4() {
			first = append(first, p)
		} else {
			other = append(other, p)
		}
	}
	turn := int(n.next.Add(1) - 1)
	rotate(first, turn)
	rotate(other, turn)
	ordered := make([]*Place, 0, len(places))
	for i := range max(len(first), len(other)) {
		if i < len(first) {
			ordered = append(ordered, first[i])
		}
		if i < len(other) {
			ordered = append(ordered, other[i])
		}
	}
	now := time.Now().UnixNano()
	slices.SortStableFunc(ordered, func(a, b *Place) int { return a.late(now) - b.late(now) })
	return ordered
}

func rotate(places []*Place, by int) {
	if len(places) > 0 {
		by %= len(places)
		copy(places, append(slices.Clone(places[by:]), places[:by]...))
	}
}

func (p *Place) late(now int64) int {
	if p.avoid.Load() > now {
		return 1
	}
	return 0
}
