package http3server

import (
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16") // they wait more than they work
	goleak.VerifyTestMain(m)
}

// patience bounds what would otherwise hang.
const patience = 30 * time.Second

// soon is long enough for what should happen at once, and short enough to wait for what shouldn't.
const soon = 100 * time.Millisecond

// A running server of a test.
type running struct {
	*Server
	ca   *testpki.CA
	stop func() // ends the context of Run
	done chan error
}

// start runs a server with o until the test ends.
func start(t testing.TB, o Options, h gateway.HandlerFunc) *running {
	t.Helper()
	g := &running{ca: testpki.New(t), done: make(chan error, 1)}
	if o.Listen.Addr == "" {
		o.Listen.Addr = "127.0.0.1:0"
	}
	if o.Listen.TLS == nil {
		cert, key := g.ca.Issue(t, "localhost")
		var err error
		o.Listen.TLS, err = tlsconf.Server(tlsconf.Options{Certificates: []tlsconf.KeyPair{{CertFile: cert, KeyFile: key}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	g.Server = New(o, h)
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

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(time.Millisecond)
	}
}

// receive returns what comes from c, and fails the test if nothing does.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Error("what is waited for never came")
	}
	return v
}

// waitForEnd waits until the context of x ends, but not for ever.
func waitForEnd(x *gateway.Exchange) error {
	select {
	case <-x.Context().Done():
		return x.Context().Err()
	case <-time.After(patience):
		return errors.New("the context doesn't end")
	}
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

// echo answers with the path and the body of the request, and its trailers.
func echo(x *gateway.Exchange) error {
	q := &x.Request
	var said strings.Builder
	said.WriteString(q.Path)
	if q.Body != nil {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			return &gateway.Error{Status: 400, Cause: err}
		}
		said.WriteString(" " + string(b))
	}
	if q.Trailer != nil {
		for _, f := range q.Trailer() {
			said.WriteString("+" + gateway.CanonicalName(f.Name) + "=" + f.Value)
		}
	}
	return text(200, said.String())(x)
}

// zeros is a body that doesn't end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

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

func (h *errorHandler) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.errors)
}

// first waits for the first error and returns it.
func (h *errorHandler) first(t *testing.T) *gateway.Error {
	t.Helper()
	eventually(t, func() bool { return h.count() > 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	err, ok := gateway.AsError(h.errors[0])
	if !ok {
		t.Fatalf("the error handler got %v", h.errors[0])
	}
	return err
}

// logger keeps what is logged.
type logger struct {
	mu    sync.Mutex
	lines []string
}

func (l *logger) Enabled(gateway.Level) bool { return true }
func (l *logger) WriteLine([]byte)           {}
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
