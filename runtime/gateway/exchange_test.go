package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// recorder is an error handler that notes whom it answered.
type recorder struct {
	name string
	got  *[]string
}

func (r recorder) HandleError(x *Exchange, err error) {
	*r.got = append(*r.got, r.name+": "+err.Error())
	x.Response.Status = StatusOf(err)
}

// TestErrorHandlers holds that each component's errors come to its own error handler,
// and to no other's, however they are nested.
func TestErrorHandlers(t *testing.T) {
	fails := func(text string) Handler {
		return HandlerFunc(func(*Exchange) error { return &Error{Status: 418, Message: text} })
	}
	passes := func(next Handler) Handler { return HandlerFunc(next.Serve) }
	refuses := func(Handler) Handler { return fails("middleware") }
	wraps := func(next Handler) Handler {
		return HandlerFunc(func(x *Exchange) error { return fmt.Errorf("wrapped: %w", next.Serve(x)) })
	}
	var got []string
	server, one, two := recorder{"server", &got}, recorder{"one", &got}, recorder{"two", &got}
	tests := []struct {
		name string
		h    Handler
		want string
	}{
		{"no handler of its own", fails("a"), "server: a"},
		{"a handler's", HandlerWithErrors(one, fails("a")), "one: a"},
		{"a middleware that refuses", WithErrorHandler(one, refuses)(fails("a")), "one: middleware"},
		{"a middleware that passes on", WithErrorHandler(one, passes)(fails("a")), "server: a"},
		{"the inner of two", WithErrorHandler(one, passes)(WithErrorHandler(two, refuses)(fails("a"))), "two: middleware"},
		{"the outer of two", WithErrorHandler(one, refuses)(WithErrorHandler(two, passes)(fails("a"))), "one: middleware"},
		{"a handler's within a middleware's", WithErrorHandler(one, passes)(HandlerWithErrors(two, fails("a"))), "two: a"},
		{"wrapped on the way", WithErrorHandler(one, wraps)(fails("a")), "server: wrapped: a"},
		{"not a gateway.Error", HandlerWithErrors(one, HandlerFunc(func(*Exchange) error { return io.ErrUnexpectedEOF })), "one: " + io.ErrUnexpectedEOF.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got = nil
			x := &Exchange{Errors: server}
			if err := tt.h.Serve(x); err != nil {
				x.Fail(err)
			}
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

// An error that is for the log alone stays one, though a middleware makes a response of it.
func TestFailForTheLog(t *testing.T) {
	for _, h := range []ErrorHandler{nil, handlerOf(func(*Exchange, error) {})} {
		x := &Exchange{Errors: h}
		x.Fail(&Error{Status: LogOnly})
		if x.Response.Status != LogOnly {
			t.Errorf("status %d", x.Response.Status)
		}
	}
}

type handlerOf func(x *Exchange, err error)

func (f handlerOf) HandleError(x *Exchange, err error) { f(x, err) }

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestFailClosesBody(t *testing.T) {
	body := &closer{Reader: strings.NewReader("half")}
	x := &Exchange{}
	x.Response.Body = body
	x.Response.Trailer = func() Header { return Header{{"X-Sum", "1"}} }
	x.Fail(errors.New("broken"))
	if !body.closed || x.Response.Body != nil || x.Response.Trailer != nil || x.Response.Status != 500 {
		t.Errorf("closed %t, body %v, status %d", body.closed, x.Response.Body, x.Response.Status)
	}
}

func TestExchange(t *testing.T) {
	var name Slot[string]
	var other Slot[string]
	var order []string
	x := &Exchange{}
	leg := &Exchange{}
	x.Leg(leg)
	x.OnDone(func(*Exchange) { order = append(order, "first") })
	leg.OnDone(func(y *Exchange) {
		if y != leg {
			t.Error("a leg's function gets another exchange")
		}
		order = append(order, "second")
	})
	name.Put(leg, "n")
	leg.Attach(String("k", "v"))
	if v, ok := name.Get(x); v != "n" || !ok {
		t.Errorf("the parent doesn't see what its leg puts: %q", v)
	}
	if _, ok := other.Get(leg); ok {
		t.Error("two slots are one")
	}
	name.Put(x, "m")
	if v, _ := name.Get(leg); v != "m" {
		t.Errorf("putting again doesn't replace: %q", v)
	}
	if len(x.Attached()) != 1 {
		t.Errorf("attached: %v", x.Attached())
	}
	x.Finish()
	if !slices.Equal(order, []string{"second", "first"}) {
		t.Errorf("order %q", order)
	}
	x.Reset()
	if _, ok := name.Get(x); ok || len(x.Attached()) != 0 || x.Context().Err() != nil {
		t.Error("Reset leaves something")
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Status: 404, Code: "E2131", Kind: "CoreServerNotFound", Message: "nothing here", Cause: io.EOF}
	if got, want := e.Error(), "E2131.CoreServerNotFound nothing here [EOF]"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if !errors.Is(fmt.Errorf("more: %w", e), io.EOF) || StatusOf(fmt.Errorf("more: %w", e)) != 404 || StatusOf(io.EOF) != 500 {
		t.Error("the chain is broken")
	}
	if !IsTimeout(fmt.Errorf("dial: %w", context.DeadlineExceeded)) || IsTimeout(io.EOF) {
		t.Error("IsTimeout")
	}
}

// BenchmarkReuse is one exchange after the other in the same memory.
func BenchmarkReuse(b *testing.B) {
	x := &Exchange{}
	b.ReportAllocs()
	for b.Loop() {
		x.Request.Header.Add("Accept", "*/*")
		x.Response.Header.Add("Content-Type", "text/plain")
		x.OnDone(noop)
		x.Finish()
		x.Reset()
	}
}

func noop(*Exchange) {}

// TestOnUpstream holds that the functions run in order until one fails, and only for their exchange.
func TestOnUpstream(t *testing.T) {
	x := new(Exchange)
	var got []string
	add := func(name string, err error) {
		x.OnUpstream(func(*Exchange) error { got = append(got, name); return err })
	}
	add("a", nil)
	if err := x.RunOnUpstream(); err != nil {
		t.Error(err)
	}
	add("b", io.ErrUnexpectedEOF)
	add("c", nil)
	if err := x.RunOnUpstream(); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if !slices.Equal(got, []string{"a", "a", "b"}) {
		t.Errorf("%q", got)
	}
	x.Reset()
	if err := x.RunOnUpstream(); err != nil || len(got) != 3 {
		t.Errorf("the next exchange runs those of the one before: %v, %q", err, got)
	}
}
