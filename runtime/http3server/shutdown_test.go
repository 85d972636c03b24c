package http3server

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// What runs comes to its end, what comes later is refused so that the client can try elsewhere.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	log := &logger{}
	g := start(t, Options{ShutdownTimeout: patience, Logger: log}, func(x *gateway.Exchange) error {
		close(begun)
		<-goOn
		return text(200, "the last one")(x)
	})
	c := g.dial(t)
	control := c.control()
	s := c.get("/")
	receive(t, begun)
	g.stop()
	for {
		kind, payload, err := control.frame()
		if err != nil {
			t.Fatal(err)
		}
		if kind == 7 { // GOAWAY, RFC 9114, section 5.2
			if id, _, err := quicvarint.Parse(payload); err != nil || id != 4 {
				t.Errorf("requests from %d on are not processed, %v", id, err)
			}
			break
		}
	}
	if r, err := c.get("/late").read(); resetWith(err) != http3.ErrCodeRequestRejected {
		t.Errorf("a late request: %+v, %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*soon)
	defer cancel()
	if late, err := quic.DialAddr(ctx, g.Addr().String(), g.clientTLS(), nil); err == nil {
		_ = late.CloseWithError(0, "")
		t.Error("a connection is accepted")
	}
	select {
	case err := <-g.done:
		t.Fatalf("Run returns, %v, while an exchange is running", err)
	default:
	}
	close(goOn)
	s.expect(200, "the last one")
	_ = c.CloseWithError(0x100, "")
	g.wait(t)
	if !log.has("started") || !log.has("shutting down") || log.has("cut off") {
		t.Errorf("logged %q", log.lines)
	}
}

// A client that doesn't close its connection isn't waited for.
func TestShutdownWithIdleClients(t *testing.T) {
	t.Parallel()
	g := start(t, Options{ShutdownTimeout: patience}, echo)
	c := g.dialWith(t, g.clientTLS(), &quic.Config{KeepAlivePeriod: soon})
	c.get("/").expect(200, "/")
	begun := time.Now()
	g.stop()
	g.wait(t)
	if d := time.Since(begun); d > partingTime+patience/2 {
		t.Errorf("it took %v", d)
	}
	receive(t, c.Context().Done())
	if e, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.Context())); !ok || http3.ErrCode(e.ErrorCode) != http3.ErrCodeNoError {
		t.Errorf("the connection ends with %v", context.Cause(c.Context()))
	}
}

func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}, 2), make(chan error, 2)
	log := &logger{}
	g := start(t, Options{ShutdownTimeout: soon, Logger: log}, func(x *gateway.Exchange) error {
		begun <- struct{}{}
		if x.Request.Path == "/body" {
			x.Response.Body, x.Response.ContentLength = io.NopCloser(&waiting{x, make(chan struct{})}), -1
		} else {
			ended <- waitForEnd(x)
			return nil
		}
		x.OnDone(func(x *gateway.Exchange) { ended <- x.SendErr })
		return nil
	})
	c := g.dial(t)
	a, b := c.get("/"), c.get("/body")
	receive(t, begun)
	receive(t, begun)
	g.stop()
	g.wait(t)
	for range 2 {
		if err := receive(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("an exchange ends with %v", err)
		}
	}
	for _, s := range []*stream{a, b} {
		if r, err := s.read(); err == nil {
			t.Errorf("the client sees a clean end: %+v", r)
		}
	}
	if !log.has("cut off") {
		t.Errorf("logged %q", log.lines)
	}
}

// A handler that heeds nothing doesn't keep the server from stopping.
func TestShutdownWithStuckHandler(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	g := start(t, Options{ShutdownTimeout: soon}, func(*gateway.Exchange) error { close(begun); <-goOn; return nil })
	g.dial(t).get("/")
	receive(t, begun)
	g.stop()
	g.wait(t)
	close(goOn)
}

func TestCloseWithoutRun(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, echo)
	s := New(g.options, gateway.HandlerFunc(echo))
	if err := s.Close(); err != nil || s.Addr() != nil {
		t.Errorf("before Listen: %v, %v", err, s.Addr())
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	addr := s.Addr().String()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	o := g.options
	o.Listen.Addr = addr
	again := New(o, gateway.HandlerFunc(echo))
	if err := again.Listen(); err != nil {
		t.Errorf("the address isn't free: %v", err)
	}
	_ = again.Close()
}
