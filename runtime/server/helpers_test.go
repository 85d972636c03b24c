package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// patience bounds what would otherwise hang.
const patience = 10 * time.Second

// A gatewayUnderTest is a running server.
type gatewayUnderTest struct {
	addr net.Addr
	stop func() // ends the context of Run
	done chan error
}

// start runs a server with o until the test ends.
func start(t *testing.T, o server.Options, h gateway.HandlerFunc) *gatewayUnderTest {
	t.Helper()
	o.Listen.Addr = "127.0.0.1:0"
	s := server.New(o, h)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	g := &gatewayUnderTest{addr: s.Addr(), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	g.stop = sync.OnceFunc(cancel)
	go func() { g.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		g.stop()
		select {
		case err := <-g.done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server doesn't stop")
		}
	})
	return g
}

// A client is a raw connection to a server.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (g *gatewayUnderTest) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial("tcp", g.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// get sends a request without a body.
func (c *client) get(line string, fields ...string) {
	c.t.Helper()
	c.send(line + " HTTP/1.1\r\nHost: gw.test\r\n" + strings.Join(append(fields, "\r\n"), "\r\n"))
}

// rest reads until the connection ends.
func (c *client) rest() (string, error) {
	b, err := io.ReadAll(c.r)
	return string(b), err
}

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// text answers with a text.
func text(status int, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = status
		x.Response.Header.Add("Content-Type", "text/plain")
		x.Response.Bytes = []byte(body)
		return nil
	}
}

// streaming answers with a body of that length, or -1.
func streaming(length int64, body io.Reader) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Body = io.NopCloser(body)
		x.Response.ContentLength = length
		return nil
	}
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

var errBroken = errors.New("the upstream broke off")

func broken(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBroken))
}

// errorHandler answers with the text of the error, and keeps the errors.
type errorHandler struct {
	mu     sync.Mutex
	errors []error
}

func (h *errorHandler) HandleError(x *gateway.Exchange, err error) {
	h.mu.Lock()
	h.errors = append(h.errors, err)
	h.mu.Unlock()
	if status := gateway.StatusOf(err); status > 0 {
		x.Response.Status, x.Response.Bytes = status, []byte(err.Error())
	}
}

// logger keeps what is logged.
type logger struct {
	mu    sync.Mutex
	lines []string
}

func (l *logger) Enabled(gateway.Level) bool { return true }

func (l *logger) WriteLine([]byte) {}

func (l *logger) Log(_ *gateway.Exchange, _ gateway.Level, msg string, _ ...gateway.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, msg)
}

func (l *logger) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}
