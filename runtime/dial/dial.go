// Package dial opens connections to upstreams.
package dial

import (
	"context"
	"fmt"
	"net"
	"time"

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
	// FallbackDelay is how long to wait for IPv6 before IPv4 is tried, too (RFC 6555).
	// 0 is 300 ms; negative tries one after the other.
	FallbackDelay time.Duration
	// LocalAddress is the address to dial from, "network://host:port", for example
	// "tcp://192.0.2.1:0". The network is tcp, udp or unix, with 4, 6, gram or packet
	// behind it as package net has them, and tcp if it is left out; the port may be left out.
	LocalAddress string
	// ReplaceTargets are connections to open in place of others, each of the form
	// "(network|address) > (network|address)", for example
	// "(tcp|example.com:80) > (unix|/run/example.sock)". Both parts of the left side must equal
	// what is dialled as text. They apply in order, a later one to what an earlier one has made.
	// Names on the right side are resolved at each dial.
	ReplaceTargets []string
	// Socket are the options set on each socket before it connects.
	Socket sockopt.Options
}

// A Func opens a connection, as the DialContext method of [net.Dialer] does.
type Func func(ctx context.Context, network, address string) (net.Conn, error)

// New returns the Func for o. It fails if an address in o is malformed.
func New(o Options) (Func, error) {
	targets, err := parseTargets(o.ReplaceTargets)
	if err != nil {
		return nil, err
	}
	local, err := parseLocal(o.LocalAddress)
	if err != nil {
		return nil, err
	}
	d := &dialer{
		plain:   net.Dialer{Timeout: o.Timeout, KeepAlive: o.KeepAlive, FallbackDelay: o.FallbackDelay},
		targets: targets,
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
	return d.dial, nil
}

type dialer struct {
	plain   net.Dialer
	bound   net.Dialer // plain with the local address
	family  string     // of the local address; "" if there is none
	targets []target
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for i := range d.targets {
		if t := &d.targets[i]; t.from.network == network && t.from.address == address {
			network, address = t.to.network, t.to.address
		}
	}
	// A TCP address can't be the local end of a unix socket that a target was replaced by.
	if d.family != "" && d.family == family(network) {
		return d.bound.DialContext(ctx, network, address)
	}
	return d.plain.DialContext(ctx, network, address)
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
