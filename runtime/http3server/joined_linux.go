package http3server

import (
	"encoding/binary"
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// joined takes apart what the kernel has joined of several packets (UDP_GRO): quic-go reads one by one. It is used
// by one goroutine.
type joined struct {
	msg  [1]ipv4.Message
	rest []byte // packets that have not been read yet
	size int    // of each of them, but for the last one
}

func newJoined() *joined {
	j := new(joined)
	j.msg[0].Buffers = [][]byte{make([]byte, 64<<10)} // no UDP packet is larger, nor are joined ones
	j.msg[0].OOB = make([]byte, 128)                  // as much as quic-go has
	return j
}

func (j *joined) readBatch(c *ipv4.PacketConn, ms []ipv4.Message, flags int) (n int, err error) {
	m := &j.msg[0]
	if len(j.rest) == 0 {
		if n, err := c.ReadBatch(j.msg[:], flags); err != nil || n == 0 {
			return n, err
		}
		j.rest = m.Buffers[0][:m.N]
		j.size = segmentSize(m.OOB[:m.NN])
		if j.size <= 0 {
			j.size = len(j.rest)
		}
	}
	for n < len(ms) && len(j.rest) > 0 {
		k := min(j.size, len(j.rest))
		fill(&ms[n], j.rest[:k], m.OOB[:m.NN], m.Addr)
		j.rest = j.rest[k:]
		n++
	}
	if n == 0 { // an empty packet
		fill(&ms[0], nil, nil, m.Addr)
		n = 1
	}
	return n, nil
}

func fill(m *ipv4.Message, packet, oob []byte, from net.Addr) {
	m.N = copy(m.Buffers[0], packet)
	m.NN = copy(m.OOB, oob)
	m.Addr = from
}

// segmentSize is the size that the kernel tells of joined packets, 0 if it tells none.
func segmentSize(oob []byte) int {
	for len(oob) > 0 {
		h, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0
		}
		if h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(body) >= 4 {
			return int(binary.NativeEndian.Uint32(body))
		}
		oob = rest
	}
	return 0
}
