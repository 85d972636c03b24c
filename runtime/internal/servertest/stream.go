package servertest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/testpki"
	"github.com/aileron-gateway/aileronc/runtime/tlsconf"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var streamTests = []test{
	{"FileIsSent", testFileIsSent},
	{"PartOfAFileIsSent", testPartOfAFileIsSent},
	{"StreamIsFlushed", testStreamIsFlushed},
	{"EmptyStream", testEmptyStream},
	{"FullDuplex", testFullDuplex},
	{"OnDone", testOnDone},
	{"ExchangesAreIndependent", testExchangesAreIndependent},
}

func testFileIsSent(t *testing.T, e Engine) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(length int64) gateway.HandlerFunc {
		return func(x *gateway.Exchange) error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			x.Response.Body, x.Response.ContentLength = f, length
			return nil
		}
	}
	for _, length := range []int64{int64(len(content)), 1000, -1} { // of the file, less of it, unknown
		c := start(t, e, wire.ServerOptions{}, open(length)).dial(t)
		for range 2 {
			c.get("GET /")
			if _, body := c.response("GET"); length > 0 && body != string(content[:length]) || length < 0 && body != string(content) {
				t.Errorf("%d: %d bytes", length, len(body))
			}
		}
	}
	c := start(t, e, wire.ServerOptions{}, open(int64(len(content))+1)).dial(t)
	c.get("GET /")
	if head := c.head(); !strings.Contains(head, "Content-Length: 1000001\r\n") {
		t.Errorf("head %q", head)
	}
	if rest, _ := c.rest(); len(rest) > len(content) {
		t.Errorf("%d bytes of a file that is too short", len(rest))
	}
}

func testPartOfAFileIsSent(t *testing.T, e Engine) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	const offset, length = 12_345, 700_000
	ca := testpki.New(t)
	for _, o := range []wire.ServerOptions{{}, secure(t, ca, tlsconf.Options{})} {
		var files []*os.File
		g := start(t, e, o, func(x *gateway.Exchange) error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			if _, err := f.Seek(offset, io.SeekStart); err != nil {
				return err
			}
			files = append(files, f)
			x.Response.Body, x.Response.ContentLength = &gateway.FileBody{File: f, Left: length}, length
			return nil
		})
		c := g.dial(t)
		if o.Listen.TLS != nil {
			var err error
			if c, err = g.dialTLS(t, ca, &tls.Config{}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			c.get("GET /")
			if _, body := c.response("GET"); body != string(content[offset:offset+length]) {
				t.Errorf("%d bytes", len(body))
			}
		}
		g.stop()
		g.wait(t)
		for _, f := range files {
			if f.Close() == nil {
				t.Error("the file was left open")
			}
		}
	}
}

// What is streamed goes out as it comes, the head first.
func testStreamIsFlushed(t *testing.T, e Engine) {
	for name, length := range map[string]int64{"unknown length": -1, "event stream": 10} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
				if length > 0 {
					x.Response.Header = fields("Content-Type", "text/event-stream; charset=utf-8")
				}
				return streaming(length, r)(x)
			})
			c := g.dial(t)
			c.get("GET /")
			res, err := http.ReadResponse(c.r, nil) // the head comes before any byte of the body
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 16)
			for _, event := range []string{"first", "again"} {
				if _, err := io.WriteString(w, event); err != nil {
					t.Fatal(err)
				}
				if n, err := io.ReadFull(res.Body, b[:5]); string(b[:n]) != event {
					t.Fatalf("got %q, %v", b[:n], err)
				}
			}
			_ = w.Close()
			if n, err := res.Body.Read(b); n != 0 || err != io.EOF {
				t.Errorf("the end: %d, %v", n, err)
			}
		})
	}
}

// A body of unknown length that turns out to be empty may be framed either way.
func testEmptyStream(t *testing.T, e Engine) {
	c := start(t, e, wire.ServerOptions{}, stream(-1, "")).dial(t)
	for range 2 {
		c.get("GET /")
		if res, body := c.response("GET"); body != "" || res.Close {
			t.Errorf("%q, close %v", body, res.Close)
		}
	}
}

// A client that sends and receives at the same time, as gRPC over HTTP/1.1 would.
func testFullDuplex(t *testing.T, e Engine) {
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		if x.Request.Body == nil {
			return text(200, "next")(x)
		}
		return streaming(-1, x.Request.Body)(x)
	})
	c := g.dial(t)
	c.get("POST /", "Transfer-Encoding: chunked")
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	for _, part := range []string{"ping", "pong"} {
		c.send("4\r\n" + part + "\r\n")
		if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != part {
			t.Fatalf("got %q, %v", b, err)
		}
	}
	c.send("0\r\n\r\n")
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("the end: %q, %v", rest, err)
	}
	c.get("GET /") // and the connection can be used again
	c.expect(200, "next")
}

// OnDone functions run in the reverse order, after the last byte is out.
func testOnDone(t *testing.T, e Engine) {
	for name, h := range map[string]gateway.HandlerFunc{"bytes": text(200, "hello"), "known length": stream(5, "hello")} {
		order, received := make(chan string, 2), make(chan struct{})
		g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
			x.OnDone(func(*gateway.Exchange) { order <- "first" })
			x.OnDone(func(*gateway.Exchange) {
				receive(t, received)
				order <- "second"
			})
			return h(x)
		})
		c := g.dial(t)
		c.get("GET /")
		c.response("GET") // or this would wait in vain
		close(received)
		if a, b := receive(t, order), receive(t, order); a != "second" || b != "first" {
			t.Errorf("%s: %q, %q", name, a, b)
		}
	}
}

func testExchangesAreIndependent(t *testing.T, e Engine) {
	var slot gateway.Slot[string]
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		q := &x.Request
		_, ok := slot.Get(x)
		if ok || len(q.Params) > 0 || len(x.Upstream) > 0 || len(x.Response.Header) > 0 || x.Response.Status != 0 || x.Sent != 0 || x.SendErr != nil ||
			q.Body != nil && q.Method == "GET" || q.Header.Has("X-Old") != (q.Method == "POST") || len(x.Attached()) > 0 || x.Context().Err() != nil {
			t.Errorf("left over from the exchange before: %+v", x)
		}
		slot.Put(x, "x")
		q.Params = append(q.Params, gateway.Field{Name: "a", Value: "b"})
		x.Upstream.Add("X-Up", "1")
		x.Attach(gateway.String("a", "b"))
		return text(200, "hello")(x)
	})
	c := g.dial(t)
	for range 3 {
		c.get("POST /", "X-Old: 1", "Content-Length: 1")
		c.send("x")
		c.response("POST")
		c.get("GET /")
		c.response("GET")
	}
}
