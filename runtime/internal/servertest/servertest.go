// Package servertest holds what a server of HTTP/1.1 and HTTP/1.0 must do, as tests that
// run against every engine there is.
package servertest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

// A Server is what an engine makes.
type Server interface {
	Listen() error
	Run(ctx context.Context) error
	Close() error
	Addr() net.Addr
}

// An Engine says how servers are made, and in what they may differ. The zero values stand for
// an engine that does all as it should be done.
type Engine struct {
	// New makes a server. The HTTP2 of o is nil.
	New func(o wire.ServerOptions, h gateway.Handler) Server
	// Canonical says that the names of fields don't keep their spelling, nor fields of different
	// names their order: net/http keeps them in a map.
	Canonical bool
	// KeepsAmbiguous says that a connection is used again after a request with both
	// Content-Length and Transfer-Encoding. RFC 9112, section 6.1, wants it closed; a handler of net/http
	// isn't told of it.
	KeepsAmbiguous bool
	// IgnoresOldCoding says that Transfer-Encoding is ignored in requests of HTTP/1.0. RFC 9112,
	// section 6.1, takes their framing for faulty; net/http passes over it.
	IgnoresOldCoding bool
	// RefusesEmptyLine says that an empty line in front of a connection's first request is refused.
	// RFC 9112, section 2.2, wants it ignored; net/http ignores it behind a POST only.
	RefusesEmptyLine bool
	// TakesBareLF says that a line may end in LF alone, which RFC 9112, section 2.2, leaves to the server.
	TakesBareLF bool
	// RepeatsContinue says that a 100 (Continue) which the handler has sent is sent again when
	// it reads the body.
	RepeatsContinue bool
	// SendsNUL says that NUL is sent in the values of fields, though no client would take it.
	SendsNUL bool
	// IdlesForFourBytes says that a connection is idle until four bytes of its next request have come.
	IdlesForFourBytes bool
	// DropsAtShutdown says that a request which has reached an idle connection at
	// the moment of the shutdown may be dropped: net/http closes idle connections without looking.
	DropsAtShutdown bool
	// WaitsForFirstRequest says that the shutdown waits some seconds for the first request on new connections.
	WaitsForFirstRequest bool
	// MaxFields is how many fields a request may have. 0 is no limit.
	MaxFields int
}

// Run runs all tests against e.
func Run(t *testing.T, e Engine) {
	for _, group := range [][]test{
		requestTests, bodyTests, splitTests, limitTests, connectionTests, continueTests, unreadTests,
		responseTests, streamTests, abortTests, timeoutTests, shutdownTests, upgradeTests, listenTests,
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

// patience bounds what would otherwise hang.
const patience = 30 * time.Second

// A running server of a test.
type running struct {
	Server
	stop func() // ends the context of Run
	done chan error
}

// start runs a server with o until the test ends.
func start(t testing.TB, e Engine, o wire.ServerOptions, h gateway.HandlerFunc) *running {
	t.Helper()
	if o.Listen.Addr == "" {
		o.Listen.Addr = "127.0.0.1:0"
	}
	g := &running{Server: e.New(o, h), done: make(chan error, 1)}
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.stop = sync.OnceFunc(cancel)
	go func() { g.done <- g.Run(ctx) }()
	t.Cleanup(func() {
		g.stop()
		g.wait(t)
	})
	return g
}

// wait returns when Run has.
func (g *running) wait(t testing.TB) {
	t.Helper()
	select {
	case err := <-g.done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		g.done <- nil // for whoever asks again
	case <-time.After(patience):
		t.Error("the server doesn't stop")
	}
}

func eventually(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(time.Millisecond)
	}
}

// receive returns what comes from c, and fails the test if nothing does.
func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Error("what is waited for never came")
	}
	return v
}

// waitForEnd waits until the context of x ends, but not for ever.
func waitForEnd(x *gateway.Exchange) {
	select {
	case <-x.Context().Done():
	case <-time.After(patience):
	}
}
