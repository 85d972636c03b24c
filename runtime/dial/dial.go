// Package dial opens connections to upstreams.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// Options say how connections are opened. The zero value dials as package net does.
type Options struct {
	// Timeout is how long the connect may take, name resolution included, over all
	// addresses that a name has. 0 is no limit but that of the system.
	Timeout time.Duration
	// KeepAlive is the idle time before and the interval between keep-alive probes. 0 is
	// 15 s; negative leaves the system's setting. It does not apply if Socket sets them.
	KeepAlive time.Duration
	// FallbackDelay is how long to wait for one address of a name before the next one is tried, too (RFC 8305).
	// 0 is 300 ms; negative tries one after the other.
	FallbackDelay time.Duration
	// LookupInterval is how old what a name resolves to may get before it is looked up again, for a connection that
	// is opened, and for [Place.Gone]. 0 is 5 s.
	LookupInterval time.Duration
	// Resolver looks names up; nil is that of package net.
	Resolver *net.Resolver
	// LocalAddress is the address to dial from, "network://host:port", for example
	// "tcp://192.0.2.1:0". The network is tcp, udp or unix, with 4, 6, gram or packet
	// behind it as package net has them, and tcp if it is left out; the port may be left out.
	LocalAddress string
	// ReplaceTargets are connections to open in place of others, each of the form
	// "(network|address) > (network|address)", for example
	// "(tcp|example.com:80) > (unix|/run/example.sock)". Both parts of the left side must equal
	// what is dialled as text. They apply in order, a later one to what an earlier one has made.
	// Names on the right side are resolved as others are.
	ReplaceTargets []string
	// Socket are the options set on each socket before it connects.
	Socket sockopt.Options
}

// A Func opens a connection, as the DialContext method of [net.Dialer] does.
type Func func(ctx context.Context, network, address string) (net.Conn, error)

// A Dialer opens connections as its Options say. It is safe for concurrent use.
//
// Connections to a name are spread over its addresses, in turn. An address that can't be connected to is passed over, and
// comes last for a while. Names are looked up again while they are used, so that connections follow what
// the name server says, and those to addresses that it has given up can be told: see [Dialer.DialPlace].
type Dialer struct {
	plain   net.Dialer
	bound   net.Dialer // plain with the local address
	family  string     // of the local address; "" if there is none
	targets []target
	delay   time.Duration
	names   *names
}

// defaultDelay is FallbackDelay if it isn't given.
const defaultDelay = 300 * time.Millisecond

// New returns the Func for o. It fails if an address in o is malformed.
func New(o Options) (Func, error) {
	d, err := NewDialer(o)
	if err != nil {
		return nil, err
	}
	return d.Dial, nil
}

// NewDialer returns the Dialer for o. It fails if an address in o is malformed.
func NewDialer(o Options) (*Dialer, error) {
	targets, err := parseTargets(o.ReplaceTargets)
	if err != nil {
		return nil, err
	}
	local, err := parseLocal(o.LocalAddress)
	if err != nil {
		return nil, err
	}
	d := &Dialer{
		plain:   net.Dialer{Timeout: o.Timeout, KeepAlive: o.KeepAlive, FallbackDelay: o.FallbackDelay, Resolver: o.Resolver},
		targets: targets,
		delay:   o.FallbackDelay,
		names:   newNames(o.Resolver, o.LookupInterval),
	}
	if d.delay == 0 {
		d.delay = defaultDelay
	}
	if o.Socket != (sockopt.Options{}) {
		d.plain.Control = o.Socket.Control
		d.plain.KeepAliveConfig = keepAlive(&o.Socket.TCP)
	}
	d.bound = d.plain
	d.bound.LocalAddr = local
	if local != nil {
		d.family = family(local.Network())
	}
	return d, nil
}

// Dial opens a connection.
func (d *Dialer) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, _, err := d.DialPlace(ctx, network, address)
	return c, err
}

// DialPlace opens a connection. If it goes to one of the addresses of a name, place is that one, and tells when
// the name has given it up; else it's nil.
func (d *Dialer) DialPlace(ctx context.Context, network, address string) (c net.Conn, place *Place, err error) {
	for i := range d.targets {
		if t := &d.targets[i]; t.from.network == network && t.from.address == address {
			network, address = t.to.network, t.to.address
		}
	}
	dialer := &d.plain
	// A TCP address can't be the local end of a unix socket that a target was replaced by.
	if d.family != "" && d.family == family(network) {
		dialer = &d.bound
	}
	if family(network) == "tcp" {
		if host, port, err := net.SplitHostPort(address); err == nil && isName(host) {
			return d.dialName(ctx, dialer, network, host, port)
		}
	}
	c, err = dialer.DialContext(ctx, network, address)
	return c, nil, err
}

// isName reports whether host has to be looked up.
func isName(host string) bool {
	if host == "" {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

// keepAlive repeats what t says of keep-alive probes: package net sets its own
// values once a connection is there, after Control.
func keepAlive(t *sockopt.TCP) net.KeepAliveConfig {
	return net.KeepAliveConfig{
		Enable:   t.KeepIdle != 0 || t.KeepInterval != 0 || t.KeepCount != 0,
		Idle:     t.KeepIdle,
		Interval: t.KeepInterval,
		Count:    t.KeepCount,
	}
}

func errMalformed(what, text string, err error) error {
	return fmt.Errorf("dial: %s %q: %w", what, text, err)
}

// Phase tells what has failed when a Func returns err: looking up a name, or connecting.
func Phase(err error) gateway.Phase {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return gateway.PhaseResolve
	}
	return gateway.PhaseConnect
}
