package torture

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A backend answers as the query of a request says, on connections of its own, so that it
// can break all rules. Query parameters: mode, n (the length of the body), te (how its end is told).
type backend struct {
	t     *testing.T
	tries sync.Map // id -> *int, of the mode flaky
}

// newBackend listens, with TLS if there is a certificate.
func newBackend(t *testing.T, addr string, cert *tls.Certificate) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{t: t}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c.(*net.TCPConn), cert)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
}

// A downstream is a connection from the gateway.
type downstream struct {
	net.Conn
	tcp *net.TCPConn
	r   *bufio.Reader
	req *http.Request
	id  string
}

func newDownstream(c net.Conn) *downstream {
	return &downstream{Conn: c, tcp: c.(*net.TCPConn), r: bufio.NewReader(c)}
}

func (b *backend) serve(tcp *net.TCPConn, cert *tls.Certificate) {
	defer tcp.Close()
	c := newDownstream(tcp)
	if cert != nil {
		c.Conn = tls.Server(tcp, &tls.Config{Certificates: []tls.Certificate{*cert}})
		c.r = bufio.NewReader(c.Conn)
		defer c.Close() // says so to the gateway
	}
	for {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		var err error
		if c.req, err = http.ReadRequest(c.r); err != nil || !b.answer(c) {
			return
		}
	}
}

// drop ends the connection, by a reset or not.
func (c *downstream) drop(reset bool) bool {
	if reset {
		_ = c.tcp.SetLinger(0)
	}
	_ = c.tcp.Close()
	return false
}

func (c *downstream) say(s string) { _, _ = io.WriteString(c, s) }

// checkRequest tells whether all parts of a request are of the same one.
func checkRequest(t *testing.T, req *http.Request) (id string, q url.Values) {
	q = req.URL.Query()
	id = q.Get("id")
	if got := req.Header.Values("X-Id"); len(got) != 1 || got[0] != id {
		t.Errorf("request %s has X-Id %q", id, got)
	}
	policy, secret, number := "1", "", 1
	switch "/" + strings.Split(req.URL.Path, "/")[1] + "/" {
	case "/bare/", "/tls/", "/unsteady/":
		policy, secret, number = "", id, 0
	}
	if !strings.HasSuffix(req.URL.Path, "/"+id) || req.Header.Get("X-Policy") != policy || req.Header.Get("X-Secret") != secret ||
		len(req.Header.Values("X-Request-Id")) != number || len(req.Header.Values("X-Forwarded-For")) != 1 {
		t.Errorf("request %s: %s %q", id, req.URL, req.Header)
	}
	return id, q
}

// readBody reads a body, which may end early, and checks whose it is.
func readBody(t *testing.T, id string, req *http.Request) error {
	body, err := io.ReadAll(req.Body)
	if f := foreign(id, string(body)); f != "" {
		t.Errorf("request %s has a foreign body: %s", id, f)
	}
	if got := req.Trailer.Get("X-Trailer-Id"); err == nil && got != "" && got != id {
		t.Errorf("request %s has the trailer of %s", id, got)
	}
	return err
}

// answer reports whether the connection can be used again.
func (b *backend) answer(c *downstream) bool {
	id, q := checkRequest(b.t, c.req)
	c.id = id
	n, _ := strconv.Atoi(q.Get("n"))
	mode, te := q.Get("mode"), q.Get("te")
	if c.req.Method == "HEAD" && strings.HasPrefix(mode, "cut") && mode != "cut head" {
		mode = "plain"
	}
	if mode == "flaky" {
		mode = b.flaky(id)
	}
	switch mode { // before the request has been read
	case "reset unread":
		return c.drop(true)
	case "cut head":
		c.say("HTTP/1.1 200 OK\r\nX-Id: " + id)
		return c.drop(rand.N(2) == 0)
	case "early":
		if rand.N(2) == 0 {
			te = "close"
		}
		return c.respond(200, n, te, 0) && readBody(b.t, id, c.req) == nil
	case "early close":
		c.respond(200, n, pick("close", "length", "chunked"), 0)
		return false
	case "hang head":
		c.say("HTTP/1.1 200 OK\r\nX-Id: " + id)
		fallthrough
	case "hang":
		_, _ = io.Copy(io.Discard, c.r)
		return false
	}
	if c.req.Header.Get("Expect") != "" && rand.N(2) == 0 {
		c.say("HTTP/1.1 100 Continue\r\n\r\n")
	}
	if readBody(b.t, id, c.req) != nil {
		return false
	}
	return c.perform(mode, n, te)
}

// flaky fails the first try of a request; there is one try after the other.
func (b *backend) flaky(id string) string {
	v, _ := b.tries.LoadOrStore(id, new(int))
	if v := v.(*int); *v == 0 {
		*v++
		return pick("reset", "cut head", "503")
	}
	return "plain"
}

// perform answers a request that has been read.
func (c *downstream) perform(mode string, n int, te string) bool {
	switch mode {
	case "reset":
		return c.drop(true)
	case "interim":
		for range 1 + rand.N(3) {
			c.say(pick("HTTP/1.1 103 Early Hints\r\nX-Id: "+c.id+"\r\nLink: </"+c.id+">\r\n\r\n", "HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"))
		}
	case "slow":
		return c.respond(200, n, te, time.Millisecond)
	case "204", "304", "503", "404":
		status, _ := strconv.Atoi(mode)
		return c.respond(status, n, te, 0)
	case "cut":
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Id: %s\r\nX-Secret: s\r\nContent-Length: %d\r\n\r\n%s", c.id, n+1, text(c.id, n/2))
		return c.drop(rand.N(2) == 0)
	case "cut chunks":
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Id: %s\r\nX-Secret: s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", c.id, n+1, text(c.id, n/2))
		return c.drop(rand.N(2) == 0)
	case "cut hang":
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Id: %s\r\nContent-Length: %d\r\n\r\n%s", c.id, n+1, text(c.id, n))
		_, _ = io.Copy(io.Discard, c.r)
		return false
	case "malformed":
		c.say(pick(malformed...))
		return c.drop(false)
	case "upgrade":
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: torture\r\nX-Id: %s\r\n\r\n%s;", c.id, c.id)
		_, _ = io.Copy(struct{ io.Writer }{c}, c.r)
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
		return false
	case "unasked":
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		return false
	}
	return c.respond(200, n, te, 0) && c.outlive(mode)
}

// stray is a response that nobody has asked for.
const stray = "HTTP/1.1 200 OK\r\nX-Id: stray\r\nContent-Length: 5\r\n\r\nstray"

// malformed are responses that no engine passes on.
var malformed = []string{
	"hello\r\n\r\n",
	"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
}

// outlive does something to the connection when the response is over.
func (c *downstream) outlive(mode string) bool {
	if !strings.HasPrefix(mode, "idle ") {
		return true
	}
	// A request that comes meanwhile has a right to its own response.
	_ = c.SetReadDeadline(time.Now().Add(rand.N(20 * time.Millisecond)))
	if _, err := c.r.Peek(1); err == nil {
		return true
	}
	if mode == "idle garbage" {
		c.say("?" + stray)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(io.Discard, c.r)
		return false
	}
	return c.drop(mode == "idle reset")
}

// respond sends a whole response, in pieces with pauses, if there are to be some.
func (c *downstream) respond(status, n int, te string, pause time.Duration) bool {
	w := bufio.NewWriterSize(c, 8192)
	minor := 1
	if te == "old" {
		te, minor = "close", 0
	}
	mode := c.req.URL.Query().Get("mode")
	fmt.Fprintf(w, "HTTP/1.%d %d X\r\nX-Id: %s\r\nX-Secret: s\r\nSet-Cookie: a=%s\r\nSet-Cookie: b=%s\r\n", minor, status, c.id, c.id, c.id)
	if mode == "early close" && c.req.URL.Path != "/unsteady/"+c.id {
		fmt.Fprint(w, "Connection: close\r\n")
	}
	switch {
	case c.req.Method == "HEAD" || status == 204 || status == 304:
		if status != 204 {
			fmt.Fprintf(w, "Content-Length: %d\r\n", n)
		}
		fmt.Fprint(w, "\r\n")
		return w.Flush() == nil && minor > 0
	case te == "chunked":
		fmt.Fprint(w, "Transfer-Encoding: chunked\r\nTrailer: X-Trailer-Id\r\n\r\n")
	case te == "close":
		fmt.Fprint(w, "Connection: close\r\n\r\n")
	default:
		fmt.Fprintf(w, "Content-Length: %d\r\n\r\n", n)
	}
	for body := text(c.id, n); body != ""; {
		piece := body[:1+rand.N(len(body))]
		body = body[len(piece):]
		if te == "chunked" {
			fmt.Fprintf(w, "%x\r\n%s\r\n", len(piece), piece)
		} else {
			_, _ = w.WriteString(piece)
		}
		if pause > 0 {
			_ = w.Flush()
			time.Sleep(rand.N(pause))
		}
	}
	if te == "chunked" {
		fmt.Fprintf(w, "0\r\nX-Trailer-Id: %s\r\n\r\n", c.id)
	}
	if mode == "extra" { // at once, or the connection may have its next request
		_, _ = w.WriteString(stray)
	}
	return w.Flush() == nil && te != "close"
}
