package http3server

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/listen"
	"github.com/aileron-gateway/aileronc/runtime/sockopt"
)

func TestListenFails(t *testing.T) {
	t.Parallel()
	with := start(t, Options{}, echo).options.Listen.TLS
	for name, tt := range map[string]struct {
		o    listen.Options
		want string
	}{
		"no TLS":      {listen.Options{Addr: "127.0.0.1:0"}, "TLS"},
		"TCP":         {listen.Options{TLS: with, Addr: "tcp://127.0.0.1:0"}, `"tcp"`},
		"unix socket": {listen.Options{TLS: with, Addr: "unix:///x"}, `"unix"`},
		"no port":     {listen.Options{TLS: with, Addr: "127.0.0.1"}, "port"},
		"networks":    {listen.Options{TLS: with, Addr: "127.0.0.1:0", Networks: []string{"x"}}, "network"},
		"cork":        {listen.Options{TLS: with, Addr: "127.0.0.1:0", Socket: sockopt.Options{UDP: sockopt.UDP{Cork: true}}}, "UDP_CORK"},
		"segment":     {listen.Options{TLS: with, Addr: "127.0.0.1:0", Socket: sockopt.Options{UDP: sockopt.UDP{Segment: 1}}}, "UDP_SEGMENT"},
	} {
		s := New(Options{Listen: tt.o}, gateway.HandlerFunc(echo))
		if err := s.Listen(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressWithNetwork(t *testing.T) {
	t.Parallel()
	g := start(t, Options{Listen: listen.Options{Addr: "udp4://127.0.0.1:0"}}, echo)
	g.dial(t).get("/").expect(200, "/")
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	welcome := start(t, Options{Listen: listen.Options{Networks: []string{"127.0.0.0/8"}}}, echo)
	welcome.dial(t).get("/").expect(200, "/")

	refusing := start(t, Options{Listen: listen.Options{Networks: []string{"10.0.0.0/8", "::/0"}}}, echo)
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := quic.DialAddr(ctx, refusing.Addr().String(), refusing.clientTLS(), nil)
	if e, ok := errors.AsType[*quic.TransportError](err); !ok || e.ErrorCode != quic.ConnectionRefused {
		t.Errorf("dialling ends with %v", err)
	}
	if d := time.Since(begun); d > 4*time.Second {
		t.Errorf("it took %v, as if nobody were there", d)
	}
}

// A client that moves to a network that isn't allowed isn't heard there.
func TestMovingToAnotherNetwork(t *testing.T) {
	t.Parallel()
	networks, err := listen.ParseNetworks([]string{"127.0.0.1/32"})
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{networks: networks}
	friend, stranger := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}
	for _, tt := range []struct {
		first byte
		from  net.Addr
		want  bool
	}{{0x40, friend, true}, {0xc0, friend, true}, {0x40, stranger, false}, {0xc0, stranger, true}} {
		if got := s.accepts(tt.first, tt.from); got != tt.want {
			t.Errorf("%x from %v: %v", tt.first, tt.from, got)
		}
	}
	here, there := listenUDP(t), listenUDP(t)
	s.UDPConn, s.batch = here, ipv4.NewPacketConn(here)
	for _, p := range []string{"@1", "\xc02"} {
		if _, err := there.WriteTo([]byte(p), here.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	s.networks, _ = listen.ParseNetworks([]string{"10.0.0.0/8"}) // there is nobody of that
	var got []string
	for len(got) < 2 {
		ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 100)}}, {Buffers: [][]byte{make([]byte, 100)}}}
		_ = here.SetReadDeadline(time.Now().Add(patience))
		n, err := s.ReadBatch(ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			got = append(got, string(ms[i].Buffers[0][:ms[i].N]))
		}
	}
	if got[0] != "" || got[1] != "\xc02" {
		t.Errorf("got %q", got)
	}
	for _, p := range []string{"@3", "\xc04"} {
		if _, err := there.WriteTo([]byte(p), here.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, 100)
	if n, _, err := s.ReadFrom(b); err != nil || !bytes.Equal(b[:n], []byte("\xc04")) {
		t.Errorf("got %q, %v", b[:n], err)
	}
}

// A connection beyond the limit waits until there is room.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	g := start(t, Options{Listen: listen.Options{ConnectionLimit: 1}}, echo)
	first := g.dial(t)
	first.get("/").expect(200, "/")
	second := g.dial(t)
	s := second.get("/second")
	_ = s.SetReadDeadline(time.Now().Add(5 * soon))
	if r, err := s.read(); !gateway.IsTimeout(err) {
		t.Fatalf("got %+v, %v", r, err)
	}
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_ = first.CloseWithError(0x100, "")
	s.expect(200, "/second")
	third := g.dial(t) // waits, and is told of the end
	g.stop()
	g.wait(t)
	receive(t, third.Context().Done())
	if cause := context.Cause(third.Context()); gateway.IsTimeout(cause) {
		t.Errorf("the third one ends with %v", cause)
	}
}

func TestFlood(t *testing.T) {
	t.Parallel()
	f := new(flood)
	suspected := 0
	for range 3 * maxUnverified {
		if f.suspects(nil) {
			suspected++
		}
	}
	if suspected == 0 || suspected > 2*maxUnverified { // a second may have passed in between
		t.Errorf("%d of %d", suspected, 3*maxUnverified)
	}
}
