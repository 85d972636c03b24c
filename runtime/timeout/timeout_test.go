package timeout

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

// waits ends with its context, or after a minute.
func waits(x *gateway.Exchange) error {
	select {
	case <-x.Context().Done():
		return x.Context().Err()
	case <-time.After(time.Minute):
		x.Response.Status = 200
		return nil
	}
}

func TestTimeout(t *testing.T) {
	rules := []Rule{
		{Timeout: time.Hour}, // for nothing
		{Match: match.Prefix("/long"), Timeout: 2 * time.Second},
		{Match: match.Prefix("/long"), Timeout: time.Millisecond},
		{Match: match.Exact("/get"), Methods: []string{"GET", "HEAD"}, Timeout: 3 * time.Second},
		{Match: match.Exact("/free"), Timeout: 0},
	}
	own := &gateway.Error{Status: 504, Code: "E2123"}
	wrapped := &gateway.Error{Status: 500, Message: "failed", Cause: context.DeadlineExceeded}
	refused := &gateway.Error{Status: 403, Code: "E3100"}
	late := func(err error, status int) gateway.HandlerFunc {
		return func(x *gateway.Exchange) error {
			<-x.Context().Done()
			x.Response.Status = status
			return err
		}
	}
	for name, tt := range map[string]struct {
		o        Options
		path     string
		method   string
		next     gateway.HandlerFunc
		want     int
		wantCode string
		after    time.Duration
	}{
		"none":                     {next: waits, want: 200, after: time.Minute},
		"default":                  {o: Options{Default: time.Second}, next: waits, want: 504, wantCode: "E3202", after: time.Second},
		"default, in time":         {o: Options{Default: time.Hour}, next: waits, want: 200, after: time.Minute},
		"first rule":               {o: Options{time.Second, rules}, path: "/long/x", next: waits, want: 504, wantCode: "E3202", after: 2 * time.Second},
		"method of a rule":         {o: Options{time.Second, rules}, path: "/get", next: waits, want: 504, wantCode: "E3202", after: 3 * time.Second},
		"other method":             {o: Options{time.Second, rules}, path: "/get", method: "PUT", next: waits, want: 504, wantCode: "E3202", after: time.Second},
		"other path":               {o: Options{time.Second, rules}, path: "/x", next: waits, want: 504, wantCode: "E3202", after: time.Second},
		"exempt":                   {o: Options{time.Second, rules}, path: "/free", next: waits, want: 200, after: time.Minute},
		"refused with a 504":       {o: Options{Default: time.Second}, next: late(own, 0), want: 504, wantCode: "E2123", after: time.Second},
		"refused for the deadline": {o: Options{Default: time.Second}, next: late(wrapped, 0), want: 504, wantCode: "E3202", after: time.Second},
		"refused for another":      {o: Options{Default: time.Second}, next: late(refused, 0), want: 403, wantCode: "E3100", after: time.Second},
		"answered late":            {o: Options{Default: time.Second}, next: late(nil, 200), want: 200, after: time.Second},
		"gave up without a word":   {o: Options{Default: time.Second}, next: late(nil, 0), want: 504, wantCode: "E3202", after: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := new(gateway.Exchange)
				x.Request.Path, x.Request.Method = tt.path, "GET"
				if tt.method != "" {
					x.Request.Method = tt.method
				}
				start := time.Now()
				err := New(tt.o)(tt.next).Serve(x)
				got, code := x.Response.Status, ""
				if err != nil {
					got = gateway.StatusOf(err)
					if e, ok := gateway.AsError(err); ok {
						code = e.Code
					}
				}
				if took := time.Since(start); got != tt.want || code != tt.wantCode || took != tt.after {
					t.Errorf("got %d %q after %v: %v", got, code, took, err)
				}
				x.Finish()
			})
		})
	}
}

// The context lives as long as the exchange does, for the body of the response.
func TestContextLivesOn(t *testing.T) {
	x := new(gateway.Exchange)
	err := New(Options{Default: time.Hour})(gateway.HandlerFunc(func(*gateway.Exchange) error { return nil })).Serve(x)
	if err != nil || x.Context().Err() != nil {
		t.Errorf("got %v, %v", err, x.Context().Err())
	}
	x.Finish()
	if !errors.Is(x.Context().Err(), context.Canceled) {
		t.Errorf("after the end: %v", x.Context().Err())
	}
}

func BenchmarkTimeout(b *testing.B) {
	h := New(Options{Default: time.Minute, Rules: []Rule{{Match: match.Prefix("/x"), Timeout: time.Second}}})(
		gateway.HandlerFunc(func(*gateway.Exchange) error { return nil }))
	x := new(gateway.Exchange)
	b.ReportAllocs()
	for b.Loop() {
		x.Request.Path = "/a"
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Finish()
		x.Reset()
	}
}

func Example() {
	slow := gateway.HandlerFunc(func(x *gateway.Exchange) error {
		<-x.Context().Done()
		return x.Context().Err()
	})
	h := New(Options{
		Default: time.Minute,
		Rules:   []Rule{{Match: match.Prefix("/quick/"), Timeout: time.Millisecond}},
	})(slow)

	x := new(gateway.Exchange)
	x.Request.Path = "/quick/answer"
	fmt.Println(h.Serve(x))
	// Output: E3202.AppMiddleAPITimeout not answered within 1ms [context deadline exceeded]
}
