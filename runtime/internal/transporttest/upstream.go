package transporttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what would otherwise hang.
const patience = 30 * time.Second

// newServer starts an upstream of net/http.
func newServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// remoteAddr answers by the address of the client's side of the connection.
func remoteAddr(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }

// An upstream is one that a test writes byte by byte.
type upstream struct {
	addr string
	stop func() // ends listening
	mu   sync.Mutex
	// all connections that there were, in order
	conns []*conn
}

// A conn is a connection to an upstream, seen from there.
type conn struct {
	net.Conn
	r *bufio.Reader
	n int // its number, from 0
	// over is closed when serve has returned.
	over chan struct{}
}

// newUpstream hands each connection to serve, and closes it afterwards.
func newUpstream(t testing.TB, serve func(c *conn)) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveUpstream(t, l, serve)
}

// serveUpstream does so with the connections of l.
func serveUpstream(t testing.TB, l net.Listener, serve func(c *conn)) *upstream {
	u := &upstream{addr: l.Addr().String(), stop: func() { _ = l.Close() }}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_ = nc.SetDeadline(time.Now().Add(patience))
			c := &conn{Conn: nc, r: bufio.NewReader(nc), over: make(chan struct{})}
			u.mu.Lock()
			c.n = len(u.conns)
			u.conns = append(u.conns, c)
			u.mu.Unlock()
			running.Go(func() {
				defer close(c.over)
				defer func() { _ = c.Close() }()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		u.mu.Lock()
		for _, c := range u.conns {
			_ = c.Close()
		}
		u.mu.Unlock()
		running.Wait()
	})
	return u
}

// answering answers each request, once its body has come, by the same response.
func answering(response string) func(*conn) {
	return func(c *conn) {
		for c.request() != "" {
			c.say(response)
		}
	}
}

func (u *upstream) url() string { return "http://" + u.addr }

// count is how many connections there were.
func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.conns)
}

// wait returns when the n-th connection has been served.
func (u *upstream) wait(t testing.TB, n int) {
	t.Helper()
	eventually(t, "a connection", func() bool { return u.count() > n })
	u.mu.Lock()
	c := u.conns[n]
	u.mu.Unlock()
	receive(t, c.over)
}

func (c *conn) say(text string) { _, _ = io.WriteString(c, text) }

// head reads the head of a request, without the empty line; it is empty at the end.
func (c *conn) head() string {
	var head strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return ""
		}
		if line == "\r\n" {
			return head.String()
		}
		head.WriteString(line)
	}
}

// request reads a request with its body, and returns both.
func (c *conn) request() string {
	head := c.head()
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head+"\r\n"), oneByte{c.r})))
	if err != nil {
		return ""
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	return head + string(b)
}

// oneByte reads no byte more than it must.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// ends waits until the transport closes the connection, and returns what has come until then.
func (c *conn) ends() (string, error) {
	b, err := io.ReadAll(c.r)
	return string(b), err
}

// reset closes the connection in a way that the transport sees a reset.
func (c *conn) reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }

// ok answers nothing in two bytes.
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came to be", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// receive returns what comes from c, and fails the test if nothing does.
func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Error("what is waited for never came")
	}
	return v
}
