package http3server

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

// getsockopt is what an option of the server's socket is.
func (g *running) getsockopt(t *testing.T, level, opt int) (value int) {
	t.Helper()
	raw, err := g.socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, opt) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return value
}

func TestSocketOptions(t *testing.T) {
	t.Parallel()
	g := start(t, Options{Listen: listen.Options{Socket: sockopt.Options{
		SO:  sockopt.SO{ReceiveBuffer: 64 << 10, SendBuffer: 32 << 10, ReuseAddr: true},
		IP:  sockopt.IP{TTL: 7},
		TCP: sockopt.TCP{KeepCount: 3}, // has no meaning here
	}}}, echo)
	for _, tt := range []struct {
		name             string
		level, opt, want int
	}{
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 128 << 10}, // the kernel doubles it
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 64 << 10},
		{"SO_REUSEADDR", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{"IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, 7},
	} {
		if got := g.getsockopt(t, tt.level, tt.opt); got != tt.want {
			t.Errorf("%s is %d, not %d", tt.name, got, tt.want)
		}
	}
	g.dial(t).get("/").expect(200, "/")
}

// Packets that the kernel has joined arrive one by one, and with networks, only those that may.
func TestJoinedPackets(t *testing.T) {
	t.Parallel()
	o := Options{Listen: listen.Options{Networks: []string{"127.0.0.0/8"}, Socket: sockopt.Options{UDP: sockopt.UDP{GRO: true}}}}
	g := start(t, o, func(x *gateway.Exchange) error { return echo(x) })
	if g.getsockopt(t, unix.IPPROTO_UDP, unix.UDP_GRO) != 1 {
		t.Error("UDP_GRO is off")
	}
	body := strings.Repeat("0123456789", 100_000)
	s := g.dial(t).request("POST", "/")
	s.send(data(body))
	s.end()
	s.expect(200, "/ "+body)
}

func TestTakingJoinedPacketsApart(t *testing.T) {
	t.Parallel()
	here, there := listenUDP(t), listenUDP(t)
	for _, c := range []struct {
		conn     *net.UDPConn
		opt, set int
	}{{here, unix.UDP_GRO, 1}, {there, unix.UDP_SEGMENT, 100}} {
		raw, err := c.conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, c.opt, c.set) }); e != nil || err != nil {
			t.Skipf("this system doesn't join packets: %v", err)
		}
	}
	sent := strings.Repeat("a", 100) + strings.Repeat("b", 100) + strings.Repeat("c", 100) + "d"
	if _, err := there.WriteTo([]byte(sent), here.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	j, batch := newJoined(), ipv4.NewPacketConn(here)
	_ = here.SetReadDeadline(time.Now().Add(patience))
	var got []string
	for len(strings.Join(got, "")) < len(sent) {
		ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 1500)}, OOB: make([]byte, 128)}, {Buffers: [][]byte{make([]byte, 1500)}, OOB: make([]byte, 128)}}
		n, err := j.readBatch(batch, ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if ms[i].Addr.String() != there.LocalAddr().String() {
				t.Errorf("a packet from %v", ms[i].Addr)
			}
			got = append(got, string(ms[i].Buffers[0][:ms[i].N]))
		}
	}
	if len(got) != 4 || got[0] != sent[:100] || got[3] != "d" {
		t.Errorf("got %q", got)
	}
}
