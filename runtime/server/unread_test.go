package server_test

import (
	"io"
	"net"
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
					t.Parallel()
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
					_ = c.Conn.(*net.TCPConn).CloseWrite()
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

// An upgrade while the request is still coming would have two readers of one connection.
func TestUpgradeWaitsForTheBody(t *testing.T) {
	for _, tt := range []struct {
		sent string
		want int
	}{{"12345", 500}, {"1234567890", 101}} {
		errs := &errorHandler{}
		closed := make(chan struct{})
		g := start(t, server.Options{Errors: errs}, func(x *gateway.Exchange) error {
			_, err := io.ReadFull(x.Request.Body, make([]byte, len(tt.sent)))
			if err != nil {
				return err
			}
			near, far := net.Pipe()
			go func() {
				_, _ = io.Copy(io.Discard, far)
				close(closed)
			}()
			x.Response.Status, x.Response.Conn = 101, near
			return nil
		})
		c := g.dial(t)
		c.get("POST /", "Connection: Upgrade", "Upgrade: test", "Content-Length: 10", "", tt.sent)
		res, err := http.ReadResponse(c.r, nil)
		if err != nil || res.StatusCode != tt.want {
			t.Errorf("%d bytes sent: %v, %v", len(tt.sent), res, err)
		}
		_ = c.Close()
		<-closed
	}
}

// Who reads on after the end must not set a deadline: it would end the exchange.
func TestReadAfterTheEnd(t *testing.T) {
	const d = 50 * time.Millisecond
	o := server.Options{}
	o.Listen.ReadDeadline = d
	g := start(t, o, func(x *gateway.Exchange) error {
		for range 3 {
			if _, err := io.ReadAll(x.Request.Body); err != nil {
				return err
			}
		}
		select {
		case <-x.Context().Done():
			return x.Context().Err()
		case <-time.After(3 * d):
		}
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	c.get("POST /", "Content-Length: 5", "", "hello")
	if res, _ := c.response("POST"); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
}
