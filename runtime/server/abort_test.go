package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

var errBroken = errors.New("the upstream broke off")

func broken(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBroken))
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("in the body") }

// A body that was cut off must never look like a whole one.
func TestCutBody(t *testing.T) {
	tests := []struct {
		name   string
		length int64
		body   func() io.Reader
		cause  error  // of SendErr
		code   string // of what is logged
	}{
		{"breaks off, length known", 10, func() io.Reader { return broken("12345") }, errBroken, "E2127"},
		{"breaks off, length unknown", -1, func() io.Reader { return broken("12345") }, errBroken, "E2127"},
		{"breaks off at once", -1, func() io.Reader { return broken("") }, errBroken, "E2127"},
		{"too short", 10, func() io.Reader { return strings.NewReader("12345") }, io.ErrUnexpectedEOF, "E2127"},
		{"panics", -1, func() io.Reader { return io.MultiReader(strings.NewReader("12345"), panicking{}) }, nil, "E2132"},
		{"no progress", -1, func() io.Reader { return io.MultiReader(strings.NewReader("12345"), stuck{}) }, io.ErrNoProgress, "E2127"},
	}
	for _, tt := range tests {
		for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
			t.Run(tt.name+" "+proto, func(t *testing.T) {
				errs, sendErr := &errorHandler{}, make(chan error, 1)
				g := start(t, server.Options{Errors: errs}, func(x *gateway.Exchange) error {
					x.OnDone(func(x *gateway.Exchange) { sendErr <- x.SendErr })
					return streaming(tt.length, tt.body())(x)
				})
				c := g.dial(t)
				c.send("GET / " + proto + "\r\nHost: a\r\n\r\n")
				// The first part may be lost with the connection, a clean end must not be seen.
				res, err := http.ReadResponse(c.r, nil)
				if err == nil {
					_, err = io.ReadAll(res.Body)
				}
				if err == nil {
					t.Error("the client sees a clean end")
				}
				if err := <-sendErr; err == nil || tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("SendErr is %v, want %v", err, tt.cause)
				}
				logged, _ := gateway.AsError(errs.wait(t, 1))
				if logged.Code != tt.code || logged.Status != gateway.LogOnly {
					t.Errorf("logged: %v, status %d", logged, logged.Status)
				}
			})
		}
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestNobodyIsAnswered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer gateway.HandlerFunc
		logged bool
	}{
		{"panic on purpose", func(*gateway.Exchange) error { panic(http.ErrAbortHandler) }, false},
		{"abort returned", func(*gateway.Exchange) error { return &gateway.Error{Status: 500, Cause: http.ErrAbortHandler} }, false},
		{"for the log only", func(*gateway.Exchange) error { return &gateway.Error{Status: gateway.LogOnly} }, true},
		{"for the log only, and handled", func(x *gateway.Exchange) error { x.Fail(&gateway.Error{Status: gateway.LogOnly}); return nil }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs, done, closed := &errorHandler{}, make(chan error, 1), 0
			g := start(t, server.Options{Errors: errs}, func(x *gateway.Exchange) error {
				x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
				x.Response.Body = closer{strings.NewReader("never"), &closed}
				return tt.answer(x)
			})
			c := g.dial(t)
			c.get("GET /")
			if rest, err := c.rest(); rest != "" || err != nil {
				t.Errorf("got %q, %v", rest, err)
			}
			if err := <-done; err == nil {
				t.Error("no SendErr")
			}
			if closed != 1 {
				t.Errorf("the response's body was closed %d times", closed)
			}
			if logged := len(errs.errors) > 0; logged != tt.logged {
				t.Errorf("logged %v, want %v", logged, tt.logged)
			}
		})
	}
}

func TestPanicIsToldWithItsStack(t *testing.T) {
	errs := &errorHandler{}
	g := start(t, server.Options{Errors: errs}, func(*gateway.Exchange) error { panic(errBroken) })
	c := g.dial(t)
	c.get("GET /")
	c.response("GET")
	err, _ := gateway.AsError(errs.wait(t, 1))
	if err.Kind != "CoreServerRecover" || !errors.Is(err, errBroken) || !strings.Contains(string(err.Stack), "TestPanicIsToldWithItsStack") {
		t.Errorf("got %v with stack %s", err, err.Stack)
	}
}

type panickingHandler struct{}

func (panickingHandler) HandleError(*gateway.Exchange, error) { panic("in the error handler") }

func TestErrorHandlerPanics(t *testing.T) {
	lines := &logger{}
	g := start(t, server.Options{Errors: panickingHandler{}, Logger: lines}, func(*gateway.Exchange) error { return errBroken })
	c := g.dial(t)
	c.get("GET /")
	if res, body := c.response("GET"); res.StatusCode != 500 || body != "" {
		t.Errorf("%d, %q", res.StatusCode, body)
	}
	if !lines.has("in the error handler") {
		t.Errorf("logged %q", lines.lines)
	}
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

func TestClientGoesAway(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		close(started)
		<-x.Context().Done()
		ended <- x.Context().Err()
		return x.Context().Err()
	})
	c := g.dial(t)
	c.get("GET /")
	<-started
	_ = c.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended with %v", err)
	}
}

func TestClientStopsReading(t *testing.T) {
	done := make(chan error, 1)
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
		return streaming(-1, zeros{})(x)
	})
	c := g.dial(t)
	c.get("GET /")
	c.head()
	_ = c.Close()
	if err := <-done; err == nil {
		t.Error("no SendErr")
	}
}

// OnDone functions run in the reverse order, after the last byte is out.
func TestOnDone(t *testing.T) {
	order, received := make(chan string, 2), make(chan struct{})
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		x.OnDone(func(*gateway.Exchange) { order <- "first" })
		x.OnDone(func(*gateway.Exchange) {
			select {
			case <-received:
				order <- "second"
			case <-time.After(patience):
				order <- "nothing was received"
			}
		})
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	c.get("GET /")
	c.response("GET")
	close(received)
	if a, b := <-order, <-order; a != "second" || b != "first" {
		t.Errorf("got %q, %q", a, b)
	}
}

func TestExchangesAreIndependent(t *testing.T) {
	var slot gateway.Slot[string]
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		q := &x.Request
		if _, ok := slot.Get(x); ok || len(q.Params) > 0 || len(x.Upstream) > 0 || len(x.Response.Header) > 0 || x.Sent != 0 || q.Body != nil && q.Method == "GET" || q.Header.Has("X-Old") != (q.Method == "POST") {
			t.Errorf("left over from the exchange before: %+v", x)
		}
		slot.Put(x, "x")
		q.Params = append(q.Params, gateway.Field{Name: "a", Value: "b"})
		x.Upstream.Add("X-Up", "1")
		x.Attach(gateway.String("a", "b"))
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	for range 3 {
		c.get("POST /", "X-Old: 1", "Content-Length: 1")
		c.send("x")
		c.response("POST")
		c.get("GET /")
		c.response("GET")
	}
}
