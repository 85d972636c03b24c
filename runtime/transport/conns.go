package transport

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/dial"
)

// conns are the connections of a transport, of which net/http tells little.
type conns struct {
	dialer *dial.Dialer
	// leaving are those that are in use and go to addresses which the upstream's name has given up.
	leaving atomic.Int32
}

// dial opens a connection.
func (s *conns) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, place, err := s.dialer.DialPlace(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok && place != nil {
		return &placed{TCPConn: tcp, conns: s, place: place}, nil
	}
	return c, nil
}

// A placed connection knows which of the addresses of a name it goes to.
type placed struct {
	*net.TCPConn // for its other methods
	conns        *conns
	place        *dial.Place
	leaving      atomic.Bool // counted there
	closed       atomic.Bool
}

// Close closes the connection.
func (c *placed) Close() error {
	if !c.closed.Swap(true) && c.leaving.Swap(false) {
		c.conns.leaving.Add(-1)
	}
	return c.TCPConn.Close()
}

// used notes that a request uses c. It reports whether that request is to be its last one, which nobody knew before.
func (s *conns) used(c net.Conn) bool {
	p := placedOf(c)
	if p == nil || !p.place.Gone() || p.leaving.Swap(true) {
		return false
	}
	s.leaving.Add(1)
	if p.closed.Load() && p.leaving.Swap(false) { // meanwhile
		s.leaving.Add(-1)
	}
	return true
}

// placedOf looks for the connection below TLS.
func placedOf(c net.Conn) *placed {
	for {
		if p, ok := c.(*placed); ok {
			return p
		}
		n, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = n.NetConn()
	}
}
