package servertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A client is a raw connection to a server.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (g *running) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial(g.Addr().Network(), g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return newClient(t, c)
}

func newClient(t testing.TB, c net.Conn) *client {
	n := &client{c, t, bufio.NewReader(c)}
	n.hope()
	return n
}

// hope gives what is done next as long as a busy machine may need.
func (c *client) hope() { _ = c.SetDeadline(time.Now().Add(patience)) }

func (c *client) send(text string) {
	c.t.Helper()
	c.hope()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// get sends a request without a body.
func (c *client) get(line string, fields ...string) {
	c.t.Helper()
	c.send(request(line, fields...))
}

// request is the text of a request without a body.
func request(line string, fields ...string) string {
	lines := append([]string{line + " HTTP/1.1", "Host: gw.test"}, fields...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// post is the text of a request with a body of known length.
func post(path, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: gw.test\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
}

// halfClose ends what the client sends.
func (c *client) halfClose() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// head reads up to the empty line.
func (c *client) head() string {
	c.t.Helper()
	c.hope()
	head := ""
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read head: %v after %q", err, head+line)
		}
		if line == "\r\n" {
			return head
		}
		head += line
	}
}

// response reads one response to a request of that method.
func (c *client) response(method string) (*http.Response, string) {
	c.t.Helper()
	c.hope()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("read body: %v after %q", err, shorten(string(body)))
	}
	return res, string(body)
}

// expect reads one response to a GET and checks it.
func (c *client) expect(status int, body string) {
	c.t.Helper()
	if res, got := c.response("GET"); res.StatusCode != status || got != body {
		c.t.Errorf("got %d %q, want %d %q", res.StatusCode, shorten(got), status, shorten(body))
	}
}

// rest reads until the connection ends.
func (c *client) rest() (string, error) {
	b, err := io.ReadAll(c.r)
	return string(b), err
}

// ended checks that the server closes the connection and sends nothing more.
func (c *client) ended() {
	c.t.Helper()
	c.hope()
	if rest, err := c.rest(); rest != "" || err != nil {
		c.t.Errorf("got %q, %v; want the connection closed", shorten(rest), err)
	}
}

// refused checks that the server closes the connection, with a response of that status, 400 or none.
func (c *client) refused(status int) {
	c.t.Helper()
	c.hope()
	rest, err := c.rest()
	told := strings.HasPrefix(rest, "HTTP/1.1 "+itoa(status)+" ") || strings.HasPrefix(rest, "HTTP/1.1 400 ")
	if rest != "" && !told || err != nil {
		c.t.Errorf("got %q, %v; want the connection closed, with %d or nothing", shorten(rest), err, status)
	}
}

func shorten(s string) string {
	if len(s) > 300 {
		return s[:300] + "... (" + itoa(len(s)) + " bytes)"
	}
	return s
}

// fields makes a header of names and values in turn.
func fields(pairs ...string) (h gateway.Header) {
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
