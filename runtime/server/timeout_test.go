package server_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/server"
	"github.com/aileron-gateway/aileronc/runtime/timeout"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

func TestReadHeaderTimeout(t *testing.T) {
	g := start(t, server.Options{ReadHeaderTimeout: 50 * time.Millisecond}, text(200, "hello"))
	c := g.dial(t)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n")
	if rest, err := c.rest(); rest != "" || err != nil {
		t.Errorf("got %q, %v; want the connection closed", rest, err)
	}
}

func TestReadTimeout(t *testing.T) {
	got := make(chan error, 1)
	g := start(t, server.Options{ReadTimeout: 50 * time.Millisecond}, func(x *gateway.Exchange) error {
		_, err := io.ReadAll(x.Request.Body)
		got <- err
		return text(408, "")(x)
	})
	c := g.dial(t)
	c.get("POST /", "Content-Length: 10")
	c.send("12345")
	if err := <-got; !gateway.IsTimeout(err) {
		t.Errorf("the body ended with %v, want a timeout", err)
	}
}

func TestWriteTimeout(t *testing.T) {
	done := make(chan error, 1)
	g := start(t, server.Options{WriteTimeout: 50 * time.Millisecond}, func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
		return streaming(-1, zeros{})(x)
	})
	g.dial(t).get("GET /") // and never reads
	if err := <-done; !gateway.IsTimeout(err) {
		t.Errorf("SendErr is %v, want a timeout", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestIdleTimeout(t *testing.T) {
	g := start(t, server.Options{IdleTimeout: 50 * time.Millisecond, ReadTimeout: time.Hour}, text(200, "hello"))
	c := g.dial(t)
	c.get("GET /")
	c.response("GET")
	if rest, err := c.rest(); rest != "" || err != nil {
		t.Errorf("got %q, %v; want the connection closed", rest, err)
	}
}

func TestNoIdleTimeout(t *testing.T) {
	const d = 50 * time.Millisecond
	g := start(t, server.Options{ReadTimeout: d}, text(200, "hello"))
	c := g.dial(t)
	c.get("GET /")
	c.response("GET")
	_ = c.SetReadDeadline(time.Now().Add(3 * d))
	if _, err := c.rest(); !gateway.IsTimeout(err) {
		t.Errorf("the connection was closed, though it may idle: %v", err)
	}
}

// A deadline for each read must not end a request that takes longer than that.
func TestReadDeadline(t *testing.T) {
	const d = 50 * time.Millisecond
	ca := testpki.New(t)
	read := make(chan error, 1)
	handler := func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/slow":
			select {
			case <-x.Context().Done():
				return x.Context().Err()
			case <-time.After(3 * d): // the handler is slow
			}
		case "/body":
			_, err := io.ReadAll(x.Request.Body)
			read <- err
		}
		return text(200, "hello")(x)
	}
	for _, secured := range []bool{false, true} {
		o := server.Options{}
		if secured {
			o = secure(t, ca, tlsconf.Options{})
		}
		o.Listen.ReadDeadline = d
		g := start(t, o, handler)
		dial := func() *client {
			c := g.dial(t)
			if secured {
				conn := tls.Client(c.Conn, &tls.Config{RootCAs: ca.Pool, ServerName: "localhost"})
				c = &client{conn, t, bufio.NewReader(conn)}
			}
			return c
		}
		c := dial()
		c.get("GET /slow")
		if res, _ := c.response("GET"); res.StatusCode != 200 {
			t.Errorf("slow handler: %d", res.StatusCode)
		}
		if rest, err := c.rest(); rest != "" || err != nil {
			t.Errorf("idle: %q, %v", rest, err)
		}
		c = dial()
		c.get("POST /body", "Content-Length: 10")
		c.send("12345")
		if err := <-read; !gateway.IsTimeout(err) {
			t.Errorf("silent in the body: %v", err)
		}
		if rest, err := g.dial(t).rest(); rest != "" || err != nil {
			t.Errorf("silent from the start: %q, %v", rest, err)
		}
	}
}

func TestReadTimeoutBelowTheReadDeadline(t *testing.T) {
	o := server.Options{ReadTimeout: 50 * time.Millisecond}
	o.Listen.ReadDeadline = time.Hour
	read := make(chan error, 1)
	g := start(t, o, func(x *gateway.Exchange) error {
		_, err := io.ReadAll(x.Request.Body)
		read <- err
		return nil
	})
	c := g.dial(t)
	c.get("POST /", "Content-Length: 10")
	if err := <-read; !gateway.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}

// A deadline of the exchange interrupts who waits for the client's body.
func TestDeadlineWhileReading(t *testing.T) {
	const d = 50 * time.Millisecond
	limit := timeout.New(timeout.Options{Default: d})
	for name, fields := range map[string]string{"length": "Content-Length: 10", "chunked": "Transfer-Encoding: chunked"} {
		t.Run(name, func(t *testing.T) {
			h := limit(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				_, err := io.ReadAll(x.Request.Body)
				return err
			}))
			g := start(t, server.Options{Errors: &errorHandler{}}, h.Serve)
			c := g.dial(t)
			c.send("POST / HTTP/1.1\r\nHost: gw.test\r\n" + fields + "\r\n\r\n1")
			if res, _ := c.response("POST"); res.StatusCode != 504 || !res.Close {
				t.Errorf("status %d, close %t", res.StatusCode, res.Close)
			}
			if rest, err := c.rest(); rest != "" || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

// A deadline of the exchange interrupts writing to a client that reads nothing.
func TestDeadlineWhileWriting(t *testing.T) {
	done := make(chan error, 1)
	h := timeout.New(timeout.Options{Default: 50 * time.Millisecond})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
		return streaming(-1, zeros{})(x)
	}))
	g := start(t, server.Options{}, h.Serve)
	g.dial(t).get("GET /")
	select {
	case err := <-done:
		if err == nil {
			t.Error("no SendErr")
		}
	case <-time.After(patience):
		t.Error("the exchange doesn't end")
	}
}
