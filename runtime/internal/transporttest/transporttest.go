// Package transporttest holds what a transport of HTTP/1.1 must do, as tests that run against
// every engine there is.
package transporttest

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/upstreamstats"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A Transport is what an engine makes.
type Transport interface {
	Serve(leg *gateway.Exchange) error
	Measure(scheme, host string) func() upstreamstats.Conns
	Close() error
}

// An Engine says how transports are made, and in what they may differ. The zero values stand for
// an engine that does all as it should be done.
type Engine struct {
	// New makes a transport.
	New func(o wire.TransportOptions) (Transport, error)
	// Default is the transport for where none is configured.
	Default func() Transport
	// SmallBody is the size up to which a body is kept, so that a request with it can be sent again. 0 is none.
	SmallBody int
	// NoticesLate says that a goroutine reads idle connections. It notices that one has ended, or that something
	// unasked has come, some time later; net/http may use the connection until then.
	NoticesLate bool
	// LeavesCookies says that several Cookie fields stay several. HTTP/2 splits them, and whoever takes it joins
	// them again (RFC 9113, section 8.2.3); a client of HTTP/1.1 sends one.
	LeavesCookies bool
	// SendsRefusedBody says that a body is sent after the upstream has answered without a 100, to keep the
	// connection. That asks the client for it, too.
	SendsRefusedBody bool
	// KeepsConnecting says that dialling and a handshake go on that nobody waits for any more: the next request may
	// need the connection.
	KeepsConnecting bool
	// KeepsAmbiguous says that responses with both Content-Length and Transfer-Encoding are taken, and
	// their connections used again (RFC 9112, section 6.3).
	KeepsAmbiguous bool
	// CountsNoIdle says that it isn't known how many connections are idle.
	CountsNoIdle bool
	// TakesSloppy says that malformed responses are taken which nobody should take: with bare line feeds, blanks in front
	// of colons and the like.
	TakesSloppy bool
}

// Run runs all tests against e.
func Run(t *testing.T, e Engine) {
	for _, group := range [][]test{
		requestTests, bodyTests, responseTests, malformedTests, interimTests, upgradeTests,
		reuseTests, staleTests, poolTests, timeoutTests, cancelTests, tlsTests, phaseTests, statsTests,
	} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel() // they wait more than they work
				tt.run(t, e)
			})
		}
	}
}

type test struct {
	name string
	run  func(t *testing.T, e Engine)
}
