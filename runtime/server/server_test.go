package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what would otherwise hang.
const patience = 10 * time.Second

// A gatewayUnderTest is a running server.
type gatewayUnderTest struct {
	*server.Server
	stop func() // ends the context of Run
	done chan error
}

// start runs a server with o until the test ends.
func start(t *testing.T, o server.Options, h gateway.HandlerFunc) *gatewayUnderTest {
	t.Helper()
	if o.Listen.Addr == "" {
		o.Listen.Addr = "127.0.0.1:0"
	}
	g := &gatewayUnderTest{Server: server.New(o, h), done: make(chan error, 1)}
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.stop = sync.OnceFunc(cancel)
	go func() { g.done <- g.Run(ctx) }()
	t.Cleanup(func() {
		g.stop()
		select {
		case err := <-g.done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
			g.done <- nil
		case <-time.After(patience):
			t.Error("the server doesn't stop")
		}
	})
	return g
}

// A client is a raw connection to a server.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (g *gatewayUnderTest) dial(t *testing.T) *client {
	t.Helper()
	c, err := net.Dial(g.Addr().Network(), g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{c, t, bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// get sends a request without a body.
func (c *client) get(line string, fields ...string) {
	c.t.Helper()
	c.send(line + " HTTP/1.1\r\nHost: gw.test\r\n" + strings.Join(append(fields, "\r\n"), "\r\n"))
}

// head reads up to the empty line.
func (c *client) head() string {
	c.t.Helper()
	head := ""
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read head: %v after %q", err, head)
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
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("read body: %v after %q", err, body)
	}
	return res, string(body)
}

// rest reads until the connection ends.
func (c *client) rest() (string, error) {
	b, err := io.ReadAll(c.r)
	return string(b), err
}

// text answers with a text.
func text(status int, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = status
		x.Response.Header.Add("Content-Type", "text/plain")
		x.Response.Bytes = []byte(body)
		return nil
	}
}

// streaming answers with a body of that length, or -1.
func streaming(length int64, body io.Reader) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		x.Response.Status = 200
		x.Response.Body = io.NopCloser(body)
		x.Response.ContentLength = length
		return nil
	}
}

// errorHandler answers with the text of the error, and keeps the errors.
type errorHandler struct {
	mu     sync.Mutex
	errors []error
}

func (h *errorHandler) HandleError(x *gateway.Exchange, err error) {
	h.mu.Lock()
	h.errors = append(h.errors, err)
	h.mu.Unlock()
	if status := gateway.StatusOf(err); status > 0 {
		x.Response.Status, x.Response.Bytes = status, []byte(err.Error())
	}
}

// last waits for the n-th error and returns it.
func (h *errorHandler) wait(t *testing.T, n int) error {
	t.Helper()
	var err error
	eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.errors) < n {
			return false
		}
		err = h.errors[n-1]
		return true
	})
	return err
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKeepAlive(t *testing.T) {
	g := start(t, server.Options{}, func(x *gateway.Exchange) error { return text(200, x.Request.Path)(x) })
	c := g.dial(t)
	for _, path := range []string{"/first", "/second", "/third"} {
		c.get("GET " + path)
		if res, body := c.response("GET"); res.StatusCode != 200 || body != path || res.ContentLength != int64(len(path)) {
			t.Errorf("%s: %d, %q, length %d", path, res.StatusCode, body, res.ContentLength)
		}
	}
	c.get("GET /a")
	c.get("GET /b") // pipelined
	for _, want := range []string{"/a", "/b"} {
		if _, body := c.response("GET"); body != want {
			t.Errorf("pipelined: %q, want %q", body, want)
		}
	}
}

func TestDisableKeepAlive(t *testing.T) {
	g := start(t, server.Options{DisableKeepAlive: true}, text(200, "hello"))
	c := g.dial(t)
	c.get("GET /")
	res, body := c.response("GET")
	if body != "hello" || !res.Close {
		t.Errorf("body %q, Connection: close %v", body, res.Close)
	}
	if rest, err := c.rest(); rest != "" || err != nil {
		t.Errorf("the connection isn't closed: %q, %v", rest, err)
	}
}

func TestListenErrorNamesTheAddress(t *testing.T) {
	o := server.Options{}
	o.Listen.Addr = "127.0.0.1:99999"
	s := server.New(o, text(200, ""))
	if s.Addr() != nil {
		t.Error("an address before Listen")
	}
	for _, err := range []error{s.Listen(), s.Run(context.Background())} {
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:99999") {
			t.Errorf("got %v", err)
		}
	}
}

func TestOptionsAsterisk(t *testing.T) {
	for _, general := range []bool{true, false} {
		g := start(t, server.Options{GeneralOptions: general, AltSvc: `h3=":443"`}, func(x *gateway.Exchange) error {
			return text(200, "handler: "+x.Request.Target)(x)
		})
		c := g.dial(t)
		c.get("OPTIONS *")
		res, body := c.response("OPTIONS")
		want := "handler: *"
		if general {
			want = ""
		}
		if res.StatusCode != 200 || body != want || res.Header.Get("Alt-Svc") == "" {
			t.Errorf("general %v: %d, %q, %v", general, res.StatusCode, body, res.Header)
		}
	}
}

func TestMaxHeaderBytes(t *testing.T) {
	const limit = 1024
	errs := &errorHandler{}
	g := start(t, server.Options{MaxHeaderBytes: limit, Errors: errs}, text(200, "hello"))
	fixed := len("GET / HTTP/1.1\r\nHost: gw.test\r\nX-Big: \r\n\r\n")
	for size, status := range map[int]int{limit: 200, limit + 1: 431, 4 * limit: 431, 64 * limit: 431} {
		c := g.dial(t)
		c.get("GET /", "X-Big: "+strings.Repeat("a", size-fixed))
		if res, _ := c.response("GET"); res.StatusCode != status {
			t.Errorf("a head of %d bytes: %d, want %d", size, res.StatusCode, status)
		}
	}
}

// A transport reads the request's body, and passes on informational responses, on
// goroutines of its own; the one may outlive the exchange.
func TestOtherGoroutines(t *testing.T) {
	upstream := start(t, server.Options{}, func(x *gateway.Exchange) error {
		_ = x.Interim(103, fields("Link", "</a>"))
		if x.Request.Path == "/early" {
			return text(403, "no")(x) // the body is still coming
		}
		b, err := io.ReadAll(x.Request.Body)
		if err != nil {
			return err
		}
		return text(200, string(b))(x)
	})
	tr := &http.Transport{ExpectContinueTimeout: time.Millisecond}
	defer tr.CloseIdleConnections()
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
		interim := x.Interim
		ctx := httptrace.WithClientTrace(x.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { return interim(code, fields("Link", "</a>")) },
		})
		r, err := http.NewRequestWithContext(ctx, "POST", "http://"+upstream.Addr().String()+x.Request.Path, x.Request.Body)
		if err != nil {
			return err
		}
		r.ContentLength = x.Request.ContentLength
		res, err := tr.RoundTrip(r)
		if err != nil {
			return &gateway.Error{Status: 502, Cause: err}
		}
		x.Response.Status, x.Response.Body, x.Response.ContentLength = res.StatusCode, res.Body, res.ContentLength
		return nil
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 20 {
				c := g.dial(t)
				path, want := "/echo", 200
				if i%2 == 0 {
					path, want = "/early", 403
				}
				c.get("POST "+path, "Expect: 100-continue", "Content-Length: 10")
				var res *http.Response
				sent := false
				for res == nil || res.StatusCode < 200 {
					var err error
					if res, err = http.ReadResponse(c.r, nil); err != nil {
						t.Errorf("%s: %v", path, err)
						return
					}
					if res.StatusCode == 100 && !sent {
						sent = true
						c.send("0123456789")
					}
				}
				if res.StatusCode != want {
					t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
				}
				_ = c.Close()
			}
		})
	}
	all.Wait()
}

func TestNilErrorHandlerAnswersWithTheStatus(t *testing.T) {
	g := start(t, server.Options{}, func(*gateway.Exchange) error {
		return &gateway.Error{Status: 404, Message: "secret", Cause: errors.New("secret")}
	})
	c := g.dial(t)
	c.get("GET /")
	if res, body := c.response("GET"); res.StatusCode != 404 || body != "" {
		t.Errorf("%d, %q", res.StatusCode, body)
	}
}
