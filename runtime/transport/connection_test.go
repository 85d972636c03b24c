package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestConnectionsAreKept(t *testing.T) {
	for name, tt := range map[string]struct {
		options HTTPOptions
		kept    bool
	}{
		"kept":     {HTTPOptions{}, true},
		"disabled": {HTTPOptions{DisableKeepAlives: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, tr := newServer(t, remoteAddr), newHTTP1(t, tt.options)
			_, first := get(t, tr, s.URL)
			if _, second := get(t, tr, s.URL); (first == second) != tt.kept {
				t.Errorf("first from %s, then from %s", first, second)
			}
		})
	}
}

// kept returns how many of n connections that were in use at once are still there later.
func kept(t *testing.T, tr *Transport, n int) int {
	t.Helper()
	var arrived sync.WaitGroup
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // so that each request needs a connection of its own
		remoteAddr(w, r)
	})
	inUse := func() map[string]bool {
		arrived.Add(n)
		answers := make(chan string)
		for range n {
			leg, end := newLeg(t, "GET", s.URL)
			go func() {
				defer end()
				if err := tr.Serve(leg); err != nil {
					answers <- err.Error()
					return
				}
				b, _ := io.ReadAll(leg.Response.Body)
				answers <- string(b)
			}()
		}
		all := make(map[string]bool)
		for range n {
			all[<-answers] = true
		}
		return all
	}
	before, count := inUse(), 0
	for addr := range inUse() {
		if before[addr] {
			count++
		}
	}
	return count
}

func TestIdleConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		options HTTPOptions
		want    int
	}{
		"default":           {HTTPOptions{}, 4},
		"two for each host": {HTTPOptions{MaxIdleConnsPerHost: 2}, 2},
		"three in all":      {HTTPOptions{MaxIdleConns: 3}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kept(t, newHTTP1(t, tt.options), 4); got != tt.want {
				t.Errorf("%d connections were kept, not %d", got, tt.want)
			}
		})
	}
}

func TestMaxConnsPerHost(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			close(arrived)
			<-release
		}
	})
	tr := newHTTP1(t, HTTPOptions{MaxConnsPerHost: 1})
	first, endFirst := newLeg(t, "GET", s.URL+"/hold")
	done := make(chan error, 1)
	go func() {
		defer endFirst()
		done <- tr.Serve(first)
	}()
	<-arrived
	second, end := newLeg(t, "GET", s.URL)
	defer end()
	ctx, cancel := context.WithTimeout(second.Context(), soon)
	defer cancel()
	second.SetContext(ctx)
	if err := tr.Serve(second); !gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	get(t, tr, s.URL)
}

func TestIdleConnTimeout(t *testing.T) {
	closed := make(chan struct{})
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		_, _ = readHead(r)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		if _, err := r.ReadByte(); err == io.EOF {
			close(closed)
		}
	})
	get(t, newHTTP1(t, HTTPOptions{IdleConnTimeout: time.Millisecond}), "http://"+addr)
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the connection was not closed")
	}
}

// The upstream closes a kept connection just as the next request goes out on it.
func TestStaleConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		method, body string
		replayed     bool
	}{
		"GET":           {"GET", "", true},
		"PUT, small":    {"PUT", "abc", true},
		"DELETE":        {"DELETE", "", true},
		"PUT, streamed": {"PUT", strings.Repeat("x", smallBody+1), false},
		"POST":          {"POST", "abc", false}, // it may have been done
	} {
		t.Run(name, func(t *testing.T) {
			addr := rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
				head, _ := readHead(r)
				if n == 1 && strings.Contains(head, "Idempotency-Key") {
					io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
					return
				}
				if n == 1 && strings.Contains(head, "Content-Length") {
					io.CopyN(io.Discard, r, int64(len(tt.body)))
				}
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				if n == 0 {
					_, _ = readHead(r) // and no answer to that
				}
			})
			tr := newHTTP1(t, HTTPOptions{})
			get(t, tr, "http://"+addr)
			leg, end := newLeg(t, tt.method, "http://"+addr)
			defer end()
			if tt.body != "" {
				setBody(leg, tt.body, int64(len(tt.body)))
			}
			err := tr.Serve(leg)
			if tt.replayed && (err != nil || leg.Response.Status != 204) || !tt.replayed && err == nil {
				t.Errorf("status %d, error %v", leg.Response.Status, err)
			}
		})
	}
}

func TestRequestBodyFails(t *testing.T) {
	for name, tt := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"small":          {failingReader{}, 3, gateway.ErrTooLarge},
		"small, cut":     {strings.NewReader("ab"), 3, io.ErrUnexpectedEOF},
		"small, longer":  {strings.NewReader("abcd"), 3, io.ErrUnexpectedEOF},
		"streamed":       {failingReader{}, 1 << 20, gateway.ErrTooLarge},
		"unknown length": {failingReader{}, -1, gateway.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
			}, func(t *testing.T, tr *Transport, url string) {
				leg, end := newLeg(t, "POST", url)
				defer end()
				leg.Request.Body, leg.Request.ContentLength = body{tt.body}, tt.length
				if err := tr.Serve(leg); !errors.Is(err, tt.want) {
					t.Errorf("the error is %v, not %v", err, tt.want)
				}
			})
		})
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, gateway.ErrTooLarge }

// The upstream answers without waiting for the body, of which nothing may be read once the exchange is over.
func TestAnswerBeforeBody(t *testing.T) {
	both(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "no", http.StatusForbidden)
	}, func(t *testing.T, tr *Transport, url string) {
		r, w := io.Pipe()
		leg, end := newLeg(t, "POST", url)
		leg.Request.Body, leg.Request.ContentLength = r, 1<<20
		mustServe(t, tr, leg)
		if leg.Response.Status != 403 || readAll(t, leg) != "no\n" {
			t.Errorf("status %d", leg.Response.Status)
		}
		end()
		over := &streamed{source: r}
		over.end(nil)
		if n, err := over.Read(make([]byte, 1)); n != 0 || err != errOver || over.Close() != nil {
			t.Errorf("read %d, %v", n, err)
		}
		w.Close()
		r.Close()
	})
}

func TestUpstreamIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	leg, end := newLeg(t, "GET", "http://"+l.Addr().String())
	defer end()
	err = newHTTP1(t, HTTPOptions{}).Serve(leg)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
}

func TestClose(t *testing.T) {
	s, tr := newServer(t, remoteAddr), newHTTP1(t, HTTPOptions{})
	_, first := get(t, tr, s.URL)
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if _, second := get(t, tr, s.URL); first == second {
		t.Error("the connection was still there")
	}
}

func TestDefault(t *testing.T) {
	if one, other := Default(), Default(); one != other {
		t.Error("not the same one each time")
	}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Accept-Encoding")) })
	if status, body := get(t, Default(), s.URL); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
	Default().Close()
}

func TestBadOptions(t *testing.T) {
	if _, err := HTTP1(HTTPOptions{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("HTTP1: no error")
	}
	if _, err := HTTP2(HTTP2Options{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("HTTP2: no error")
	}
}

// An upstream answers before it has been asked, perhaps while a request is still being written. Under the
// race detector, this shows whether what belongs to a request is reused too early.
func TestAnswersBeforeRequests(t *testing.T) {
	addr := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		go io.Copy(io.Discard, r)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
				return
			}
		}
	})
	tr := newHTTP1(t, HTTPOptions{WriteBufferSize: 16}) // so that a head takes many writes
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 30 {
				leg, end := newLeg(t, "POST", "http://"+addr)
				for range 20 {
					leg.Request.Header.Add("X-"+strings.Repeat("a", i%7+1), strings.Repeat("x", 50))
				}
				setBody(leg, strings.Repeat("x", 3000*i), int64(3000*i))
				if tr.Serve(leg) == nil && leg.Response.Body != nil {
					_, _ = io.Copy(io.Discard, leg.Response.Body)
				}
				end()
			}
		})
	}
	all.Wait()
}

// When another request is given up, net/http may end this one as well. The other one is made up here.
func TestOthersAreGivenUp(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	for _, tt := range []struct {
		method string
		length int64
		ok     bool
	}{{"GET", 0, true}, {"PUT", 5, true}, {"PUT", -1, false}, {"POST", 5, false}} {
		tr := newHTTP1(t, HTTPOptions{})
		dial, first := tr.engine.DialContext, true
		tr.engine.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if first {
				first = false
				return nil, context.Canceled
			}
			return dial(ctx, network, addr)
		}
		leg, end := newLeg(t, tt.method, s.URL)
		if tt.length != 0 {
			setBody(leg, "hello", tt.length)
		}
		err := tr.Serve(leg)
		if ok := err == nil; ok != tt.ok {
			t.Errorf("%s, %d bytes: %v", tt.method, tt.length, err)
		} else if want := int64(len("hello")); ok && tt.length == want && readAll(t, leg) != "hello" {
			t.Errorf("%s: another body", tt.method)
		}
		end()
	}
}
