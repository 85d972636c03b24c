package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

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
			<-first
			t.Cleanup(func() { <-done })
		}
		return h(x)
	}
}

// What a client sends of a body after the response is no request.
func TestRestOfBodyIsNoRequest(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"
	answers := map[string]gateway.HandlerFunc{
		"bytes":  text(200, "early"),
		"known":  func(x *gateway.Exchange) error { return streaming(5, strings.NewReader("early"))(x) },
		"chunks": func(x *gateway.Exchange) error { return streaming(-1, strings.NewReader("early"))(x) },
	}
	requests := map[string][]string{
		"chunked": {"Transfer-Encoding: chunked", "", "100\r\nhello"},
		"length":  {"Content-Length: 256", "", "hello"},
	}
	for name, answer := range answers {
		for framing, fields := range requests {
			for _, read := range []bool{false, true} {
				t.Run(name+" "+framing, func(t *testing.T) {
					seen := make(chan string, 10)
					h := gateway.HandlerFunc(func(x *gateway.Exchange) error {
						seen <- x.Request.Path
						return answer(x)
					})
					if read {
						h = uploading(t, h)
					}
					g := start(t, server.Options{}, h)
					c := g.dial(t)
					c.send("POST /first HTTP/1.1\r\nHost: gw.test\r\n" + strings.Join(fields, "\r\n"))
					res, body := c.response("POST")
					if res.StatusCode != 200 || body != "early" {
						t.Errorf("%d %q", res.StatusCode, body)
					}
					_, _ = io.WriteString(c, smuggled)
					_, _ = io.Copy(io.Discard, c.r)
					if got := <-seen; got != "/first" {
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
func TestAbortDoesNotWaitForTheBody(t *testing.T) {
	g := start(t, server.Options{}, uploading(t, func(x *gateway.Exchange) error {
		return streaming(-1, broken("12345"))(x)
	}))
	c := g.dial(t)
	c.get("POST /", "Content-Length: 100", "", "hello")
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	res, err := http.ReadResponse(c.r, nil)
	if err == nil {
		_, err = io.ReadAll(res.Body)
	}
	if err == nil || gateway.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}
