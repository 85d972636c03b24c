package servertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var shutdownTests = []test{
	{"Drain", testDrain},
	{"DrainFinishesBodies", testDrainFinishesBodies},
	{"DrainClosesIdleConnections", testDrainClosesIdle},
	{"DrainDoesNotWaitForFirstRequests", testDrainNewConnections},
	{"DrainAnswersWhatHasArrived", testDrainAnswersWhatHasArrived},
	{"DrainTimeout", testDrainTimeout},
	{"DrainWaitsForUpgradedConnections", testDrainWaitsForUpgraded},
	{"RunWithAnEndedContext", testRunWithAnEndedContext},
	{"Close", testClose},
}

// blocking answers when it is told to, or gives up with the context.
func blocking(started chan<- struct{}, answer <-chan struct{}) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		started <- struct{}{}
		select {
		case <-answer:
			return text(200, "late")(x)
		case <-x.Context().Done():
			return x.Context().Err()
		}
	}
}

// listensNoMore waits until nobody can connect any more.
func (g *running) listensNoMore(t testing.TB) {
	t.Helper()
	eventually(t, func() bool {
		c, err := net.Dial("tcp", g.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

func testDrain(t *testing.T, e Engine) {
	started, answer := make(chan struct{}, 1), make(chan struct{})
	lines := &logger{}
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: time.Hour, Logger: lines}, blocking(started, answer))
	c, idle := g.dial(t), g.dial(t)
	c.get("GET /")
	receive(t, started)
	g.stop()
	g.listensNoMore(t)
	_ = idle.Close()
	close(answer)
	if res, body := c.response("GET"); body != "late" || !res.Close {
		t.Errorf("got %q, Connection: close %v", body, res.Close)
	}
	c.ended()
	g.wait(t)
	if !lines.has("server started. listening on " + g.Addr().String()) {
		t.Errorf("logged %q", lines.lines)
	}
}

// Bodies that are under way in either direction come to their end.
func testDrainFinishesBodies(t *testing.T, e Engine) {
	r, w := io.Pipe()
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: time.Hour}, func(x *gateway.Exchange) error {
		if x.Request.Method == "POST" {
			return echo(x)
		}
		return streaming(-1, r)(x)
	})
	down, up := g.dial(t), g.dial(t)
	down.get("GET /")
	res, err := http.ReadResponse(down.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	up.get("POST /up", "Expect: 100-continue", "Content-Length: 6")
	up.head() // so that the handler is at work
	up.send("abc")
	g.stop()
	g.listensNoMore(t)
	up.send("def")
	if res, body := up.response("POST"); body != "/up abcdef" || !res.Close {
		t.Errorf("got %q, close %v", body, res.Close)
	}
	up.ended()
	_, _ = io.WriteString(w, "the rest")
	_ = w.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "the rest" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	down.ended()
	g.wait(t)
}

func testDrainClosesIdle(t *testing.T, e Engine) {
	started, answer := make(chan struct{}, 1), make(chan struct{})
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: time.Hour}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/" {
			return echo(x)
		}
		return blocking(started, answer)(x)
	})
	busy := g.dial(t)
	idle := make([]*client, 5)
	for i := range idle {
		idle[i] = g.dial(t)
		idle[i].get("GET /")
		idle[i].expect(200, "/")
	}
	busy.get("GET /busy")
	receive(t, started)
	begun := time.Now()
	g.stop()
	for _, c := range idle { // though there is still something to wait for
		c.ended()
	}
	if d := time.Since(begun); d > time.Second {
		t.Errorf("idle connections were closed after %v", d)
	}
	close(answer)
	busy.expect(200, "late")
	g.wait(t)
}

// Connections on which nothing has come yet don't keep the server from ending.
func testDrainNewConnections(t *testing.T, e Engine) {
	if e.WaitsForFirstRequest {
		t.Skip("the engine waits for them")
	}
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: time.Hour}, echo)
	fresh, partial, used := g.dial(t), g.dial(t), g.dial(t)
	partial.send("GET / HT")
	used.get("GET /")
	used.expect(200, "/") // the others have been accepted before
	begun := time.Now()
	g.stop()
	g.wait(t)
	if d := time.Since(begun); d > soonGone {
		t.Errorf("it took %v", d)
	}
	fresh.refused(408)
	_, _ = partial.rest()
}

// A request that has reached an idle connection when the server is told to stop: the client can't know, and mustn't
// be left without an answer if that can be helped. It never gets half an answer.
func testDrainAnswersWhatHasArrived(t *testing.T, e Engine) {
	var handled atomic.Int32
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: time.Hour}, func(x *gateway.Exchange) error {
		handled.Add(1)
		return echo(x)
	})
	clients := make([]*client, 30)
	for i := range clients {
		clients[i] = g.dial(t)
		clients[i].get("GET /first")
		clients[i].expect(200, "/first")
	}
	handled.Store(0)
	for _, c := range clients {
		c.get("GET /second")
	}
	g.stop()
	answered := int32(0)
	for _, c := range clients {
		rest, _ := c.rest()
		switch {
		case strings.HasPrefix(rest, "HTTP/1.1 200 ") && strings.HasSuffix(rest, "\r\n\r\n/second"):
			answered++
		case rest != "":
			t.Errorf("got %q", rest)
		}
	}
	g.wait(t)
	if n := handled.Load(); n != answered {
		t.Errorf("%d requests were handled, but %d answered", n, answered)
	}
	if n := int32(len(clients)); answered != n && !e.DropsAtShutdown {
		t.Errorf("%d of %d requests were answered", answered, n)
	}
}

func testDrainTimeout(t *testing.T, e Engine) {
	started := make(chan struct{}, 1)
	done := make(chan error, 1)
	g := start(t, e, wire.ServerOptions{ShutdownTimeout: 20 * time.Millisecond}, func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) { done <- x.Context().Err() })
		return blocking(started, nil)(x)
	})
	c := g.dial(t)
	c.get("GET /")
	receive(t, started)
	g.stop()
	g.wait(t)
	select {
	case err := <-done:
		if err == nil {
			t.Error("the exchange ended by itself")
		}
	default:
		t.Error("Run has returned before the exchange was over")
	}
	if rest, _ := c.rest(); rest != "" { // not what the handler made of its end
		t.Errorf("the client got %q", rest)
	}
}

func testDrainWaitsForUpgraded(t *testing.T, e Engine) {
	for _, timeout := range []time.Duration{time.Hour, 20 * time.Millisecond} {
		ours, upstream := pair(t)
		done := make(chan outcome, 1)
		g := start(t, e, wire.ServerOptions{ShutdownTimeout: timeout}, upgrading(ours, done))
		c := g.dial(t)
		c.send(upgradeRequest)
		c.head()
		g.stop()
		if timeout == time.Hour {
			c.send("still here")
			_ = c.Close()
			if b, err := io.ReadAll(upstream); string(b) != "still here" || err != nil {
				t.Errorf("the upstream got %q, %v", b, err)
			}
			_ = upstream.Close()
		} else if rest, _ := c.rest(); rest != "" {
			t.Errorf("the client got %q", rest)
		}
		g.wait(t)
		receive(t, done)
	}
}

func testRunWithAnEndedContext(t *testing.T, e Engine) {
	o := wire.ServerOptions{}
	o.Listen.Addr = "127.0.0.1:0"
	s := e.New(o, text(200, ""))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

func testClose(t *testing.T, e Engine) {
	o := wire.ServerOptions{}
	o.Listen.Addr = "127.0.0.1:0"
	s := e.New(o, text(200, ""))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
