// Package dnstest is a name server for tests, whose answers change as the tests want.
package dnstest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A Server answers questions about names, over UDP.
type Server struct {
	conn net.PacketConn

	mu      sync.Mutex
	names   map[string][]netip.Addr
	failing bool
	silent  bool
	asked   map[string]int
	askers  []net.Conn // of resolvers
	ended   bool
}

// New starts a server that knows no names. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{conn: conn, names: make(map[string][]netip.Addr), asked: make(map[string]int)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
		s.end()
	})
	return s
}

// Set makes addrs what name resolves to. Without any, the name doesn't exist.
func (s *Server) Set(name string, addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		list[i] = netip.MustParseAddr(a)
	}
	s.names[name] = list
}

// Fail has the server answer that it can't (SERVFAIL), or not any more.
func (s *Server) Fail(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

// Silence has the server answer nothing, or not any more.
func (s *Server) Silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Asked is how often the server was asked for the addresses of IPv4 of name.
func (s *Server) Asked(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// Resolver asks the server.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "udp", s.conn.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended {
			_ = c.Close()
			return nil, net.ErrClosed
		}
		s.askers = append(s.askers, c)
		return c, nil
	}}
}

// end ends the questions that are waiting for an answer, so that no resolver outlives the test.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, c := range s.askers {
		_ = c.Close()
	}
}

func (s *Server) serve() {
	b := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if answer := s.answer(b[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from)
		}
	}
}

func (s *Server) answer(question []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	addrs, known := s.names[name]
	if q.Type == dnsmessage.TypeA {
		s.asked[name]++
	}
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	switch {
	case s.silent:
		return nil
	case s.failing:
		m.RCode = dnsmessage.RCodeServerFailure
	case !known || len(addrs) == 0:
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addrs {
		if m.RCode == dnsmessage.RCodeSuccess {
			m.Answers = append(m.Answers, resources(q, a)...)
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// resources is the record of a, if q asks for its family.
func resources(q dnsmessage.Question, a netip.Addr) []dnsmessage.Resource {
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
	switch {
	case q.Type == dnsmessage.TypeA && a.Is4():
		return []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: a.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && a.Is6():
		return []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}}
	}
	return nil
}
