package servertest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var abortTests = []test{
	{"CutBody", testCutBody},
	{"AbortsLeaveOthersAlone", testAbortsLeaveOthersAlone},
	{"NobodyIsAnswered", testNobodyIsAnswered},
	{"PanicIsToldWithItsStack", testPanicIsToldWithItsStack},
	{"ErrorHandlerPanics", testErrorHandlerPanics},
	{"NilErrorHandlerAnswersWithTheStatus", testNilErrorHandler},
}

var errBroken = errors.New("the upstream broke off")

func broken(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBroken))
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("in the body") }

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// A body that was cut off must never look like a whole one.
func testCutBody(t *testing.T, e Engine) {
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
		{"breaks off late", -1, func() io.Reader { return broken(long + long) }, errBroken, "E2127"},
		{"too short", 10, func() io.Reader { return strings.NewReader("12345") }, io.ErrUnexpectedEOF, "E2127"},
		{"panics", -1, func() io.Reader { return io.MultiReader(strings.NewReader("12345"), panicking{}) }, nil, "E2132"},
		{"no progress", -1, func() io.Reader { return io.MultiReader(strings.NewReader("12345"), stuck{}) }, io.ErrNoProgress, "E2127"},
	}
	for _, tt := range tests {
		for _, proto := range []string{"HTTP/1.1", "HTTP/1.0"} {
			t.Run(tt.name+" "+proto, func(t *testing.T) {
				errs, sendErr := &errorHandler{}, make(chan error, 1)
				g := start(t, e, wire.ServerOptions{Errors: errs}, func(x *gateway.Exchange) error {
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
				if err := receive(t, sendErr); err == nil || tt.cause != nil && !errors.Is(err, tt.cause) {
					t.Errorf("SendErr is %v, want %v", err, tt.cause)
				}
				if logged := errs.first(t); logged.Code != tt.code || logged.Status != gateway.LogOnly {
					t.Errorf("logged: %v, status %d", logged, logged.Status)
				}
			})
		}
	}
}

// Exchanges that break off, or panic, leave others alone.
func testAbortsLeaveOthersAlone(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/cut":
			return streaming(10, broken("12345"))(x)
		case "/panic":
			panic(errBroken)
		}
		return echo(x)
	})
	other := g.dial(t)
	for range 3 {
		for _, path := range []string{"/cut", "/panic"} {
			c := g.dial(t)
			c.get("GET "+path, "Connection: close")
			_, _ = c.rest()
			other.send(post("/", "still here"))
			other.expect(200, "/ still here")
		}
	}
}

func testNobodyIsAnswered(t *testing.T, e Engine) {
	for _, tt := range []struct {
		name   string
		answer gateway.HandlerFunc
		logged bool
	}{
		{"for the log only", func(*gateway.Exchange) error { return &gateway.Error{Status: gateway.LogOnly} }, true},
		{"for the log only, and handled", func(x *gateway.Exchange) error { x.Fail(&gateway.Error{Status: gateway.LogOnly}); return nil }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs, done, closed := &errorHandler{}, make(chan error, 1), 0
			g := start(t, e, wire.ServerOptions{Errors: errs}, func(x *gateway.Exchange) error {
				x.OnDone(func(x *gateway.Exchange) { done <- x.SendErr })
				x.Response.Body = closer{strings.NewReader("never"), &closed}
				return tt.answer(x)
			})
			c := g.dial(t)
			c.get("GET /")
			c.ended()
			if err := receive(t, done); err == nil {
				t.Error("no SendErr")
			}
			if closed != 1 {
				t.Errorf("the response's body was closed %d times", closed)
			}
			if logged := errs.count() > 0; logged != tt.logged {
				t.Errorf("logged %v, want %v", logged, tt.logged)
			}
		})
	}
}

func testPanicIsToldWithItsStack(t *testing.T, e Engine) {
	errs := &errorHandler{}
	g := start(t, e, wire.ServerOptions{Errors: errs}, func(*gateway.Exchange) error { panic(errBroken) })
	c := g.dial(t)
	c.get("GET /")
	c.response("GET")
	err := errs.first(t)
	if err.Kind != "CoreServerRecover" || !errors.Is(err, errBroken) || !strings.Contains(string(err.Stack), "testPanicIsToldWithItsStack") {
		t.Errorf("got %v with stack %s", err, err.Stack)
	}
}

type panickingHandler struct{}

func (panickingHandler) HandleError(*gateway.Exchange, error) { panic("in the error handler") }

func testErrorHandlerPanics(t *testing.T, e Engine) {
	lines := &logger{}
	var calls atomic.Int32
	g := start(t, e, wire.ServerOptions{Errors: panickingHandler{}, Logger: lines}, func(x *gateway.Exchange) error {
		if calls.Add(1) > 1 {
			return text(200, "next")(x)
		}
		return errBroken
	})
	c := g.dial(t)
	c.get("GET /")
	c.expect(500, "")
	if !lines.has("in the error handler") {
		t.Errorf("logged %q", lines.lines)
	}
	c.get("GET /")
	c.expect(200, "next")
}

func testNilErrorHandler(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(*gateway.Exchange) error {
		return &gateway.Error{Status: 404, Message: "secret", Cause: errors.New("secret")}
	})
	c := g.dial(t)
	c.get("GET /")
	c.expect(404, "")
}
