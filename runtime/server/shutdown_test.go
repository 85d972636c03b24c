package server_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

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

func TestDrain(t *testing.T) {
	started, answer := make(chan struct{}, 1), make(chan struct{})
	lines := &logger{}
	g := start(t, server.Options{ShutdownTimeout: time.Hour, Logger: lines}, blocking(started, answer))
	c, idle := g.dial(t), g.dial(t)
	c.get("GET /")
	<-started
	g.stop()
	eventually(t, func() bool { // it listens no more
		c, err := net.Dial("tcp", g.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	_ = idle.Close()
	close(answer)
	if res, body := c.response("GET"); body != "late" || !res.Close {
		t.Errorf("got %q, Connection: close %v", body, res.Close)
	}
	if err := <-g.done; err != nil {
		t.Error(err)
	}
	g.done <- nil
	if !lines.has("server started. listening on " + g.Addr().String()) {
		t.Errorf("logged %q", lines.lines)
	}
}

func TestDrainTimeout(t *testing.T) {
	started := make(chan struct{}, 1)
	done := make(chan error, 1)
	g := start(t, server.Options{ShutdownTimeout: 20 * time.Millisecond}, func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) { done <- x.Context().Err() })
		return blocking(started, nil)(x)
	})
	c := g.dial(t)
	c.get("GET /")
	<-started
	g.stop()
	if err := <-g.done; err != nil {
		t.Error(err)
	}
	g.done <- nil
	select {
	case err := <-done:
		if err == nil {
			t.Error("the exchange ended by itself")
		}
	default:
		t.Error("Run has returned before the exchange was over")
	}
	if rest, _ := c.rest(); rest != "" {
		t.Logf("the client got %q", rest)
	}
}

func TestDrainWaitsForUpgradedConnections(t *testing.T) {
	for _, timeout := range []time.Duration{time.Hour, 20 * time.Millisecond} {
		ours, upstream := pair(t)
		done := make(chan *gateway.Exchange, 1)
		g := start(t, server.Options{ShutdownTimeout: timeout}, upgrading(ours, done))
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
		if err := <-g.done; err != nil {
			t.Error(err)
		}
		g.done <- nil
		<-done
	}
}

func TestRunWithAnEndedContext(t *testing.T) {
	o := server.Options{}
	o.Listen.Addr = "127.0.0.1:0"
	s := server.New(o, text(200, ""))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

func TestClose(t *testing.T) {
	o := server.Options{}
	o.Listen.Addr = "127.0.0.1:0"
	s := server.New(o, text(200, ""))
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
