package http3server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/ipv4"

	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

var (
	errNetwork = errors.New("the client is of no allowed network")
	errCork    = errors.New("UDP_CORK would hold the packets of QUIC back")
	errSegment = errors.New("UDP_SEGMENT would cut the packets of QUIC up; QUIC sets it for each write itself")
)

// openSocket binds the address of o. The socket drops packets that are of no allowed network.
func openSocket(o *listen.Options, networks listen.Networks) (*socket, error) {
	network, address, err := split(o.Addr)
	switch {
	case err != nil:
		return nil, err
	case o.Socket.UDP.Cork:
		return nil, errCork
	case o.Socket.UDP.Segment != 0:
		return nil, errSegment
	}
	lc := net.ListenConfig{Control: o.Socket.Control}
	pc, err := lc.ListenPacket(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	udp := pc.(*net.UDPConn)
	s := &socket{UDPConn: udp, batch: ipv4.NewPacketConn(udp), networks: networks}
	if o.Socket.UDP.GRO {
		s.joined = newJoined()
	}
	return s, nil
}

// conn is what quic-go reads from: s itself only if there is something to see to.
func (s *socket) conn() net.PacketConn {
	if len(s.networks) == 0 && s.joined == nil {
		return s.UDPConn
	}
	return s
}

// split cuts the prefix from addr that names its network.
func split(addr string) (network, address string, err error) {
	network, address, ok := strings.Cut(addr, "://")
	if !ok {
		return "udp", addr, nil
	}
	switch network {
	case "udp", "udp4", "udp6":
		return network, address, nil
	}
	return "", "", fmt.Errorf("%q is not one of the networks udp, udp4 and udp6", network)
}

// keepBuffers sets the sizes of the buffers that the options ask for once more: quic-go enlarges smaller ones.
func (s *socket) keepBuffers(o *sockopt.Options) error {
	sizes := sockopt.Options{SO: sockopt.SO{
		ReceiveBuffer: o.SO.ReceiveBuffer, ReceiveBufferForce: o.SO.ReceiveBufferForce,
		SendBuffer: o.SO.SendBuffer, SendBufferForce: o.SO.SendBufferForce,
	}}
	if sizes == (sockopt.Options{}) {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	return sizes.Control("udp", s.LocalAddr().String(), raw)
}

func isAllowed(networks listen.Networks, a net.Addr) bool {
	udp, ok := a.(*net.UDPAddr)
	return ok && networks.Contains(udp.AddrPort().Addr())
}

// A socket drops packets from elsewhere than the networks that may come, and takes apart what the kernel has joined.
type socket struct {
	*net.UDPConn
	batch    *ipv4.PacketConn
	networks listen.Networks // none for all
	joined   *joined         // nil if the kernel joins nothing
}

// ReadBatch reads packets, as quic-go does where it can. Dropped ones are left empty.
func (s *socket) ReadBatch(ms []ipv4.Message, flags int) (n int, err error) {
	if s.joined != nil {
		n, err = s.joined.readBatch(s.batch, ms, flags)
	} else {
		n, err = s.batch.ReadBatch(ms, flags)
	}
	for i := range ms[:max(n, 0)] {
		if m := &ms[i]; m.N > 0 && !s.accepts(m.Buffers[0][0], m.Addr) {
			m.N, m.NN = 0, 0
		}
	}
	return n, err
}

// ReadFrom reads a packet, as quic-go does elsewhere.
func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, a, err := s.UDPConn.ReadFrom(p)
		if err != nil || n > 0 && s.accepts(p[0], a) {
			return n, a, err
		}
	}
}

// longHeader is the bit in the first byte of the packets of a handshake (RFC 9000, section 17.2).
const longHeader = 0x80

// accepts reports whether a packet is for quic-go. Of handshakes that aren't allowed it tells the client; a
// client with a connection that comes from a new address (RFC 9000, section 9) is dropped if that isn't allowed.
func (s *socket) accepts(first byte, from net.Addr) bool {
	return first&longHeader != 0 || len(s.networks) == 0 || isAllowed(s.networks, from)
}
