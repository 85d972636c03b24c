// Package listen opens the listeners of servers: TCP and unix sockets, with TLS,
// an allow list of networks, a limit of connections and deadlines.
package listen

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// Options say where and how to listen.
type Options struct {
	// Addr is "host:port", or that behind "tcp://", "tcp4://" or "tcp6://", or a path
	// behind "unix://" or "unixpacket://", where "@name" is an abstract socket of
	// Linux. Empty is a free TCP port on all interfaces.
	Addr string
	// TLS makes the connections TLS ones. Nil is cleartext.
	TLS *tls.Config
	// ConnectionLimit is how many connections may be open at a time; further ones
	// wait in the queue of the operating system. 0 is no limit.
	ConnectionLimit int
	// Networks are the networks in CIDR notation that may connect; peers from
	// elsewhere are disconnected at once. None stands for all. They don't go with
	// unix sockets.
	Networks []string
	// ReadDeadline is how long one read may wait for the peer, and WriteDeadline how
	// long one write; 0 is without limit. See [PauseReads].
	ReadDeadline, WriteDeadline time.Duration
	// KeepAlive are the keep-alive probes of TCP. What it leaves open is as Socket has it.
	KeepAlive KeepAlive
	// Socket are the options of the listening socket, most of which the connections inherit.
	Socket sockopt.Options
}

// KeepAlive configures TCP keep-alive probes (RFC 9293, section 3.8.4). The zero
// value means the defaults of Go; negative values leave the setting of the
// operating system.
type KeepAlive struct {
	Disable bool
	// Idle is the time until the first probe, 15 s by default, and Interval that between
	// probes, 15 s by default; both in whole seconds.
	Idle, Interval time.Duration
	// Count is how many unanswered probes end a connection, 9 by default.
	Count int
}

// Listen opens a listener. Closing it removes the file of a unix socket. A file that
// is left of a process that was killed is replaced, if nobody listens on it any more.
func Listen(ctx context.Context, o Options) (net.Listener, error) {
	l, err := listen(ctx, &o)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", o.Addr, err)
	}
	return l, nil
}

func listen(ctx context.Context, o *Options) (net.Listener, error) {
	network, address, err := split(o.Addr)
	if err != nil {
		return nil, err
	}
	unix := strings.HasPrefix(network, "unix")
	networks, err := ParseNetworks(o.Networks)
	if err != nil {
		return nil, err
	}
	if unix && len(networks) > 0 {
		return nil, errors.New("networks cannot be told apart on a unix socket")
	}
	lc := net.ListenConfig{Control: o.Socket.Control}
	o.keepAlive().apply(&lc)
	l, err := lc.Listen(ctx, network, address)
	if unix && errors.Is(err, syscall.EADDRINUSE) && removeStale(network, address) {
		l, err = lc.Listen(ctx, network, address)
	}
	if err != nil {
		return nil, err
	}
	if o.ConnectionLimit > 0 || len(networks) > 0 || o.ReadDeadline > 0 || o.WriteDeadline > 0 {
		l = newListener(l, o, networks)
	}
	if o.TLS != nil {
		// Outermost, because servers look for *tls.Conn to know about TLS and HTTP/2.
		l = tls.NewListener(l, o.TLS)
	}
	return l, nil
}

// split cuts the prefix from addr that names its network.
func split(addr string) (network, address string, err error) {
	network, address, ok := strings.Cut(addr, "://")
	if !ok {
		return "tcp", addr, nil
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		return network, address, nil
	case "unix", "unixpacket":
		if address == "" {
			return "", "", errors.New("the path of the unix socket is missing")
		}
		return network, address, nil
	}
	return "", "", fmt.Errorf("%q is not one of the networks tcp, tcp4, tcp6, unix and unixpacket", network)
}

// Networks are those that may connect; none stands for all.
type Networks []netip.Prefix

// ParseNetworks parses networks in CIDR notation.
func ParseNetworks(list []string) (Networks, error) {
	networks := make(Networks, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("network: %w", err)
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 { // peers are compared as IPv4
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		networks = append(networks, p)
	}
	return networks, nil
}

// Contains reports whether a peer may connect.
func (n Networks) Contains(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return len(n) == 0 || slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// keepAlive adds what the socket options say of keep-alive probes. The connections inherit that, but package net sets its own values
// on each.
func (o *Options) keepAlive() KeepAlive {
	k, t := o.KeepAlive, &o.Socket.TCP
	return KeepAlive{k.Disable, cmp.Or(k.Idle, t.KeepIdle), cmp.Or(k.Interval, t.KeepInterval), cmp.Or(k.Count, t.KeepCount)}
}

func (k KeepAlive) apply(lc *net.ListenConfig) {
	switch {
	case k.Disable:
		lc.KeepAlive = -1
	case k != (KeepAlive{}):
		lc.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: k.Idle, Interval: k.Interval, Count: k.Count}
	}
}

// removeStale removes the file of a unix socket if nobody listens on it, and
// reports whether it has.
func removeStale(network, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	c, err := net.DialTimeout(network, path, time.Second)
	if err == nil {
		_ = c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}
