package http3server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Both sides talk in turn, as gRPC does.
func TestFullDuplex(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Body = io.NopCloser(x.Request.Body)
		x.Response.ContentLength = -1
		x.Response.Trailer = func() gateway.Header { return fields("grpc-status", "0") }
		return nil
	})
	s := g.dial(t).request("POST", "/", "te", "trailers")
	if r, err := s.begin(); err != nil || r.status != 200 {
		t.Fatalf("the head doesn't come before the first byte: %+v, %v", r, err)
	}
	for _, m := range []string{"one", "two", strings.Repeat("x", 1000)} {
		s.send(data(m))
		kind, got, err := s.frame()
		if err != nil || kind != frameData || string(got) != m {
			t.Fatalf("got %d %q, %v", kind, got, err)
		}
	}
	s.end()
	if h, err := s.fields(); err != nil || h.Get("grpc-status") != "0" {
		t.Errorf("trailers %v, %v", h, err)
	}
	if _, _, err := s.frame(); err != io.EOF {
		t.Errorf("behind the trailers comes %v", err)
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	const size = 6 << 20
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		sum := sha256.New()
		n, err := io.Copy(sum, x.Request.Body)
		if err != nil || n != size {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		x.Response.Header = fields("X-Sum", string(sum.Sum(nil)[:4]))
		x.Response.Body, x.Response.ContentLength = io.NopCloser(io.LimitReader(zeros{}, size)), size
		return nil
	})
	s := g.dial(t).request("POST", "/")
	_ = s.SetDeadline(time.Now().Add(2 * patience))
	chunk := data(string(make([]byte, 1<<20)))
	for range size >> 20 {
		s.send(chunk)
	}
	s.end()
	if r := s.response(); r.status != 200 || len(r.body) != size {
		t.Errorf("%d, %d bytes", r.status, len(r.body))
	}
}

// A body goes no faster than it's read, on either side.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	goOn := make(chan struct{})
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if x.Request.Method == "GET" {
			return streaming(-1, io.TeeReader(zeros{}, counter{&sent}))(x)
		}
		<-goOn
		_, _ = io.Copy(io.Discard, io.LimitReader(x.Request.Body, 1<<20))
		return text(200, "enough")(x)
	})
	c := g.dial(t)
	steady := func(n *atomic.Int64) int64 {
		last := int64(-1)
		eventually(t, func() bool {
			before := last
			last = n.Load()
			time.Sleep(soon)
			return last > 0 && last == before
		})
		return last
	}
	down := c.get("/")
	if n := steady(&sent); n > 16<<20 {
		t.Errorf("%d bytes are sent to a client that doesn't read", n)
	}
	down.CancelRead(0x10c)

	up := c.request("POST", "/")
	var taken atomic.Int64
	done := make(chan error, 1)
	go func() {
		for {
			n, err := up.Write(data(string(make([]byte, 16<<10))))
			taken.Add(int64(n))
			if err != nil {
				done <- err
				return
			}
		}
	}()
	if n := steady(&taken); n > 16<<20 {
		t.Errorf("%d bytes are taken by a handler that doesn't read", n)
	}
	close(goOn)
	// The answer comes before the body has come to its end, and tells that nothing more is wanted (RFC 9114, section 4.1).
	up.expect(200, "enough")
	if err := receive(t, done); resetWith(err) != http3.ErrCodeNoError {
		t.Errorf("sending ends with %v", err)
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

// The exchange ends when nobody waits for it any more.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(c *client, s *stream){
		"resets the stream":     func(_ *client, s *stream) { s.CancelRead(0x10c); s.CancelWrite(0x10c) },
		"closes the connection": func(c *client, _ *stream) { _ = c.CloseWithError(0x100, "") },
		"falls silent":          func(*client, *stream) {},
	} {
		for _, phase := range []string{"/handler", "/body"} {
			t.Run(name+phase, func(t *testing.T) {
				t.Parallel()
				begun, ended, causes := make(chan struct{}), make(chan error, 1), make(chan error, 1)
				o := Options{}
				if name == "falls silent" {
					o.QUIC.MaxIdleTimeout = time.Second
				}
				g := start(t, o, func(x *gateway.Exchange) error {
					x.OnDone(func(x *gateway.Exchange) {
						ended <- x.SendErr
						causes <- context.Cause(x.Context())
					})
					if phase == "/body" {
						x.Response.Body, x.Response.ContentLength = &waiting{x, begun}, -1
						return nil
					}
					close(begun)
					return waitForEnd(x)
				})
				socket := &silent{UDPConn: listenUDP(t)}
				tr := &quic.Transport{Conn: socket}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				q, err := tr.Dial(ctx, g.Addr(), g.clientTLS(), &quic.Config{MaxIdleTimeout: 2 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tr.Close() }()
				c := &client{q, t}
				c.settings()
				s := c.get("/")
				receive(t, begun)
				if name == "falls silent" {
					socket.mute.Store(true)
				}
				leave(c, s)
				if err := receive(t, ended); err == nil {
					t.Error("the exchange ends well")
				}
				if cause := receive(t, causes); gateway.IsTimeout(cause) {
					t.Errorf("the context ends with a timeout: %v", cause)
				}
			})
		}
	}
}

// waiting is a body that lasts as long as the exchange.
type waiting struct {
	x     *gateway.Exchange
	begun chan struct{}
}

func (w *waiting) Read([]byte) (int, error) { close(w.begun); return 0, waitForEnd(w.x) }
func (w *waiting) Close() error             { return nil }

// A silent socket sends nothing more when it's mute.
type silent struct {
	*net.UDPConn
	mute atomic.Bool
}

func (s *silent) WriteMsgUDP(b, oob []byte, a *net.UDPAddr) (int, int, error) {
	if s.mute.Load() {
		return len(b), len(oob), nil
	}
	return s.UDPConn.WriteMsgUDP(b, oob, a)
}

// A response's body is read ahead of nobody: what there is goes out at once.
func TestEventStream(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		x.Response.Header = fields("Content-Type", "text/event-stream")
		return streaming(-1, r)(x)
	})
	s := g.dial(t).get("/")
	if r, err := s.begin(); err != nil || r.status != 200 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, event := range []string{"data: 1\n\n", "data: 2\n\n"} {
		if _, err := io.WriteString(w, event); err != nil {
			t.Fatal(err)
		}
		if _, p, err := s.frame(); err != nil || !bytes.Equal(p, []byte(event)) {
			t.Fatalf("got %q, %v", p, err)
		}
	}
	_ = w.Close()
	if _, _, err := s.frame(); err != io.EOF {
		t.Errorf("the stream ends with %v", err)
	}
}
