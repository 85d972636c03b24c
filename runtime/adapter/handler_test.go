package adapter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/adapter"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestHandlerResponse(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	tests := map[string]struct {
		x    *gateway.Exchange
		h    func(w http.ResponseWriter, r *http.Request)
		want answer
	}{
		"nothing written": {
			h:    func(http.ResponseWriter, *http.Request) {},
			want: answer{Status: 200},
		},
		"status, header and sniffed type": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("X-B", "1")
				w.Header().Add("X-A", "2")
				w.Header().Add("X-B", "3")
				w.WriteHeader(201)
				w.Header().Set("X-Late", "1")
				_, _ = io.WriteString(w, "<html>")
			},
			want: answer{
				Status: 201, Body: "<html>", ContentLength: 6,
				Header: fields("X-A", "2", "X-B", "1", "X-B", "3", "Content-Type", "text/html; charset=utf-8"),
			},
		},
		"no sniffing where the type is suppressed": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				_, _ = io.WriteString(w, "<html>")
			},
			want: answer{Status: 200, Body: "<html>", ContentLength: 6, Header: gateway.Header{}},
		},
		"fields of middleware further out stay": {
			x: exchange(func(x *gateway.Exchange) { x.Response.Header.Add("alt-svc", "h3") }),
			h: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) },
			want: answer{
				Status: 204, Header: fields("alt-svc", "h3"),
			},
		},
		"a flushed body has no length": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				for i := range 3 {
					_, _ = fmt.Fprintf(w, "%d,", i)
					w.(http.Flusher).Flush()
				}
				_, _ = io.WriteString(w, "rest")
			},
			want: answer{Status: 200, Body: "0,1,2,rest", ContentLength: -1, Header: fields("Content-Type", "a/b")},
		},
		"a flush before the body": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, long)
			},
			want: answer{Status: 200, Body: long, ContentLength: -1, Header: fields("Content-Type", "a/b")},
		},
		"a long body of declared length": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				w.Header().Set("Content-Length", "10001")
				_, _ = io.WriteString(w, "y")
				_, _ = io.WriteString(w, long)
				if _, err := io.WriteString(w, "z"); err != http.ErrContentLength {
					panic(err)
				}
			},
			want: answer{Status: 200, Body: "y" + long, ContentLength: 10001, Header: fields("Content-Type", "a/b")},
		},
		"a body shorter than declared keeps the declared length": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				w.Header().Set("Content-Length", "5")
				_, _ = io.WriteString(w, "abc")
			},
			want: answer{Status: 200, Body: "abc", ContentLength: 5, Header: fields("Content-Type", "a/b")},
		},
		"trailers, announced and not": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				w.Header().Set("Trailer", "X-Sum, X-None")
				_, _ = io.WriteString(w, "abc")
				w.Header().Set("X-Sum", "1")
				w.Header().Set(http.TrailerPrefix+"X-Other", "2")
			},
			want: answer{
				Status: 200, Body: "abc", ContentLength: -1,
				Header:  fields("Content-Type", "a/b", "Trailer", "X-Sum, X-None"),
				Trailer: fields("X-Sum", "1", "X-Other", "2"),
			},
		},
		"trailers of a stream": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				w.WriteHeader(200)
				w.(http.Flusher).Flush()
				_, _ = io.WriteString(w, "abc")
				w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			},
			want: answer{
				Status: 200, Body: "abc", ContentLength: -1,
				Header:  fields("Content-Type", "a/b"),
				Trailer: fields("Grpc-Status", "0"),
			},
		},
		"HEAD counts": {
			x: exchange(func(x *gateway.Exchange) { x.Request.Method = "HEAD" }),
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				_, _ = io.WriteString(w, long)
			},
			want: answer{Status: 200, ContentLength: 10_000, Header: fields("Content-Type", "a/b")},
		},
		"no body where there is none": {
			h: func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(304)
				if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
					panic(err)
				}
			},
			want: answer{Status: 304, ContentLength: -1, Header: gateway.Header{}},
		},
		"reads the body and writes at once": {
			x: exchange(body("a\nb\n", -1)),
			h: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "a/b")
				lines := bufio.NewScanner(r.Body)
				for lines.Scan() {
					_, _ = io.WriteString(w, lines.Text()+lines.Text())
					w.(http.Flusher).Flush()
				}
			},
			want: answer{Status: 200, Body: "aabb", ContentLength: -1, Header: fields("Content-Type", "a/b")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			x := tt.x
			if x == nil {
				x = exchange()
			}
			got, err := run(t, adapter.Handler(handler(tt.h)), x)
			must(t, err)
			if tt.want.Header == nil {
				tt.want.Header = gateway.Header{}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestHandlerRequest(t *testing.T) {
	x := exchange(body("abc", 3), field("content-length", "3"), field("x-a", "1"), field("X-A", "2"), field("Trailer", "X-Sum"))
	x.Request.Trailer = func() gateway.Header { return fields("X-Sum", "9") }
	x.Request.Params = fields("id", "7")
	type ctxKey struct{}
	x.SetContext(context.WithValue(context.Background(), ctxKey{}, "v"))
	_, err := run(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		type seen struct {
			Method, URL, Path, Host, Proto, Remote, URI, ID string
			Value                                           any
			Header, TrailerBefore, TrailerAfter             http.Header
			Body                                            string
		}
		before := r.Trailer.Clone()
		b, _ := io.ReadAll(r.Body)
		got := seen{
			r.Method, r.URL.String(), r.URL.Path, r.Host, r.Proto, r.RemoteAddr, r.RequestURI, r.PathValue("id"),
			r.Context().Value(ctxKey{}), r.Header, before, r.Trailer, string(b),
		}
		want := seen{
			"POST", "/a%2Fb?q=1", "/a/b", "example.com", "HTTP/1.1", "192.0.2.1:1234", "/a%2Fb?q=1", "7",
			"v", http.Header{"Content-Length": {"3"}, "X-A": {"1", "2"}},
			http.Header{"X-Sum": nil}, http.Header{"X-Sum": {"9"}}, "abc",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})), x)
	must(t, err)
}

func TestHandlerTooLargeBody(t *testing.T) {
	x := exchange(func(x *gateway.Exchange) {
		x.Request.Body = io.NopCloser(errorReader{gateway.ErrTooLarge})
		x.Request.ContentLength = -1
	})
	_, err := run(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if _, ok := errors.AsType[*http.MaxBytesError](err); !ok || !errors.Is(err, gateway.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})), x)
	must(t, err)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestInterim(t *testing.T) {
	var got []string
	x := exchange()
	x.Interim = func(status int, h gateway.Header) error {
		got = append(got, fmt.Sprint(status, h))
		return nil
	}
	a, err := run(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.WriteHeader(204)
		w.WriteHeader(102)
	})), x)
	must(t, err)
	if d := cmp.Diff([]string{"103 [{Link </a>}]"}, got); d != "" || a.Status != 204 {
		t.Error(a.Status, d)
	}
}

func TestPanics(t *testing.T) {
	cause := errors.New("boom")
	before := func(value any) gateway.Handler {
		return adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) { panic(value) }))
	}
	after := func(value any) gateway.Handler {
		return adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			panic(value)
		}))
	}
	for name, h := range map[string]func(any) gateway.Handler{"before the head": before, "after the head": after} {
		t.Run(name, func(t *testing.T) {
			serve := func(value any) any { return panicOf(func() { _, _ = run(t, h(value), exchange()) }) }
			if got := serve(http.ErrAbortHandler); got != http.ErrAbortHandler {
				t.Errorf("got %v, want http.ErrAbortHandler", got)
			}
			e, _ := serve(cause).(*gateway.Error)
			if e == nil || e.Status != 500 || e.Code != "E2132" || !errors.Is(e, cause) {
				t.Fatalf("got %v", e)
			}
			if !strings.Contains(string(e.Stack), "handler_test.go") {
				t.Errorf("the stack does not show the handler:\n%s", e.Stack)
			}
		})
	}
}

// A body that is not read to its end ends the handler when it is closed, or when the
// exchange is over.
func TestEarlyEnd(t *testing.T) {
	h := func(ended chan<- error) gateway.Handler {
		return adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 5000)); err != nil {
					ended <- errors.Join(err, r.Context().Err())
					return
				}
			}
		}))
	}
	for name, end := range map[string]func(x *gateway.Exchange){
		"close":  func(x *gateway.Exchange) { _ = x.Response.Body.Close() },
		"fail":   func(x *gateway.Exchange) { x.Fail(errors.New("no")) },
		"finish": func(x *gateway.Exchange) {},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			x := exchange()
			must(t, h(ended).Serve(x))
			_, err := io.ReadFull(x.Response.Body, make([]byte, 7000))
			must(t, err)
			b := x.Response.Body
			end(x)
			x.Finish()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			default:
				t.Error("the handler runs on")
			}
			if n, err := b.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
				t.Errorf("Read after the end: %d, %v", n, err)
			}
		})
	}
}

// Close from another goroutine than the one that reads ends a handler that waits.
func TestCloseWhileReading(t *testing.T) {
	x := exchange()
	must(t, adapter.Handler(handler(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})).Serve(x))
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(x.Response.Body)
		read <- err
	}()
	must(t, x.Response.Body.Close())
	<-read // nil if the handler returned first, else an error: not to hang is what counts
	x.Finish()
}

// httputil.ReverseProxy flushes from a timer's goroutine.
func TestReverseProxy(t *testing.T) {
	next := make(chan struct{})
	up := httptest.NewServer(handler(func(w http.ResponseWriter, r *http.Request) {
		for i := range 5 {
			_, _ = fmt.Fprintf(w, "%d", i)
			w.(http.Flusher).Flush()
			<-next
		}
	}))
	defer up.Close()
	target, _ := url.Parse(up.URL)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: time.Millisecond,
		Transport:     transport,
	}
	x := exchange()
	must(t, adapter.Handler(proxy).Serve(x))
	b := make([]byte, 1)
	for i := range 5 {
		_, err := io.ReadFull(x.Response.Body, b)
		must(t, err)
		if want := fmt.Sprint(i); string(b) != want {
			t.Fatalf("got %s, want %s", b, want)
		}
		next <- struct{}{}
	}
	if _, err := io.ReadFull(x.Response.Body, b); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
	x.Finish()
}
