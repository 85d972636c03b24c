package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errReset = errors.New("connection reset")

// An upstream answers each try by the next of its outcomes, and the last one for ever.
type upstream struct {
	outcomes []outcome
	tries    int
	bodies   []string // that were received
	open     int      // bodies of responses that aren't closed
}

type outcome struct {
	status int
	err    error
	body   string
	header gateway.Header
}

func (u *upstream) Serve(leg *gateway.Exchange) error {
	o := u.outcomes[min(u.tries, len(u.outcomes)-1)]
	u.tries++
	if b := leg.Request.Body; b != nil {
		text, err := io.ReadAll(b)
		if err != nil {
			return err
		}
		u.bodies = append(u.bodies, string(text))
		b.Close()
	}
	if o.err != nil {
		return o.err
	}
	r := &leg.Response
	r.Status, r.Header = o.status, append(r.Header, o.header...)
	if o.body != "" {
		u.open++
		r.Body, r.ContentLength = &counted{strings.NewReader(o.body), &u.open}, int64(len(o.body))
	}
	return nil
}

type counted struct {
	io.Reader
	open *int
}

func (c *counted) Close() error {
	*c.open--
	return nil
}

func serve(o Options, u *upstream, leg *gateway.Exchange) error { return New(o)(u).Serve(leg) }

func TestTries(t *testing.T) {
	busy, boom, ok, reset := outcome{status: 503, body: "busy"}, outcome{status: 500, body: "boom"}, outcome{status: 200, body: "ok"}, outcome{err: errReset}
	for name, tt := range map[string]struct {
		options  Options
		outcomes []outcome
		tries    int
		status   int
		err      error
	}{
		"success":              {Options{Max: 3, StatusCodes: []int{503}}, []outcome{ok}, 1, 200, nil},
		"status in the list":   {Options{Max: 3, StatusCodes: []int{500, 503}}, []outcome{busy, boom, ok}, 3, 200, nil},
		"status not in it":     {Options{Max: 3, StatusCodes: []int{503}}, []outcome{boom, ok}, 1, 500, nil},
		"error":                {Options{Max: 3}, []outcome{reset, reset, ok}, 3, 200, nil},
		"error, then status":   {Options{Max: 3, StatusCodes: []int{503}}, []outcome{reset, busy, ok}, 3, 200, nil},
		"status to the last":   {Options{Max: 2, StatusCodes: []int{503}}, []outcome{busy}, 3, 503, nil},
		"error to the last":    {Options{Max: 2}, []outcome{reset}, 3, 0, errReset},
		"no retries":           {Options{StatusCodes: []int{503}}, []outcome{busy, ok}, 1, 503, nil},
		"request is too large": {Options{Max: 3}, []outcome{{err: fmt.Errorf("read: %w", gateway.ErrTooLarge)}}, 1, 0, gateway.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			u, leg := &upstream{outcomes: tt.outcomes}, new(gateway.Exchange)
			err := serve(tt.options, u, leg)
			if !errors.Is(err, tt.err) || u.tries != tt.tries {
				t.Fatalf("%d tries, error %v; not %d, %v", u.tries, err, tt.tries, tt.err)
			}
			if tt.err == nil && (leg.Response.Status != tt.status || u.open != 1) {
				t.Errorf("status %d, %d bodies open; not %d and one", leg.Response.Status, u.open, tt.status)
			}
		})
	}
}

func TestBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		max    int64
		body   string
		length int64
		tries  []string
	}{
		"within the limit":       {10, "0123456789", 10, []string{"0123456789", "0123456789"}},
		"above the limit":        {10, "0123456789a", 11, []string{"0123456789a"}},
		"large and within limit": {1 << 20, strings.Repeat("x", 1<<20), 1 << 20, []string{strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)}},
		"no bodies":              {0, "abc", 3, []string{"abc"}},
		"unknown length":         {10, "abc", -1, []string{"abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			u, leg := &upstream{outcomes: []outcome{{status: 503}, {status: 200}}}, new(gateway.Exchange)
			leg.Request.Body, leg.Request.ContentLength = io.NopCloser(strings.NewReader(tt.body)), tt.length
			if err := serve(Options{Max: 1, MaxBodyBytes: tt.max, StatusCodes: []int{503}}, u, leg); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.tries, u.bodies); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBodyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		body io.Reader
		want error
	}{
		"too large": {failing{gateway.ErrTooLarge}, gateway.ErrTooLarge},
		"cut off":   {strings.NewReader("ab"), io.ErrUnexpectedEOF},
		"too long":  {strings.NewReader("abcd"), io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			u, leg := &upstream{outcomes: []outcome{{status: 200}}}, new(gateway.Exchange)
			leg.Request.Body, leg.Request.ContentLength = io.NopCloser(tt.body), 3
			if err := serve(Options{Max: 1, MaxBodyBytes: 9}, u, leg); !errors.Is(err, tt.want) || u.tries != 0 {
				t.Errorf("%d tries, error %v; want none and %v", u.tries, err, tt.want)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// What a response had must not show in the next one.
func TestResponseIsReplaced(t *testing.T) {
	u := &upstream{outcomes: []outcome{{status: 503, body: "busy", header: gateway.Header{{Name: "X-A", Value: "1"}}}, {status: 200}}}
	leg := new(gateway.Exchange)
	if err := serve(Options{Max: 1, StatusCodes: []int{503}}, u, leg); err != nil {
		t.Fatal(err)
	}
	if r := &leg.Response; len(r.Header) != 0 || r.Body != nil || u.open != 0 {
		t.Errorf("header %v, body %v, %d bodies open", r.Header, r.Body, u.open)
	}
}

func TestContextEnds(t *testing.T) {
	t.Run("during a try", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		u, leg := &upstream{}, new(gateway.Exchange)
		leg.SetContext(ctx)
		h := New(Options{Max: 3})(gateway.HandlerFunc(func(*gateway.Exchange) error {
			u.tries++
			cancel()
			return ctx.Err()
		}))
		if err := h.Serve(leg); !errors.Is(err, context.Canceled) || u.tries != 1 {
			t.Errorf("%d tries, %v", u.tries, err)
		}
	})
	t.Run("while waiting", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		u := &upstream{outcomes: []outcome{{status: 503, body: "busy", header: gateway.Header{{Name: "Retry-After", Value: "9"}}}}}
		leg := new(gateway.Exchange)
		leg.SetContext(ctx)
		h := New(Options{Max: 3, StatusCodes: []int{503}})(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
			time.AfterFunc(time.Millisecond, cancel)
			return u.Serve(leg)
		}))
		if err := h.Serve(leg); !errors.Is(err, context.Canceled) || u.tries != 1 || u.open != 0 {
			t.Errorf("%d tries, %d bodies open, %v", u.tries, u.open, err)
		}
	})
	t.Run("before the next try could be", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		u := &upstream{outcomes: []outcome{{status: 503, body: "busy", header: gateway.Header{{Name: "Retry-After", Value: "9"}}}}}
		leg := new(gateway.Exchange)
		leg.SetContext(ctx)
		if err := serve(Options{Max: 3, StatusCodes: []int{503}}, u, leg); err != nil || u.tries != 1 || leg.Response.Status != 503 {
			t.Errorf("%d tries, status %d, %v", u.tries, leg.Response.Status, err)
		}
	})
}

func TestPause(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
	for name, tt := range map[string]struct {
		try      int
		after    string
		min, max time.Duration
		ok       bool
	}{
		"first":               {0, "", time.Millisecond, 2 * time.Millisecond, true},
		"fourth":              {3, "", time.Millisecond, 9 * time.Millisecond, true},
		"hundredth":           {99, "", time.Millisecond, maxBackoff + time.Millisecond, true},
		"Retry-After":         {0, "2", 2 * time.Second, 2 * time.Second, true},
		"Retry-After 0":       {0, "0", time.Millisecond, 2 * time.Millisecond, true},
		"a date":              {0, in(5 * time.Second), 3 * time.Second, 5 * time.Second, true},
		"a date in the past":  {0, in(-time.Hour), time.Millisecond, 2 * time.Millisecond, true},
		"malformed":           {0, "soon", time.Millisecond, 2 * time.Millisecond, true},
		"more than is waited": {0, "3600", 0, 0, false},
		"a date far off":      {0, in(time.Hour), 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			leg := new(gateway.Exchange)
			if tt.after != "" {
				leg.Response.Header.Add("Retry-After", tt.after)
			}
			wait, ok := pause(leg, tt.try, nil)
			if ok != tt.ok || wait < tt.min || wait > tt.max {
				t.Errorf("%v, %v; want %v to %v, %v", wait, ok, tt.min, tt.max, tt.ok)
			}
		})
	}
}

// Only bodies that have an end in sight are read, so that their connections stay usable.
func TestDiscard(t *testing.T) {
	for name, tt := range map[string]struct {
		length int64
		read   bool
	}{"short": {4, true}, "unknown": {-1, false}, "long": {maxDrain + 1, false}} {
		t.Run(name, func(t *testing.T) {
			open := 1
			text := strings.NewReader("busy")
			r := gateway.Response{Body: &counted{text, &open}, ContentLength: tt.length}
			discard(&r)
			if read := text.Len() == 0; read != tt.read || open != 0 {
				t.Errorf("read: %v, open: %d", read, open)
			}
		})
	}
}

func BenchmarkServe(b *testing.B) {
	leg := new(gateway.Exchange)
	body := strings.NewReader("")
	h := New(Options{Max: 3, MaxBodyBytes: 1 << 20, StatusCodes: []int{503}})(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		leg.Response.Status = 200
		return nil
	}))
	for _, text := range []string{"", strings.Repeat("x", 1024)} {
		b.Run(fmt.Sprintf("body of %d bytes", len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				leg.Request.Body, leg.Request.ContentLength = nil, 0
				if text != "" {
					body.Reset(text)
					leg.Request.Body, leg.Request.ContentLength = io.NopCloser(body), int64(len(text))
				}
				if err := h.Serve(leg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whether something may have reached the upstream is told of all tries.
func TestSent(t *testing.T) {
	refused := func() error { return &gateway.UpstreamError{Phase: gateway.PhaseConnect, Err: errReset} }
	for name, tt := range map[string]struct {
		outcomes []outcome
		want     bool
	}{
		"never":              {[]outcome{{err: refused()}, {err: refused()}}, false},
		"a response before":  {[]outcome{{status: 503}, {err: refused()}}, true},
		"broken off before":  {[]outcome{{err: &gateway.UpstreamError{Phase: gateway.PhaseWait, Sent: true, Err: errReset}}, {err: refused()}}, true},
		"who knows":          {[]outcome{{err: errReset}, {err: refused()}}, true},
		"in the last try":    {[]outcome{{err: refused()}, {err: &gateway.UpstreamError{Sent: true, Err: errReset}}}, true},
		"two tries, and one": {[]outcome{{err: errReset}, {err: refused()}, {err: refused()}}, true},
	} {
		u := &upstream{outcomes: tt.outcomes}
		var x, leg gateway.Exchange
		x.Leg(&leg)
		err := New(Options{Max: len(tt.outcomes) - 1, StatusCodes: []int{503}})(u).Serve(&leg)
		if e, ok := errors.AsType[*gateway.UpstreamError](err); !ok || e.Sent != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
