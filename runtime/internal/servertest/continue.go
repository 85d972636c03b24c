package servertest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var continueTests = []test{
	{"ExpectContinue", testExpectContinue},
	{"ContinueOnce", testContinueOnce},
	{"ContinueIsNotNeeded", testContinueIsNotNeeded},
	{"ContinueFromAnotherGoroutine", testContinueFromAnotherGoroutine},
	{"EarlyHints", testEarlyHints},
	{"InterimFields", testInterimFields},
}

func testExpectContinue(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/refused" {
			return text(403, "no")(x)
		}
		if x.Request.Path == "/hints" { // in this order, whoever reads the body
			if err := x.Interim(103, gateway.Header{{Name: "Link", Value: "</a.css>"}}); err != nil {
				t.Error(err)
			}
		}
		b, _ := io.ReadAll(x.Request.Body)
		return text(200, string(b))(x)
	})
	for _, tt := range []struct {
		path    string
		interim []string
		status  int
	}{
		{"/read", []string{"HTTP/1.1 100 Continue\r\n"}, 200},
		{"/hints", []string{"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n", "HTTP/1.1 100 Continue\r\n"}, 200},
		{"/refused", nil, 403},
	} {
		for framing, body := range map[string]string{"Content-Length: 5": "hello", "Transfer-Encoding: chunked": "5\r\nhello\r\n0\r\n\r\n"} {
			t.Run(tt.path+" "+framing, func(t *testing.T) {
				t.Parallel()
				c := g.dial(t)
				c.get("POST "+tt.path, "Expect: 100-Continue", framing)
				for _, want := range tt.interim {
					if got := c.head(); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
				if tt.status == 200 {
					c.send(body)
				}
				res, got := c.response("POST")
				if res.StatusCode != tt.status || tt.status == 200 && got != "hello" {
					t.Errorf("%d %q", res.StatusCode, got)
				}
				if res.Close != (tt.status == 403) { // what the client does with the body isn't known
					t.Errorf("Connection: close %v", res.Close)
				}
			})
		}
	}
}

// The client is told once, however the handler reads.
func testContinueOnce(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/itself" && !e.RepeatsContinue {
			if err := x.Interim(100, nil); err != nil {
				t.Error(err)
			}
		}
		var b [1]byte
		n := 0
		for {
			k, err := x.Request.Body.Read(b[:])
			if n += k; err != nil {
				return text(200, itoa(n))(x)
			}
		}
	})
	c := g.dial(t)
	for _, path := range []string{"/", "/itself", "/"} {
		c.get("POST "+path, "Expect: 100-continue", "Content-Length: 5")
		if got := c.head(); got != "HTTP/1.1 100 Continue\r\n" {
			t.Errorf("got %q", got)
		}
		for range 5 {
			c.send("x")
		}
		c.expect(200, "5")
	}
}

func testContinueIsNotNeeded(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	c := g.dial(t)
	c.get("GET /none", "Expect: 100-continue")
	c.expect(200, "/none")
	c.send("POST /empty HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
	c.expect(200, "/empty")
	// A client that doesn't wait may get a 100 or not (RFC 9110, section 10.1.1), and stays in step.
	c.send("POST /sent HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + request("GET /next"))
	res, body := c.response("POST")
	if res.StatusCode == 100 {
		res, body = c.response("POST")
	}
	if res.StatusCode != 200 || body != "/sent abc" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	c.expect(200, "/next")
}

// A transport reads the request's body, and passes on informational responses, on
// goroutines of its own. The one may outlive the exchange, the others don't.
func testContinueFromAnotherGoroutine(t *testing.T, e Engine) {
	var readers sync.WaitGroup
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		body, interim := x.Request.Body, x.Interim
		read := make(chan string, 1)
		readers.Go(func() {
			b, _ := io.ReadAll(body)
			read <- string(b)
		})
		var hints sync.WaitGroup
		hints.Go(func() { _ = interim(103, fields("Link", "</a>")) })
		defer hints.Wait()
		if x.Request.Path == "/early" {
			return text(403, "no")(x) // the body is still coming
		}
		return text(200, receive(t, read))(x)
	})
	defer readers.Wait()
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
					if res.StatusCode == 100 && sent {
						t.Errorf("%s: a second 100", path)
					} else if res.StatusCode == 100 {
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

func testEarlyHints(t *testing.T, e Engine) {
	link := fields("Link", "</a.css>; rel=preload", "Link", "</b.css>", "Content-Length", "3")
	late := make(chan error, 2)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if err := x.Interim(103, link); err != nil {
			t.Error(err)
		}
		interim := x.Interim
		x.OnDone(func(*gateway.Exchange) { late <- interim(103, link) })
		late <- interim(200, nil)
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	c.get("GET /")
	if got := c.head(); got != "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>\r\n" {
		t.Errorf("got %q", got)
	}
	res, body := c.response("GET")
	if body != "hello" || res.Header.Get("Link") != "" {
		t.Errorf("body %q, Link %q", body, res.Header.Get("Link"))
	}
	for range 2 {
		if err := receive(t, late); err == nil {
			t.Error("an informational response that is none was sent, or too late")
		}
	}
	c = g.dial(t)
	c.send("GET / HTTP/1.0\r\n\r\n") // HTTP/1.0 doesn't know them
	if got := c.head(); !strings.HasPrefix(got, "HTTP/1.") || !strings.Contains(got, " 200 ") {
		t.Errorf("HTTP/1.0: got %q", got)
	}
	receive(t, late)
	receive(t, late)
}

// Informational responses have no body, and nothing in them may look like one.
func testInterimFields(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		for _, h := range []gateway.Header{
			fields("Transfer-Encoding", "chunked", "Connection", "close", "Upgrade", "x", "Trailer", "y", "A", "1"),
			fields("A", "1\r\nX-Injected: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "X-Injected:", "1", "\r\nX-Injected", "1"),
			nil,
		} {
			if err := x.Interim(199, h); err != nil {
				t.Error(err)
			}
		}
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	c.get("GET /")
	for i := range 3 {
		head := c.head()
		if !strings.HasPrefix(head, "HTTP/1.1 199 ") || strings.Contains(head, "\nX-Injected") {
			t.Errorf("got %q", head)
		}
		if lines := strings.Count(head, "\r\n"); i == 0 && (lines != 2 || !strings.Contains(head, "\r\nA: 1\r\n")) {
			t.Errorf("got %q", head)
		}
	}
	c.expect(200, "hello")
}
