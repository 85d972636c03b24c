package dial

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"
)

// A race connects to one of several addresses: each is tried when the one before has failed, or has taken
// a while, and the first connection wins (RFC 8305, section 5).
type race struct {
	dialer  *net.Dialer
	network string
	port    string
	delay   time.Duration // negative waits for each address to fail
}

type finish struct {
	conn  net.Conn
	place *Place
	err   error
}

// sequentialMin is the least time that an address gets when they are tried one after the other.
const sequentialMin = 2 * time.Second

// run returns the first connection and where it goes to.
func (r *race) run(ctx context.Context, places []*Place) (net.Conn, *Place, error) {
	if len(places) == 1 {
		f := r.connect(ctx, places[0], 1)
		return f.conn, f.place, f.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	finished := make(chan finish, len(places))
	var (
		started, running int
		first            error
		soon             <-chan time.Time
	)
	start := func() {
		p, left := places[started], len(places)-started
		started++
		running++
		go func() { finished <- r.connect(ctx, p, left) }()
		if soon = nil; started < len(places) && r.delay >= 0 {
			soon = time.After(r.delay)
		}
	}
	start()
	for {
		select {
		case <-soon:
			start()
		case f := <-finished:
			running--
			if f.err == nil {
				if running > 0 {
					go discard(finished, running)
				}
				return f.conn, f.place, nil
			}
			if first == nil {
				first = f.err
			}
			switch {
			case started < len(places) && ctx.Err() == nil:
				start()
			case running == 0:
				return nil, nil, fmt.Errorf("%w (and %d more addresses)", first, len(places)-1)
			}
		}
	}
}

// discard closes the connections that have come too late.
func discard(finished <-chan finish, running int) {
	for range running {
		if f := <-finished; f.err == nil {
			_ = f.conn.Close()
		}
	}
}

// connect tries one address, with left ones still to try, itself among them.
func (r *race) connect(ctx context.Context, p *Place, left int) finish {
	within := ctx
	if deadline, ok := ctx.Deadline(); ok && r.delay < 0 && left > 1 {
		part := max(time.Until(deadline)/time.Duration(left), sequentialMin)
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, part)
		defer cancel()
	}
	c, err := r.dialer.DialContext(within, r.network, net.JoinHostPort(p.addr.String(), r.port))
	switch {
	case err == nil:
		p.avoid.Store(0)
	case ctx.Err() != context.Canceled: // because another one has won, or nobody wants it any more
		p.avoid.Store(time.Now().Add(avoidFor).UnixNano())
	}
	return finish{c, p, err}
}

// dialName connects to one of the addresses of a name.
func (d *Dialer) dialName(ctx context.Context, dialer *net.Dialer, network, host, port string) (net.Conn, *Place, error) {
	if d.plain.Timeout > 0 { // over the look-up and all addresses
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.plain.Timeout)
		defer cancel()
	}
	fail := func(err error) (net.Conn, *Place, error) {
		return nil, nil, &net.OpError{Op: "dial", Net: network, Source: dialer.LocalAddr, Err: err}
	}
	n := d.names.of(host)
	places, fresh, err := n.resolve(ctx, false)
	if err != nil {
		return fail(err)
	}
	usable := matching(places, network, dialer.LocalAddr)
	r := race{dialer, network, port, d.delay}
	var c net.Conn
	var p *Place
	if len(usable) > 0 {
		if c, p, err = r.run(ctx, n.order(usable)); err == nil || fresh || ctx.Err() != nil {
			return c, p, err
		}
	}
	// What was known may be out of date.
	if !fresh {
		again, _, failed := n.resolve(ctx, true)
		again = slices.DeleteFunc(matching(again, network, dialer.LocalAddr), func(p *Place) bool { return slices.Contains(usable, p) })
		if failed == nil && len(again) > 0 {
			return r.run(ctx, n.order(again))
		}
	}
	if err == nil {
		return fail(&net.AddrError{Err: "no suitable address", Addr: host})
	}
	return nil, nil, err
}

// matching are the places that can be connected to by network, and from local.
func matching(places []*Place, network string, local net.Addr) (list []*Place) {
	v4, v6 := network != "tcp6" && network != "udp6", network != "tcp4" && network != "udp4"
	var ip net.IP
	switch a := local.(type) {
	case *net.TCPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	}
	if len(ip) > 0 && !ip.IsUnspecified() {
		v4, v6 = v4 && ip.To4() != nil, v6 && ip.To4() == nil
	}
	for _, p := range places {
		if p.addr.Is4() && v4 || !p.addr.Is4() && v6 {
			list = append(list, p)
		}
	}
	return list
}
