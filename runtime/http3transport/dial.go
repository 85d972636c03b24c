package http3transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

// A dialer opens connections.
type dialer struct {
	tls  *tlsconf.Client
	quic *quic.Config
	http *http3.Transport
}

// fallbackDelay is how long to wait for one address of a name before the next one is tried as well (RFC 8305).
const fallbackDelay = 300 * time.Millisecond

// lookupTimeout is how long to wait for a name to be resolved.
const lookupTimeout = 10 * time.Second

var errNoAddress = errors.New("its name has no address")

// dial connects to an upstream, "host:port", by whichever of its addresses answers first.
func (d *dialer) dial(ctx context.Context, hostport string) (*conn, error) {
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	lookup, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(lookup, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	if err != nil {
		return nil, err
	}
	current := d.tls.Config()
	config := current
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	ctx, cancel = context.WithCancel(ctx)
	defer cancel() // of the attempts that are too late
	type outcome struct {
		*conn
		err error
	}
	outcomes := make(chan outcome, len(addrs))
	next := time.NewTimer(0)
	defer next.Stop()
	begun, ended, first := 0, 0, error(nil)
	for ended < len(addrs) {
		select {
		case <-next.C:
			if begun == len(addrs) {
				continue
			}
			addr := netip.AddrPortFrom(addrs[begun].Unmap(), uint16(port))
			begun++
			go func() {
				c, err := d.connect(ctx, addr, config)
				outcomes <- outcome{c, err}
			}()
			next.Reset(fallbackDelay)
		case o := <-outcomes:
			ended++
			if o.err == nil {
				o.conn.tls = current
				go func() { // connections of attempts that were a moment later
					for range begun - ended {
						if o := <-outcomes; o.err == nil {
							o.close()
						}
					}
				}()
				return o.conn, nil
			}
			if first == nil {
				first = o.err
			}
			next.Reset(0)
		}
	}
	return nil, first
}

// phaseOf tells what has failed when dial returns err.
func phaseOf(err error) gateway.Phase {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return gateway.PhaseResolve
	}
	if e, ok := errors.AsType[*quic.TransportError](err); ok && e.ErrorCode.IsCryptoError() {
		return gateway.PhaseHandshake
	}
	return gateway.PhaseConnect
}

// connect opens a connection, on a socket of its own: one that is connected learns at once that nobody
// listens at the other end (RFC 792, port unreachable).
func (d *dialer) connect(ctx context.Context, addr netip.AddrPort, config *tls.Config) (*conn, error) {
	udp, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	t := &quic.Transport{Conn: connected{udp}}
	shut := func() {
		_ = t.Close()
		_ = udp.Close()
	}
	q, err := t.Dial(ctx, udp.RemoteAddr(), config, d.quic)
	if err != nil {
		shut()
		return nil, &net.OpError{Op: "dial", Net: "udp", Addr: udp.RemoteAddr(), Err: err}
	}
	context.AfterFunc(q.Context(), shut)
	return newConn(q, d.http.NewClientConn(q)), nil
}

// A connected socket has one peer: nothing is sent elsewhere, whatever quic-go says.
type connected struct{ *net.UDPConn }

// WriteMsgUDP sends a packet, as quic-go does where it can.
func (c connected) WriteMsgUDP(b, oob []byte, _ *net.UDPAddr) (n, oobn int, err error) {
	return c.UDPConn.WriteMsgUDP(b, oob, nil)
}

// WriteTo sends a packet, as quic-go does elsewhere.
func (c connected) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

// hostPort is the address of an upstream, with its port.
func hostPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return net.JoinHostPort(host, strconv.Itoa(443))
}
