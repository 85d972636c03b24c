package servertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var unreadTests = []test{
	{"UnreadBody", testUnreadBody},
	{"RestComesAfterTheResponse", testRestComesAfterTheResponse},
	{"LargeRest", testLargeRest},
	{"RestOfBodyIsNoRequest", testRestOfBodyIsNoRequest},
	{"AbortDoesNotWaitForTheBody", testAbortDoesNotWaitForTheBody},
	{"SlowReaderOutlivesTheExchange", testSlowReader},
}

// A refused upload must not keep the client from getting the answer, nor the next request from being understood.
func testUnreadBody(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, refusing)
	for name, raw := range map[string]string{
		"length": post("/", strings.Repeat("a", 100_000)), "chunks": chunked("/", strings.Repeat("a", 100_000), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := g.dial(t)
			for range 2 {
				c.send(raw)
				if res, _ := c.response("POST"); res.StatusCode != 413 {
					t.Errorf("status %d", res.StatusCode)
				}
				c.get("GET /")
				c.expect(200, "next")
			}
		})
	}
}

// refusing takes no uploads.
func refusing(x *gateway.Exchange) error {
	if x.Request.Method == "POST" {
		return text(413, "too much")(x)
	}
	return text(200, "next")(x)
}

// The answer doesn't wait for the rest of a body. If that is small, and comes in time, the
// connection goes on.
func testRestComesAfterTheResponse(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, refusing)
	for name, raw := range map[string]string{
		"length": post("/", strings.Repeat("a", 1000)), "chunks": chunked("/", strings.Repeat("a", 1000), 100),
	} {
		for _, first := range []int{0, 1, 500} { // bytes of the body that come before the response
			t.Run(name+" "+itoa(first), func(t *testing.T) {
				t.Parallel()
				c := g.dial(t)
				n := strings.Index(raw, "\r\n\r\n") + 4 + first
				c.send(raw[:n])
				res, body := c.response("POST")
				if res.StatusCode != 413 || body != "too much" || res.Close {
					t.Errorf("%d %q, close %v", res.StatusCode, body, res.Close)
				}
				c.send(raw[n:] + request("GET /"))
				c.expect(200, "next")
			})
		}
	}
}

// If too much is left of a body, the connection ends, but not in a way that takes the response
// from the client (RFC 9112, section 9.6).
func testLargeRest(t *testing.T, e Engine) {
	answer := strings.Repeat("answer", 100_000)
	for name, framing := range map[string]string{"length": "Content-Length: 1000000000", "chunks": "Transfer-Encoding: chunked"} {
		for _, patient := range []bool{false, true} {
			t.Run(name+map[bool]string{false: "", true: " read late"}[patient], func(t *testing.T) {
				t.Parallel()
				g := start(t, e, wire.ServerOptions{}, text(403, answer))
				c := g.dial(t)
				c.get("POST /", framing)
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					more := "10000\r\n" + strings.Repeat("a", 1<<16) + "\r\n"
					for range 1000 {
						if _, err := io.WriteString(c, more); err != nil {
							return
						}
					}
				}()
				if patient { // the client writes as long as it can
					select {
					case <-sent:
					case <-time.After(100 * time.Millisecond):
					}
				}
				res, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(res.Body); res.StatusCode != 403 || string(b) != answer {
					t.Errorf("%d, %d bytes, %v", res.StatusCode, len(b), err)
				}
				if rest, _ := c.rest(); rest != "" {
					t.Errorf("and then %q", shorten(rest))
				}
				receive(t, sent)
			})
		}
	}
}

// uploading reads the request's body in another goroutine, as a transport does, while h answers.
func uploading(t *testing.T, h gateway.HandlerFunc) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		if b := x.Request.Body; b != nil {
			first, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				_, _ = b.Read(make([]byte, 1))
				close(first)
				_, _ = io.Copy(io.Discard, b)
			}()
			receive(t, first)
			t.Cleanup(func() { receive(t, done) })
		}
		return h(x)
	}
}

// What a client sends of a body after the response is no request.
func testRestOfBodyIsNoRequest(t *testing.T, e Engine) {
	smuggled := request("GET /smuggled")
	answers := map[string]gateway.HandlerFunc{"bytes": text(200, "early"), "known": stream(5, "early"), "chunks": stream(-1, "early")}
	requests := map[string]string{
		"chunked": "Transfer-Encoding: chunked\r\n\r\n100\r\nhello\r\n",
		"length":  "Content-Length: 256\r\n\r\nhello\r\n",
	}
	for name, answer := range answers {
		for framing, rest := range requests {
			for _, read := range []bool{false, true} {
				t.Run(name+" "+framing, func(t *testing.T) {
					t.Parallel()
					seen := make(chan string, 10)
					h := gateway.HandlerFunc(func(x *gateway.Exchange) error {
						seen <- x.Request.Path
						return answer(x)
					})
					if read {
						h = uploading(t, h)
					}
					g := start(t, e, wire.ServerOptions{}, h)
					c := g.dial(t)
					c.send("POST /first HTTP/1.1\r\nHost: gw.test\r\n" + rest)
					res, body := c.response("POST")
					if res.StatusCode != 200 || body != "early" {
						t.Errorf("%d %q", res.StatusCode, body)
					}
					_, _ = io.WriteString(c, smuggled)
					_ = c.Conn.(*net.TCPConn).CloseWrite()
					_, _ = io.Copy(io.Discard, c.r)
					if got := receive(t, seen); got != "/first" {
						t.Errorf("first %q", got)
					}
					select {
					case got := <-seen:
						t.Errorf("%q was taken for a request", got)
					default:
					}
				})
			}
		}
	}
}

// A connection whose aborted exchange leaves a body unread is closed at once.
func testAbortDoesNotWaitForTheBody(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, uploading(t, func(x *gateway.Exchange) error {
		return streaming(-1, broken("12345"))(x)
	}))
	c := g.dial(t)
	c.get("POST /", "Content-Length: 100")
	c.send("hello")
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	res, err := http.ReadResponse(c.r, nil)
	if err == nil {
		_, err = io.ReadAll(res.Body)
	}
	if err == nil || gateway.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}

// A goroutine that still reads when the exchange is over gets an error, and none of the next request.
func testSlowReader(t *testing.T, e Engine) {
	readers := make(chan io.ReadCloser, 1)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/first" {
			readers <- x.Request.Body
			return text(200, "first")(x)
		}
		return echo(x)
	})
	c := g.dial(t)
	c.send(post("/first", "body of the first"))
	c.expect(200, "first")
	c.send(post("/second", "body of the second"))
	c.expect(200, "/second body of the second")
	body, over := <-readers, make(chan string)
	go func() {
		b, _ := io.ReadAll(body)
		over <- string(b)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case got := <-over:
		if strings.Contains("body of the first", got) {
			return
		}
		t.Errorf("it has read %q", got)
	case <-ctx.Done():
		t.Error("it reads for ever")
	}
}
