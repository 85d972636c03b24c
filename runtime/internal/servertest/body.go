package servertest

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var bodyTests = []test{
	{"LargeBodies", testLargeBodies},
	{"BodyIsReadAsItComes", testBodyIsReadAsItComes},
	{"ClientCutsItsBody", testClientCutsItsBody},
	{"ReadAfterTheEnd", testReadAfterTheEnd},
	{"ReplacedBodyIsClosed", testReplacedBodyIsClosed},
}

// chunked is the text of a request whose body comes in chunks of n bytes.
func chunked(path, body string, n int) string {
	var b strings.Builder
	b.WriteString("POST " + path + " HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		k := min(n, len(body))
		b.WriteString(hex(k) + "\r\n" + body[:k] + "\r\n")
		body = body[k:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

func testLargeBodies(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, echo)
	body := strings.Repeat("0123456789abcde\n", 1<<16) // 1 MiB
	for name, raw := range map[string]string{
		"length":         post("/", body),
		"large chunks":   chunked("/", body, 100_000),
		"smaller chunks": chunked("/", body, 4095),
		"tiny chunks":    chunked("/", body[:1<<16], 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := g.dial(t)
			for range 2 { // the connection stays in step
				go func() { _, _ = io.WriteString(c, raw) }()
				if _, got := c.response("POST"); got != "/ "+body && got != "/ "+body[:1<<16] {
					t.Fatalf("%d bytes came back", len(got))
				}
			}
		})
	}
}

// A handler gets what has come of a body before the rest has.
func testBodyIsReadAsItComes(t *testing.T, e Engine) {
	read := make(chan string)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		b := make([]byte, 64)
		for {
			n, err := x.Request.Body.Read(b)
			if n > 0 {
				read <- string(b[:n])
			}
			if err == io.EOF {
				return text(200, "all")(x)
			}
			if err != nil {
				return err
			}
		}
	})
	parts := map[string][]string{
		"Content-Length: 9":          {"one", "two", "end"},
		"Transfer-Encoding: chunked": {"3\r\none\r\n", "3\r\ntwo\r\n", "3\r\nend\r\n"},
	}
	for framing, parts := range parts {
		c := g.dial(t)
		c.get("POST /", framing)
		for i, want := range []string{"one", "two", "end"} {
			c.send(parts[i])
			if got := receive(t, read); got != want {
				t.Errorf("%s: read %q, want %q", framing, got, want)
			}
		}
		if strings.HasPrefix(framing, "T") {
			c.send("0\r\n\r\n")
		}
		c.expect(200, "all")
	}
}

// A body that was cut off must not look like a whole one.
func testClientCutsItsBody(t *testing.T, e Engine) {
	for name, raw := range map[string]string{
		"length":             "Content-Length: 10\r\n\r\n12345",
		"no byte of it":      "Content-Length: 10\r\n\r\n",
		"in a chunk":         "Transfer-Encoding: chunked\r\n\r\na\r\n12345",
		"between chunks":     "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
		"in the size":        "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5",
		"without the end":    "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
		"within the trailer": "Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\n12345\r\n0\r\nA: b",
	} {
		for _, end := range []string{"half", "close", "reset"} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				read, ctxErr := make(chan error, 1), make(chan error, 1)
				arrived := make(chan struct{})
				g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
					close(arrived)
					_, err := io.ReadAll(x.Request.Body)
					read <- err
					if end == "half" { // it may still wait for the answer
						return text(400, "cut")(x)
					}
					waitForEnd(x)
					ctxErr <- x.Context().Err()
					return err
				})
				c := g.dial(t)
				c.send("POST / HTTP/1.1\r\nHost: a\r\n" + raw)
				receive(t, arrived)
				switch end {
				case "half":
					c.halfClose()
				case "reset":
					_ = c.Conn.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				case "close":
					_ = c.Close()
				}
				if err := receive(t, read); err == nil {
					t.Error("the handler has seen a clean end")
				}
				if end == "half" {
					c.expect(400, "cut")
					c.ended()
				} else if err := receive(t, ctxErr); !errors.Is(err, context.Canceled) {
					t.Errorf("the context ended with %v", err)
				}
			})
		}
	}
}

// Who reads on after the end must not set a deadline: it would end the exchange.
func testReadAfterTheEnd(t *testing.T, e Engine) {
	const d = time.Second // in which the client sends its request, however busy the machine is
	o := wire.ServerOptions{}
	o.Listen.ReadDeadline = d
	g := start(t, e, o, func(x *gateway.Exchange) error {
		for range 3 {
			if _, err := io.ReadAll(x.Request.Body); err != nil {
				return err
			}
		}
		select {
		case <-x.Context().Done():
			return x.Context().Err()
		case <-time.After(d + d/4):
		}
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	c.send(post("/", "hello"))
	c.expect(200, "hello")
}

func testReplacedBodyIsClosed(t *testing.T, e Engine) {
	closed, done := 0, make(chan struct{})
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		x.OnDone(func(*gateway.Exchange) { close(done) })
		x.Request.Body = closer{x.Request.Body, &closed}
		return nil
	})
	c := g.dial(t)
	c.send(post("/", "x"))
	c.response("POST")
	receive(t, done)
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
}
