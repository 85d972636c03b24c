package http3transport

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/transporttest"
)

// show answers with what the upstream has got.
func show(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, "%s %s %s", r.Method, r.Host, r.RequestURI)
	for _, h := range []http.Header{r.Header, r.Trailer} {
		names := make([]string, 0, len(h))
		for name := range h {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(w, " %s=%s", name, strings.Join(h[name], "|"))
		}
	}
	fmt.Fprintf(w, " [%s]", body)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, show)
	tr := u.transport(t)
	trailer := func() gateway.Header { return fields("X-Sum", "3", "Content-Length", "9") }
	for name, tt := range map[string]struct {
		method, path string
		prepare      func(q *gateway.Request)
		want         string
	}{
		"plain":   {"GET", "/a?x=1", func(*gateway.Request) {}, "GET HOST /a?x=1 []"},
		"no body": {"POST", "/", func(*gateway.Request) {}, "POST HOST / Content-Length=0 []"},
		"fields": {"GET", "/", func(q *gateway.Request) {
			q.Header = fields("X-Foo", "1", "x-foo", "2", "Te", "trailers", "Connection", "x", "Keep-Alive", "x", "Proxy-Connection", "x",
				"Transfer-Encoding", "chunked", "Content-Length", "7", "Host", "x", "Cookie", "a=1", "Cookie", "b=2", "User-Agent", "mine")
		}, "GET HOST / Cookie=a=1; b=2 Te=trailers User-Agent=mine X-Foo=1|2 []"},
		"small body": {"POST", "/", func(q *gateway.Request) {
			q.Body, q.ContentLength = io.NopCloser(strings.NewReader("abc")), 3
		}, "POST HOST / Content-Length=3 [abc]"},
		"body of unknown length": {"PUT", "/", func(q *gateway.Request) {
			q.Body, q.ContentLength = io.NopCloser(strings.NewReader("abc")), -1
		}, "PUT HOST / [abc]"},
		"trailers": {"POST", "/", func(q *gateway.Request) {
			q.Body, q.ContentLength, q.Trailer = io.NopCloser(strings.NewReader("abc")), 3, trailer
			q.Header = fields("Trailer", "X-Sum")
		}, "POST HOST / Content-Length=3 X-Sum=3 [abc]"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLeg(t, tt.method, u.url()+tt.path)
			tt.prepare(&l.Request)
			got := strings.ReplaceAll(l.serve(tr).text(), u.addr, "HOST")
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			l.end()
		})
	}
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// Paths go up as they are.
func TestTargets(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
	tr := u.transport(t)
	for name, tt := range transporttest.Targets {
		method := "GET"
		if tt.Path == "*" {
			method = "OPTIONS"
		}
		l := newLeg(t, method, u.url())
		l.Request.Path, l.Request.RawPath, l.Request.RawQuery = tt.Path, tt.Raw, tt.Query
		if got := l.serve(tr).text(); got != strings.TrimPrefix(tt.Want, "http://HOST") {
			t.Errorf("%s: got %s, not %s", name, got, tt.Want)
		}
		l.end()
	}
}

// sorted is h by canonical names.
func sorted(h gateway.Header) (list gateway.Header) {
	for _, f := range h {
		if name := gateway.CanonicalName(f.Name); name != "Date" {
			list.Add(name, f.Value)
		}
	}
	slices.SortStableFunc(list, func(a, b gateway.Field) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func TestResponse(t *testing.T) {
	t.Parallel()
	handlers := make(chan http.HandlerFunc, 1)
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) { (<-handlers)(w, r) })
	tr := u.transport(t)
	long := strings.Repeat("0123456789", 100_000)
	for name, tt := range map[string]struct {
		method  string
		handler http.HandlerFunc
		status  int
		header  gateway.Header
		length  int64
		body    string
		trailer gateway.Header
	}{
		"empty": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 404, nil, 0, "", nil},
		"short": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Header()["X-Foo"] = []string{"1", "2"}
			_, _ = io.WriteString(w, "hello")
		}, 200, fields("X-Foo", "1", "X-Foo", "2"), 5, "hello", nil},
		"long": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, long)
		}, 200, nil, -1, long, nil},
		"HEAD": {"HEAD", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "7") }, 200, nil, 7, "", nil},
		"204":  {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, nil, 0, "", nil},
		"304": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "7")
			w.WriteHeader(304)
		}, 304, nil, 7, "", nil},
		"trailers": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Sum", "5")
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}, 200, fields("Trailer", "X-Sum"), -1, "hello", fields("Grpc-Status", "0", "X-Sum", "5")},
	} {
		t.Run(name, func(t *testing.T) {
			handlers <- tt.handler
			l := newLeg(t, tt.method, u.url())
			l.serve(tr).expect(tt.status, tt.body)
			if diff := gocmp.Diff(tt.header, sorted(l.Response.Header)); diff != "" || l.Response.ContentLength != tt.length {
				t.Errorf("length %d; %s", l.Response.ContentLength, diff)
			}
			var trailer gateway.Header
			if l.Response.Trailer != nil {
				trailer = sorted(l.Response.Trailer())
			}
			if diff := gocmp.Diff(tt.trailer, trailer); diff != "" {
				t.Errorf("trailers: %s", diff)
			}
			l.end()
		})
	}
	if n := u.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestInterim(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(103)
		w.Header().Del("Link")
		w.WriteHeader(100)
		w.WriteHeader(102)
		w.WriteHeader(204)
	})
	tr := u.transport(t)
	var got []string
	l := newLeg(t, "GET", u.url())
	l.Interim = func(status int, h gateway.Header) error {
		got = append(got, fmt.Sprint(status, sorted(h)))
		return nil
	}
	l.serve(tr).expect(204, "")
	if diff := gocmp.Diff([]string{"103 [{Link </a.css>}]", "102 []"}, got); diff != "" || l.Response.Header.Has("Link") {
		t.Errorf("%v; %s", l.Response.Header, diff)
	}
	if status, _ := get(t, tr, u.url()); status != 204 { // with nobody to send them to
		t.Errorf("got %d", status)
	}
}

// Both sides talk in turn, as gRPC does.
func TestFullDuplex(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		b := make([]byte, 100)
		for {
			n, err := r.Body.Read(b)
			_, _ = w.Write(b[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
				return
			}
		}
	})
	r, w := io.Pipe()
	l := newLeg(t, "POST", u.url())
	l.Request.Body, l.Request.ContentLength = r, -1
	l.serve(u.transport(t))
	b := make([]byte, 100)
	for _, m := range []string{"one", "two"} {
		if _, err := io.WriteString(w, m); err != nil {
			t.Fatal(err)
		}
		if n, err := l.Response.Body.Read(b); string(b[:n]) != m {
			t.Fatalf("got %q, %v", b[:n], err)
		}
	}
	_ = w.Close()
	if rest := l.text(); rest != "" || l.Response.Trailer().Get("Grpc-Status") != "0" {
		t.Errorf("got %q, %v", rest, l.Response.Trailer())
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	u := newUpstream(t, nil, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", fmt.Sprint(n, err))
		_, _ = io.Copy(w, io.LimitReader(zeros{}, size))
	})
	l := newLeg(t, "POST", u.url())
	l.Request.Body, l.Request.ContentLength = io.NopCloser(io.LimitReader(zeros{}, size)), size
	l.serve(u.transport(t))
	n, err := io.Copy(io.Discard, l.Response.Body)
	if got := l.Response.Header.Get("X-Got"); got != fmt.Sprint(size, " <nil>") || n != size || err != nil {
		t.Errorf("up %s, down %d, %v", got, n, err)
	}
}
