package adapter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

type goMiddleware = func(http.Handler) http.Handler

func serve(f func(x *gateway.Exchange) error) gateway.Handler { return gateway.HandlerFunc(f) }

// hello answers with a known body.
var hello = serve(func(x *gateway.Exchange) error {
	x.Response.Status = 200
	x.Response.Header.Add("content-type", "text/x-hello")
	x.Response.Header.Add("Vary", "Accept")
	x.Response.Bytes = []byte("hello")
	return nil
})

// passThrough is middleware that does nothing.
func passThrough(next http.Handler) http.Handler {
	return handler(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

func TestMiddlewareResponse(t *testing.T) {
	stream := serve(func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Header.Add("trailer", "X-Sum")
		x.Response.Body = io.NopCloser(strings.NewReader(strings.Repeat("s", 100_000)))
		x.Response.ContentLength = -1
		x.Response.Trailer = func() gateway.Header { return fields("x-sum", "1", "X-More", "2") }
		return nil
	})
	tests := map[string]struct {
		m    goMiddleware
		next gateway.Handler
		want answer
	}{
		"keeps order and spelling": {
			m: passThrough, next: hello,
			want: answer{
				Status: 200, Body: "hello", ContentLength: 5,
				Header: fields("content-type", "text/x-hello", "Vary", "Accept"),
			},
		},
		"adds header, before and in between": {
			m: func(next http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Frame-Options", "DENY")
					w.Header().Set("Vary", "Origin")
					w.Header().Set("Content-Type", "replaced/by-next")
					next.ServeHTTP(w, r)
				})
			},
			next: hello,
			want: answer{
				Status: 200, Body: "hello", ContentLength: 5,
				Header: fields("content-type", "text/x-hello", "Vary", "Origin", "Vary", "Accept", "X-Frame-Options", "DENY"),
			},
		},
		"a stream with trailers": {
			m: passThrough, next: stream,
			want: answer{
				Status: 200, Body: strings.Repeat("s", 100_000), ContentLength: -1,
				Header:  fields("trailer", "X-Sum"),
				Trailer: fields("X-Sum", "1", "X-More", "2"),
			},
		},
		"wraps the writer": {
			m: func(next http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(upper{w}, r)
				})
			},
			next: hello,
			want: answer{
				Status: 200, Body: "HELLO", ContentLength: 5,
				Header: fields("content-type", "text/x-hello", "Vary", "Accept"),
			},
		},
		"does not call next": {
			m: func(http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "a/b")
					w.WriteHeader(429)
				})
			},
			want: answer{Status: 429, Header: fields("Content-Type", "a/b")},
		},
		"sees refusals as responses": {
			m: func(next http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-A", "1")
					next.ServeHTTP(w, r)
				})
			},
			next: serve(func(*gateway.Exchange) error { return &gateway.Error{Status: 403, Message: "no"} }),
			want: answer{
				Status: 403, Body: "no", ContentLength: 2,
				Header: fields("Content-Type", "text/plain", "X-A", "1"),
			},
		},
		"no date stays no date": {
			m: passThrough,
			next: serve(func(x *gateway.Exchange) error {
				x.Response.Status, x.Response.NoDate = 204, true
				return nil
			}),
			want: answer{Status: 204, Header: gateway.Header{}},
		},
		"a timeout that leaves next behind": {
			m: func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Millisecond, "late") },
			next: serve(func(x *gateway.Exchange) error {
				<-x.Context().Done()
				return x.Context().Err()
			}),
			want: answer{
				Status: 503, Body: "late", ContentLength: 4,
				Header: fields("Content-Type", "text/plain; charset=utf-8"),
			},
		},
		"another goroutine": {
			m:    func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Hour, "late") },
			next: hello,
			want: answer{
				Status: 200, Body: "hello", ContentLength: 5,
				Header: fields("content-type", "text/x-hello", "Vary", "Accept"),
			},
		},
		"a context of its own": {
			m: func(next http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(upper{w}, r.WithContext(context.Background()))
				})
			},
			next: hello,
			want: answer{
				Status: 200, Body: "HELLO", ContentLength: 5,
				Header: fields("content-type", "text/x-hello", "Vary", "Accept"),
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			x := exchange()
			got, err := run(t, adapter.Middleware(tt.m)(tt.next), x)
			must(t, err)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if wantNoDate := name == "no date stays no date"; x.Response.NoDate != wantNoDate {
				t.Errorf("NoDate is %v", x.Response.NoDate)
			}
		})
	}
}

// upper is a writer that middleware wraps around its own.
type upper struct{ http.ResponseWriter }

func (u upper) Unwrap() http.ResponseWriter { return u.ResponseWriter }
func (u upper) Write(p []byte) (int, error) { return u.ResponseWriter.Write(bytes.ToUpper(p)) }

func TestMiddlewareRequest(t *testing.T) {
	type ctxKey struct{}
	outer := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(context.WithValue(r.Context(), ctxKey{}, "v"))
			r.Header.Set("X-New", "n")
			r.Header.Del("X-Gone")
			r.Header["X-Two"] = []string{"1", "2"}
			r.Host, r.Method, r.RemoteAddr = "other.example", "PUT", "198.51.100.1:1"
			r.Body = http.MaxBytesReader(w, r.Body, 2)
			http.StripPrefix("/a", next).ServeHTTP(w, r)
		})
	}
	inner := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Context().Value(ctxKey{}); got != "v" {
				t.Errorf("the value of the outer context is %v", got)
			}
			next.ServeHTTP(w, r)
		})
	}
	x := exchange(body("abc", 3), field("x-gone", "1"), field("x-two", "1"), field("user-agent", "me"))
	x.Request.Path, x.Request.RawPath = "/a/b c", "/a/b%20c"
	before := x.Request
	last := serve(func(x *gateway.Exchange) error {
		q := x.Request
		want := fields("x-two", "1", "x-two", "2", "user-agent", "me", "X-New", "n")
		if d := cmp.Diff(want, q.Header); d != "" {
			t.Error(d)
		}
		got := []string{q.Host, q.Method, q.RemoteAddr, q.Path, q.RawPath, q.RawQuery, q.Target}
		if d := cmp.Diff([]string{"other.example", "PUT", "198.51.100.1:1", "/b c", "/b%20c", "q=1", "/a%2Fb?q=1"}, got); d != "" {
			t.Error(d)
		}
		if _, err := io.ReadAll(q.Body); err == nil {
			t.Error("the body of the middleware is not used")
		}
		x.Response.Status = 204
		return nil
	})
	_, err := run(t, adapter.Middleware(outer)(adapter.Middleware(inner)(last)), x)
	must(t, err)
	if x.Request.Host != before.Host || x.Request.Method != before.Method || x.Request.Path != before.Path ||
		cmp.Diff(before.Header, x.Request.Header) != "" || x.Context().Value(ctxKey{}) != nil {
		t.Errorf("the request further out has changed: %v", x.Request)
	}
}

// What is not changed goes on as it is, body and trailer included.
func TestMiddlewareSameRequest(t *testing.T) {
	x := exchange(body("abc", 3), field("trailer", "X-Sum"), field("x-a", "1"), field("content-length", "3"))
	x.Request.Trailer = func() gateway.Header { return nil }
	before := x.Request
	_, err := run(t, adapter.Middleware(passThrough)(serve(func(x *gateway.Exchange) error {
		if x.Request.Body != before.Body || x.Request.Trailer == nil || x.Request.ContentLength != 3 {
			t.Error("another body")
		}
		want := fields("x-a", "1", "content-length", "3", "Trailer", "X-Sum")
		if d := cmp.Diff(want, x.Request.Header); d != "" {
			t.Error(d)
		}
		x.Response.Status = 204
		return nil
	})), x)
	must(t, err)
}

func TestMiddlewareReplacesBody(t *testing.T) {
	m := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("longer")), 6
			next.ServeHTTP(w, r)
		})
	}
	x := exchange(body("abc", 3), field("Content-Length", "3"))
	_, err := run(t, adapter.Middleware(m)(serve(func(x *gateway.Exchange) error {
		b, _ := io.ReadAll(x.Request.Body)
		if string(b) != "longer" || x.Request.ContentLength != 6 || x.Request.Header.Get("Content-Length") != "6" {
			t.Errorf("got %q, %d, %v", b, x.Request.ContentLength, x.Request.Header)
		}
		x.Response.Status = 204
		return nil
	})), x)
	must(t, err)
}

// Errors of next that can't be a response end the middleware, and arrive.
func TestMiddlewareErrors(t *testing.T) {
	broken := errors.New("broken")
	logOnly := &gateway.Error{Status: gateway.LogOnly, Message: "gone"}
	cut := func(n int) gateway.Handler {
		return serve(func(x *gateway.Exchange) error {
			x.Response.Status, x.Response.ContentLength = 200, -1
			x.Response.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", n)), errorReader{broken}))
			return nil
		})
	}
	for name, tt := range map[string]struct {
		next gateway.Handler
		want error
	}{
		"nobody to answer":    {serve(func(*gateway.Exchange) error { return logOnly }), logOnly},
		"cut before the head": {cut(0), broken},
		"cut in a long body":  {cut(50_000), broken},
	} {
		t.Run(name, func(t *testing.T) {
			done := false
			m := func(next http.Handler) http.Handler {
				return handler(func(w http.ResponseWriter, r *http.Request) {
					defer func() { done = true }()
					next.ServeHTTP(w, r)
				})
			}
			_, err := run(t, adapter.Middleware(m)(tt.next), exchange())
			if !errors.Is(err, tt.want) || !done {
				t.Errorf("got %v, done %v", err, done)
			}
		})
	}
}

// A panic of an inner handler can be recovered by Go middleware, and else goes through
// two calls with the stack of where it began.
func TestMiddlewarePanics(t *testing.T) {
	recoverer := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					w.WriteHeader(599)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	bad := serve(func(*gateway.Exchange) error { panic("boom") })
	a, err := run(t, adapter.Middleware(recoverer)(adapter.Middleware(passThrough)(bad)), exchange())
	if must(t, err); a.Status != 599 {
		t.Errorf("got %d", a.Status)
	}
	x := exchange()
	value := panicOf(func() { _, _ = run(t, adapter.Middleware(passThrough)(adapter.Middleware(passThrough)(bad)), x) })
	if e, ok := value.(*gateway.Error); !ok || !strings.Contains(string(e.Stack), "TestMiddlewarePanics") {
		t.Errorf("got %v", value)
	}
}

// Middleware that writes before it calls next does not get the two mixed up.
func TestMiddlewareWritesFirst(t *testing.T) {
	m := func(next http.Handler) http.Handler {
		return handler(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "before,")
			w.(http.Flusher).Flush()
			next.ServeHTTP(w, r)
			next.ServeHTTP(w, r)
		})
	}
	a, err := run(t, adapter.Middleware(m)(hello), exchange())
	must(t, err)
	if a.Body != "before,hellohello" {
		t.Errorf("got %q", a.Body)
	}
}
