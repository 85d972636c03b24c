package transport

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
)

// conns are the connections of a transport, of which net/http tells little.
type conns struct {
	dialer *dial.Dialer
	guards bool // connections are those of HTTP/1, perhaps
	// leaving are those that are in use and go to addresses which the upstream's name has given up.
	leaving atomic.Int32

	mu       sync.RWMutex
	measured map[string]*count // by the address that is dialled
}

// A count is one of the connections to an address.
type count struct {
	open   atomic.Int64
	opened atomic.Uint64
}

// Measure returns what tells of the connections to an upstream. Of those, net/http doesn't tell which are idle; and
// through a forward proxy it opens none.
func (t *Transport) Measure(scheme, host string) func() upstreamstats.Conns {
	address := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		port := "80"
		if scheme == "https" {
			port = "443"
		}
		address = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	s := t.conns
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.measured == nil {
		s.measured = make(map[string]*count)
	}
	c := s.measured[address]
	if c == nil {
		c = new(count)
		s.measured[address] = c
	}
	return func() upstreamstats.Conns {
		return upstreamstats.Conns{Open: int(c.open.Load()), Idle: -1, Opened: c.opened.Load()}
	}
}

// dial opens a connection.
func (s *conns) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, place, err := s.dialer.DialPlace(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	counted := s.measured[address]
	s.mu.RUnlock()
	if tcp, ok := c.(*net.TCPConn); ok && (place != nil || counted != nil || s.guards) {
		if counted != nil {
			counted.open.Add(1)
			counted.opened.Add(1)
		}
		c := &tracked{TCPConn: tcp, conns: s, place: place, count: counted}
		if s.guards {
			c.guard = newGuard()
		}
		return c, nil
	}
	return c, nil
}

// A tracked connection is counted, and knows which of the addresses of a name it goes to.
type tracked struct {
	*net.TCPConn // for its other methods
	conns        *conns
	place        *dial.Place // nil if it goes to no name
	count        *count      // nil if nobody wants to know
	leaving      atomic.Bool // counted there
	closed       atomic.Bool
	guard        *guard // nil if there are many requests at a time
}

// Read reads what the upstream sends.
func (c *tracked) Read(p []byte) (int, error) {
	if c.guard != nil {
		return c.guard.read(c.TCPConn.Read, p)
	}
	return c.TCPConn.Read(p)
}

// Write writes to the upstream.
func (c *tracked) Write(p []byte) (int, error) {
	if c.guard != nil {
		c.guard.set(&c.guard.unasked, false)
	}
	return c.TCPConn.Write(p)
}

// Close closes the connection.
func (c *tracked) Close() error {
	if c.guard != nil {
		c.guard.set(&c.guard.closed, true)
	}
	if !c.closed.Swap(true) {
		if c.leaving.Swap(false) {
			c.conns.leaving.Add(-1)
		}
		if c.count != nil {
			c.count.open.Add(-1)
		}
	}
	return c.TCPConn.Close()
}

// guardOf returns the guard of a connection in the clear. TLS has messages of its own, which nobody has asked for.
func guardOf(c net.Conn) *guard {
	if t, ok := c.(*tracked); ok {
		return t.guard
	}
	return nil
}

// used notes that a request uses c. It reports whether that request is to be its last one, which nobody knew before.
func (s *conns) used(c net.Conn) bool {
	p := trackedOf(c)
	if p == nil || !p.place.Gone() || p.leaving.Swap(true) {
		return false
	}
	s.leaving.Add(1)
	if p.closed.Load() && p.leaving.Swap(false) { // meanwhile
		s.leaving.Add(-1)
	}
	return true
}

// trackedOf looks for the connection below TLS.
func trackedOf(c net.Conn) *tracked {
	for {
		if p, ok := c.(*tracked); ok {
			return p
		}
		n, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = n.NetConn()
	}
}
