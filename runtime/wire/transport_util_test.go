package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const (
	patience = 30 * time.Second
	soon     = 20 * time.Millisecond
)

// rawUpstream hands each connection to serve, with its number from 0.
func rawUpstream(t *testing.T, serve func(n int, c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		conns   []net.Conn
	)
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(n, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().String()
}

// answering answers each request, without a body, by what answer returns.
func answering(t *testing.T, answer func(n int, head string) string) string {
	return rawUpstream(t, func(n int, c net.Conn, r *bufio.Reader) {
		for {
			head, err := requestHead(r)
			if err != nil {
				return
			}
			io.WriteString(c, answer(n, head))
		}
	})
}

// silentUpstream takes connections and never says a word.
func silentUpstream(t *testing.T) string {
	return rawUpstream(t, func(_ int, c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
}

// requestHead reads the head of a request, without the empty line.
func requestHead(r *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return head.String(), err
		}
		head.WriteString(line)
	}
}

// testServer runs a server on a port of its own until the test ends.
func testServer(t *testing.T, o ServerOptions, h gateway.HandlerFunc) *Server {
	t.Helper()
	o.Listen.Addr = "127.0.0.1:0"
	s := NewServer(o, h)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func testTransport(t *testing.T, o TransportOptions) *Transport {
	t.Helper()
	tr, err := NewTransport(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// newLeg makes a leg to ask url with. It ends with the test, or when end is called.
func newLeg(t *testing.T, method, url string) (leg *gateway.Exchange, end func()) {
	t.Helper()
	scheme, rest, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(rest, "/")
	path, query, _ := strings.Cut("/"+path, "?")
	x := new(gateway.Exchange)
	stop := time.AfterFunc(patience, func() { x.Cancel(context.DeadlineExceeded) })
	leg = new(gateway.Exchange)
	x.Leg(leg)
	leg.Request = gateway.Request{Method: method, Scheme: scheme, Host: host, Path: path, RawPath: path, RawQuery: query}
	end = sync.OnceFunc(func() {
		stop.Stop()
		if b := leg.Response.Body; b != nil {
			b.Close()
		}
		x.Finish()
	})
	t.Cleanup(end)
	return leg, end
}

// ask asks for url and returns the response, its body read.
func ask(t *testing.T, tr *Transport, url string) (status int, body string) {
	t.Helper()
	leg, end := newLeg(t, "GET", url)
	defer end()
	mustServe(t, tr, leg)
	return leg.Response.Status, readBody(t, leg)
}

func mustServe(t *testing.T, tr *Transport, leg *gateway.Exchange) {
	t.Helper()
	if err := tr.Serve(leg); err != nil {
		t.Fatal(err)
	}
}

func readBody(t *testing.T, leg *gateway.Exchange) string {
	t.Helper()
	if leg.Response.Body == nil {
		return string(leg.Response.Bytes)
	}
	b, err := io.ReadAll(leg.Response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func setBody(leg *gateway.Exchange, text string, length int64) {
	leg.Request.Body, leg.Request.ContentLength = io.NopCloser(struct{ io.Reader }{strings.NewReader(text)}), length
}

// haveBody gives leg a body that has come already, in full if all.
type haveBody struct {
	io.ReadCloser
	here string
	all  bool
}

func (b *haveBody) Buffered() ([]byte, bool) { return []byte(b.here), b.all }

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// linksOf returns how many connections tr has to an upstream, and how many of them are idle.
func linksOf(tr *Transport, addr string) (all, idle int) {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	u := tr.upstreams[origin{"http", addr}]
	if u == nil {
		return 0, 0
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.links, len(u.idle)
}
