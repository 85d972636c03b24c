//go:build !linux

package http3server

import "golang.org/x/net/ipv4"

// joined is for Linux: elsewhere, package sockopt refuses UDP_GRO.
type joined struct{}

func newJoined() *joined { return nil }

func (*joined) readBatch(c *ipv4.PacketConn, ms []ipv4.Message, flags int) (int, error) {
	return c.ReadBatch(ms, flags)
}
