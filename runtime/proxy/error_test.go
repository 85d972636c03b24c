package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/proxy"
)

func TestFailures(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	slow, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(os.ErrDeadlineExceeded)
	own := &gateway.Error{Status: 429, Code: "E9", Message: "own"}
	type want struct {
		Status     int
		Code, Kind string
	}
	cases := []struct {
		name string
		ctx  context.Context
		err  error
		want want
	}{
		{"refused", nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}, want{502, "E2124", "CoreProxyRoundtrip"}},
		{"timeout", nil, fmt.Errorf("read: %w", os.ErrDeadlineExceeded), want{504, "E2123", "CoreProxyTimeout"}},
		{"deadline of a context of its own", nil, context.DeadlineExceeded, want{504, "E2123", "CoreProxyTimeout"}},
		{"deadline", expired, errors.New("broken off"), want{504, "E2123", "CoreProxyTimeout"}},
		{"cancelled because of a timeout", slow, context.Canceled, want{504, "E2123", "CoreProxyTimeout"}},
		{"client gone", cancelled, context.Canceled, want{gateway.LogOnly, "E2126", "CoreProxyBidirectionalCom"}},
		{"client gone, other error", cancelled, os.ErrDeadlineExceeded, want{gateway.LogOnly, "E2126", "CoreProxyBidirectionalCom"}},
		{"cancelled, but not by the client", nil, context.Canceled, want{502, "E2124", "CoreProxyRoundtrip"}},
		{"body too large", nil, fmt.Errorf("send: %w", gateway.ErrTooLarge), want{413, "E3205", "AppMiddleBodyTooLarge"}},
		{"body too large, client gone", cancelled, gateway.ErrTooLarge, want{413, "E3205", "AppMiddleBodyTooLarge"}},
		{"body too large, within another error", nil, &gateway.Error{Status: 502, Cause: gateway.ErrTooLarge}, want{413, "E3205", "AppMiddleBodyTooLarge"}},
		{"body too large, said by who refuses", nil, &gateway.Error{Status: 413, Code: "E1", Cause: gateway.ErrTooLarge}, want{413, "E1", ""}},
		{"refused by a tripperware", nil, own, want{429, "E9", ""}},
		{"refused below", nil, fmt.Errorf("retry: %w", own), want{429, "E9", ""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := &body{Reader: strings.NewReader("x")}
			transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				leg.Response.Body = b // a half-made response
				return c.err
			})
			x := get("/")
			if c.ctx != nil {
				x.SetContext(c.ctx)
			}
			err := newProxy(t, transport, everything("http://a")...).Serve(x)
			x.Finish()
			e, ok := gateway.AsError(err)
			if !ok {
				t.Fatalf("err is %v", err)
			}
			if diff := cmp.Diff(c.want, want{e.Status, e.Code, e.Kind}); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("the cause is lost: %v", err)
			}
			if b.closed != 1 {
				t.Errorf("the body of the upstream is closed %d times", b.closed)
			}
			if x.Response.Body != nil || x.Response.Status != 0 {
				t.Errorf("there is a response: %+v", x.Response)
			}
		})
	}
}

// broken is a body that fails with err.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
func (broken) Close() error               { return nil }

// What goes wrong with the client's body isn't the upstream's fault.
func TestBodyFailures(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	cases := []struct {
		name   string
		body   error
		fail   func(body error) error // what the transport makes of it
		status int
	}{
		{"broken off", io.ErrUnexpectedEOF, nil, gateway.LogOnly},
		{"reset", reset, nil, gateway.LogOnly},
		{"too slow", os.ErrDeadlineExceeded, nil, 408},
		{"malformed", errors.New("malformed chunk"), nil, 400},
		{"too large", gateway.ErrTooLarge, nil, 413},
		{"refused by who reads it", &gateway.Error{Status: 415}, nil, 415},
		{"but it failed for another reason", errors.New("closed"), func(error) error { return io.ErrUnexpectedEOF }, 502},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				_, err := io.ReadAll(leg.Request.Body)
				if c.fail != nil {
					err = c.fail(err)
				}
				return fmt.Errorf("send: %w", err)
			})
			x := get("/")
			x.Request.Body, x.Request.ContentLength = broken{c.body}, -1
			err := newProxy(t, transport, everything("http://a")...).Serve(x)
			if got := gateway.StatusOf(err); got != c.status {
				t.Errorf("status %d, want %d: %v", got, c.status, err)
			}
			x.Finish()
		})
	}
}

func TestRefusals(t *testing.T) {
	var got sent
	unusable := lb.RoundRobin(lb.Upstream{URL: "http://a"})
	unusable.Targets()[0].SetUsable(false, "down")
	cases := []struct {
		name string
		b    []proxy.Balancer
		want string
	}{
		{"no load balancer", nil, "E2122.CoreProxyNoUpstream no load balancer is for /x"},
		{"no upstream", []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Exact("/x")}}}},
			"E2121.CoreProxyUpstreamUnavailable no upstream is usable for /x"},
		{"no usable upstream", []proxy.Balancer{{Paths: []proxy.Path{{Match: match.Exact("/x")}}, Upstreams: unusable}},
			"E2121.CoreProxyUpstreamUnavailable no upstream is usable for /x: http://a: down"},
	}
	for _, c := range cases {
		err := newProxy(t, recorder(t, &got), c.b...).Serve(get("/x"))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if got.Host != "" {
		t.Errorf("something was sent: %+v", got)
	}
}

// The deadline and the end of the client's exchange are those of the leg.
func TestContextGoesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		cancel()
		<-leg.Context().Done()
		return leg.Context().Err()
	})
	x := get("/")
	x.SetContext(ctx)
	if err := newProxy(t, transport, everything("http://a")...).Serve(x); gateway.StatusOf(err) != gateway.LogOnly {
		t.Errorf("err is %v", err)
	}
}

// A tripperware that panics doesn't keep what it has got.
func TestPanic(t *testing.T) {
	b := &body{Reader: strings.NewReader("x")}
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Body = b
		panic("oops")
	})
	x := get("/")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_ = newProxy(t, transport, everything("http://a")...).Serve(x)
	}()
	x.Finish()
	if b.closed != 1 {
		t.Errorf("the body of the upstream is closed %d times", b.closed)
	}
}

// An engine ends the context when reading from the client has failed. If that was because
// the client is slow, it is there to be told so.
func TestSlowClientIsNotGone(t *testing.T) {
	x := get("/")
	ctx, cancel := context.WithCancel(context.Background())
	x.SetContext(ctx)
	x.Request.Body, x.Request.ContentLength = broken{os.ErrDeadlineExceeded}, -1
	transport := gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		_, _ = leg.Request.Body.Read(nil)
		cancel()
		return ctx.Err()
	})
	if got := gateway.StatusOf(newProxy(t, transport, everything("http://a")...).Serve(x)); got != 408 {
		t.Errorf("status %d", got)
	}
	x.Finish()
}
