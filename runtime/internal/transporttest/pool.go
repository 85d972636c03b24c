package transporttest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/dial"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var poolTests = []test{
	{"IdleConnections", testIdleConnections},
	{"MaxConnsPerHost", testMaxConnsPerHost},
	{"ManyWaitForConnections", testManyWait},
	{"PlacesAreFreed", testPlacesAreFreed},
	{"IdleConnTimeout", testIdleConnTimeout},
	{"UpstreamIsDown", testUpstreamIsDown},
	{"Close", testClose},
	{"Default", testDefault},
	{"BadOptions", testBadOptions},
}

// kept returns how many of n connections that were in use at once are still there later.
func kept(t testing.TB, tr Transport, n int) int {
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
			l := newLeg(t, "GET", s.URL)
			go func() {
				defer l.end()
				if err := tr.Serve(l.Exchange); err != nil {
					answers <- err.Error()
					return
				}
				b, _ := io.ReadAll(l.Response.Body)
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

func testIdleConnections(t *testing.T, e Engine) {
	for name, tt := range map[string]struct {
		options wire.TransportOptions
		want    int
	}{
		"default":           {wire.TransportOptions{}, 4},
		"two for each host": {wire.TransportOptions{MaxIdleConnsPerHost: 2}, 2},
		"three in all":      {wire.TransportOptions{MaxIdleConns: 3}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kept(t, newTransport(t, e, tt.options), 4); got != tt.want {
				t.Errorf("%d connections were kept, not %d", got, tt.want)
			}
		})
	}
}

// Requests wait for a connection, but not longer than they may.
func testMaxConnsPerHost(t *testing.T, e Engine) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			close(arrived)
			receive(t, release)
		}
	})
	other := newServer(t, remoteAddr)
	tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: 1})
	done := make(chan error, 1)
	go func() {
		first := newLeg(t, "GET", s.URL+"/hold")
		defer first.end()
		done <- tr.Serve(first.Exchange)
	}()
	receive(t, arrived)
	for _, end := range []func(*leg) (context.Context, context.CancelFunc){
		func(l *leg) (context.Context, context.CancelFunc) { return context.WithTimeout(l.Context(), soon) },
		func(l *leg) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(l.Context())
			time.AfterFunc(soon, cancel)
			return ctx, cancel
		},
	} {
		second := newLeg(t, "GET", s.URL)
		ctx, cancel := end(second)
		second.SetContext(ctx)
		if err := tr.Serve(second.Exchange); !errors.Is(err, ctx.Err()) {
			t.Errorf("the error is %v", err)
		}
		second.end()
		cancel()
	}
	get(t, tr, other.URL) // has places of its own
	close(release)
	if err := receive(t, done); err != nil {
		t.Fatal(err)
	}
	get(t, tr, s.URL)
}

// Those that wait get a connection as soon as there is one, and there are never more than may be.
func testManyWait(t *testing.T, e Engine) {
	const limit = 3
	var now, most atomic.Int32
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if strings.HasSuffix(r.URL.Path, "7") { // now and then a connection ends
			w.Header().Set("Connection", "close")
		}
		now.Add(-1)
		_, _ = io.WriteString(w, r.URL.Path)
	})
	tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: limit})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for j := range 10 {
				path := "/" + itoa(int64(100*i+j))
				l := newLeg(t, "POST", s.URL+path)
				l.setBody("abc", 3)
				if j%5 == 4 { // and now and then somebody gives up
					ctx, cancel := context.WithTimeout(l.Context(), time.Duration(i)*100*time.Microsecond)
					l.SetContext(ctx)
					if tr.Serve(l.Exchange) == nil {
						_, _ = io.Copy(io.Discard, l.Response.Body)
					}
					cancel()
				} else if err := tr.Serve(l.Exchange); err != nil {
					t.Error(err)
				} else if got := l.text(); got != path {
					t.Errorf("%s: %s", path, got)
				}
				l.end()
			}
		})
	}
	all.Wait()
	// A request that was given up may still be at the upstream.
	if n := most.Load(); n > limit+limit {
		t.Errorf("%d requests at a time", n)
	}
}

// Whatever becomes of a connection, its place is there for the next.
func testPlacesAreFreed(t *testing.T, e Engine) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	tr := newTransport(t, e, wire.TransportOptions{MaxConnsPerHost: 1})
	u := newUpstream(t, func(c *conn) {
		switch c.n % 4 {
		case 0: // closes
		case 1:
			_ = c.request()
			c.say("nonsense\r\n\r\n")
		case 2:
			_ = c.request()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut")
		case 3:
			_ = c.request()
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\nunread")
			_, _ = c.ends()
		}
	})
	for _, url := range []string{u.url(), "http://" + gone.Addr().String()} {
		for range 9 {
			l := newLeg(t, "GET", url)
			begun := time.Now()
			_ = tr.Serve(l.Exchange)
			l.end()
			if time.Since(begun) > patience/2 {
				t.Fatal("a place was lost")
			}
		}
	}
}

func testIdleConnTimeout(t *testing.T, e Engine) {
	u := newUpstream(t, answering("HTTP/1.1 204 No Content\r\n\r\n"))
	tr := newTransport(t, e, wire.TransportOptions{IdleConnTimeout: soon})
	for i := range 2 {
		get(t, tr, u.url())
		u.wait(t, i)
	}
}

func testUpstreamIsDown(t *testing.T, e Engine) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	leg := newLeg(t, "GET", "http://"+l.Addr().String())
	defer leg.end()
	err = newTransport(t, e, wire.TransportOptions{}).Serve(leg.Exchange)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" || gateway.IsTimeout(err) {
		t.Errorf("the error is %v", err)
	}
}

// Close is for what is idle; whoever is at work finishes.
func testClose(t *testing.T, e Engine) {
	s, tr := newServer(t, remoteAddr), newTransport(t, e, wire.TransportOptions{})
	_, first := get(t, tr, s.URL)
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if _, second := get(t, tr, s.URL); first == second {
		t.Error("the connection was still there")
	}
	r, w := io.Pipe()
	slow := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		_, _ = io.Copy(w, r)
	})
	l := newLeg(t, "GET", slow.URL).serve(tr)
	defer l.end()
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "all of it")
	_ = w.Close()
	l.expect(200, "all of it")
}

func testDefault(t *testing.T, e Engine) {
	if one, other := e.Default(), e.Default(); one != other {
		t.Error("not the same one each time")
	}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Accept-Encoding"))
	})
	if status, body := get(t, e.Default(), s.URL); status != 200 || body != "" {
		t.Errorf("%d %q", status, body)
	}
	_ = e.Default().Close()
}

func testBadOptions(t *testing.T, e Engine) {
	if _, err := e.New(wire.TransportOptions{Dial: dial.Options{LocalAddress: "x://y"}}); err == nil {
		t.Error("no error")
	}
}
