package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// A wire is what a client sees of a response, but the status line and Date.
type wire struct {
	Status int
	Fields []string // sorted
	Body   string   // after chunks have been taken apart
}

func (c *client) wire(method string) wire {
	c.t.Helper()
	head := c.head()
	res, err := http.ReadResponse(bufioString(head+"\r\n"), &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	w := wire{Status: res.StatusCode}
	for _, line := range strings.Split(strings.TrimSpace(head), "\r\n")[1:] {
		if !strings.HasPrefix(line, "Date: ") {
			w.Fields = append(w.Fields, line)
		}
	}
	// The message again, with its body.
	res, err = http.ReadResponse(bufioMulti(head+"\r\n", c.r), &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Errorf("body: %v", err)
	}
	w.Body = string(b)
	for name, values := range res.Trailer {
		for _, v := range values {
			w.Body += "+" + name + "=" + v
		}
	}
	return w
}

func TestResponse(t *testing.T) {
	long := strings.Repeat("long", 5000)
	tests := []struct {
		name   string
		method string
		proto  string // HTTP/1.1 if empty
		answer gateway.HandlerFunc
		want   wire
	}{
		{name: "nothing set", answer: func(*gateway.Exchange) error { return nil }, want: wire{200, []string{"Content-Length: 0"}, ""}},
		{name: "bytes", answer: text(201, "hello"), want: wire{201, []string{"Content-Length: 5", "Content-Type: text/plain"}, "hello"}},
		{name: "many bytes", answer: text(200, long), want: wire{200, []string{"Content-Length: 20000", "Content-Type: text/plain"}, long}},
		{name: "no type is guessed", answer: stream(6, "<html>"), want: wire{200, []string{"Content-Length: 6"}, "<html>"}},
		{name: "stream of known length", answer: stream(20000, long), want: wire{200, []string{"Content-Length: 20000"}, long}},
		{name: "stream longer than announced", answer: stream(3, "four"), want: wire{200, []string{"Content-Length: 3"}, "fou"}},
		{name: "empty stream", answer: stream(0, ""), want: wire{200, []string{"Content-Length: 0"}, ""}},
		{name: "stream of unknown length", answer: stream(-1, long), want: wire{200, []string{"Transfer-Encoding: chunked"}, long}},
		{name: "unknown length, HTTP/1.0", proto: "HTTP/1.0", answer: stream(-1, "old"), want: wire{200, nil, "old"}},
		{name: "HEAD of bytes", method: "HEAD", answer: text(200, "hello"), want: wire{200, []string{"Content-Length: 5", "Content-Type: text/plain"}, ""}},
		{name: "HEAD of a stream", method: "HEAD", answer: stream(1234, "x"), want: wire{200, []string{"Content-Length: 1234"}, ""}},
		{name: "HEAD of unknown length", method: "HEAD", answer: stream(-1, "x"), want: wire{200, nil, ""}},
		{name: "HEAD, only the length known", method: "HEAD", answer: func(x *gateway.Exchange) error { x.Response.ContentLength = 77; return nil }, want: wire{200, []string{"Content-Length: 77"}, ""}},
		{name: "204 has no body", answer: text(204, "hello"), want: wire{204, []string{"Content-Type: text/plain"}, ""}},
		{name: "304 has no body", answer: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Etag", `"1"`)
			return streaming304(x)
		}, want: wire{304, []string{`Etag: "1"`}, ""}},
		{name: "repeated fields keep their order", answer: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Set-Cookie", "a", "Vary", "x", "set-cookie", "b", "VARY", "y", "Set-Cookie", "c", "X", "1")
			return nil
		}, want: wire{200, []string{"Set-Cookie: a", "Set-Cookie: b", "Set-Cookie: c", "Vary: x", "Vary: y", "X: 1", "Content-Length: 0"}, ""}},
		{name: "framing is the engine's", answer: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Content-Length", "99", "transfer-encoding", "gzip", "Connection", "close", "Keep-Alive", "timeout=5")
			x.Response.Bytes = []byte("ok")
			return nil
		}, want: wire{200, []string{"Content-Length: 2"}, "ok"}},
		{name: "no response splitting", answer: func(x *gateway.Exchange) error {
			x.Response.Header = fields("X-Evil", "a\r\nX-Injected: 1", "bad name", "x", "X:\r\nY", "z")
			return nil
		}, want: wire{200, []string{"X-Evil: a  X-Injected: 1", "Content-Length: 0"}, ""}},
		{name: "upgrade required", answer: func(x *gateway.Exchange) error {
			x.Response.Status, x.Response.Header = 426, fields("Upgrade", "TLS/1.3")
			return nil
		}, want: wire{426, []string{"Connection: Upgrade", "Upgrade: TLS/1.3", "Content-Length: 0"}, ""}},
		{name: "announced trailer", answer: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Trailer", "X-Sum", "X-Sum", "not this one")
			x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "9") }
			return stream(-1, "hello")(x)
		}, want: wire{200, []string{"Trailer: X-Sum", "X-Sum: not this one", "Transfer-Encoding: chunked"}, "hello+X-Sum=9"}},
		{name: "trailer that nobody announced", answer: func(x *gateway.Exchange) error {
			x.Response.Trailer = func() gateway.Header { return fields("grpc-status", "0", "Content-Length", "1") }
			return stream(5, "hello")(x)
		}, want: wire{200, []string{"Transfer-Encoding: chunked"}, "hello+Grpc-Status=0"}},
		{name: "trailer after bytes", answer: func(x *gateway.Exchange) error {
			x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "1") }
			return text(200, "hello")(x)
		}, want: wire{200, []string{"Content-Type: text/plain", "Transfer-Encoding: chunked"}, "hello+X-Sum=1"}},
		{name: "no trailers in HTTP/1.0", proto: "HTTP/1.0", answer: func(x *gateway.Exchange) error {
			x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "1") }
			return stream(5, "hello")(x)
		}, want: wire{200, []string{"Content-Length: 5"}, "hello"}},
		{name: "error", answer: func(x *gateway.Exchange) error {
			return &gateway.Error{Status: 404, Message: "not here"}
		}, want: wire{404, []string{"Content-Length: 8"}, "not here"}},
		{name: "foreign error", answer: func(x *gateway.Exchange) error { return errors.New("oops") }, want: wire{500, []string{"Content-Length: 4"}, "oops"}},
		{name: "panic", answer: func(x *gateway.Exchange) error { panic("oops") }, want: wire{500, []string{"Content-Length: 53"}, "E2132.CoreServerRecover recovered from a panic [oops]"}},
		{name: "a status that is none", answer: func(x *gateway.Exchange) error { x.Response.Status = 42; return nil },
			want: wire{500, []string{"Content-Length: 54"}, "E2130.CoreServer a handler has answered with status 42"}},
		{name: "101 without a connection", answer: func(x *gateway.Exchange) error { x.Response.Status = 101; return nil },
			want: wire{500, []string{"Content-Length: 55"}, "E2130.CoreServer a handler has answered with status 101"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent := make(chan int64, 1)
			g := start(t, server.Options{Errors: &errorHandler{}}, func(x *gateway.Exchange) error {
				x.OnDone(func(x *gateway.Exchange) {
					if x.SendErr != nil {
						t.Errorf("SendErr: %v", x.SendErr)
					}
					sent <- x.Sent
				})
				return tt.answer(x)
			})
			method, proto := "GET", "HTTP/1.1"
			if tt.method != "" {
				method = tt.method
			}
			if tt.proto != "" {
				proto = tt.proto
			}
			c := g.dial(t)
			c.send(method + " / " + proto + "\r\nHost: a\r\n\r\n")
			got := c.wire(method)
			if diff := gocmp.Diff(tt.want, got, sorted); diff != "" {
				t.Error(diff)
			}
			body, _, _ := strings.Cut(got.Body, "+")
			if n := <-sent; n != int64(len(body)) {
				t.Errorf("Sent is %d, want %d", n, len(body))
			}
			if proto == "HTTP/1.1" { // the connection is still in step
				c.send(method + " / " + proto + "\r\nHost: a\r\n\r\n")
				if diff := gocmp.Diff(got, c.wire(method), sorted); diff != "" {
					t.Errorf("the second response: %s", diff)
				}
				<-sent
			}
		})
	}
}

// stream answers with a body of that length, or -1.
func stream(length int64, body string) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error { return streaming(length, strings.NewReader(body))(x) }
}

func streaming304(x *gateway.Exchange) error {
	err := stream(10, "0123456789")(x)
	x.Response.Status = 304
	return err
}

func TestDate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer gateway.HandlerFunc
		want   func(string) bool
	}{
		{"added", text(200, ""), func(d string) bool { _, err := http.ParseTime(d); return err == nil }},
		{"of the handler", func(x *gateway.Exchange) error { x.Response.Header = fields("date", "then"); return nil }, func(d string) bool { return d == "then" }},
		{"none", func(x *gateway.Exchange) error { x.Response.NoDate = true; return nil }, func(d string) bool { return d == "" }},
	} {
		g := start(t, server.Options{}, tt.answer)
		c := g.dial(t)
		c.get("GET /")
		if res, _ := c.response("GET"); !tt.want(res.Header.Get("Date")) {
			t.Errorf("%s: Date is %q", tt.name, res.Header.Get("Date"))
		}
	}
}

func TestAltSvc(t *testing.T) {
	const own = `h3=":443"; ma=2592000`
	g := start(t, server.Options{AltSvc: own}, func(x *gateway.Exchange) error {
		if x.Request.Path == "/error" {
			return errors.New("no")
		}
		x.Response.Header = fields("Alt-Svc", "of the upstream")
		return nil
	})
	c := g.dial(t)
	for _, path := range []string{"/", "/error"} {
		c.get("GET " + path)
		res, _ := c.response("GET")
		if diff := gocmp.Diff([]string{own}, res.Header.Values("Alt-Svc")); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestEarlyHints(t *testing.T) {
	link := fields("Link", "</a.css>; rel=preload", "Link", "</b.css>", "Content-Length", "3")
	late := make(chan error, 2)
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
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
		if err := <-late; err == nil {
			t.Error("an informational response that is none was sent, or too late")
		}
	}
	c = g.dial(t)
	c.send("GET / HTTP/1.0\r\n\r\n")
	if got := c.head(); !strings.HasPrefix(got, "HTTP/1.0 200") {
		t.Errorf("HTTP/1.0: got %q", got)
	}
	<-late
	<-late
}

func TestFileIsSent(t *testing.T) {
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
	c := start(t, server.Options{}, open(int64(len(content)))).dial(t)
	c.get("GET /")
	if _, body := c.response("GET"); body != string(content) {
		t.Errorf("%d bytes", len(body))
	}
	c = start(t, server.Options{}, open(int64(len(content))+1)).dial(t)
	c.get("GET /")
	if head := c.head(); !strings.Contains(head, "Content-Length: 1000001\r\n") {
		t.Errorf("head %q", head)
	}
	if rest, _ := c.rest(); len(rest) != len(content) {
		t.Errorf("%d bytes of a file that is too short", len(rest))
	}
}

// What is streamed goes out as it comes, the head first.
func TestStreamIsFlushed(t *testing.T) {
	for name, length := range map[string]int64{"unknown length": -1, "event stream": 10} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			g := start(t, server.Options{}, func(x *gateway.Exchange) error {
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

// A client that sends and receives at the same time, as gRPC over HTTP/1.1 would.
func TestFullDuplex(t *testing.T) {
	g := start(t, server.Options{}, func(x *gateway.Exchange) error {
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
	if _, body := c.response("GET"); body != "next" {
		t.Errorf("the next response is %q", body)
	}
}

// The race detector watches this one: what net/http sends must not be touched any more, even if
// it has returned because the client has given up.
func TestEarlyHintsToAClientThatGoes(t *testing.T) {
	g := start(t, server.Options{HTTP2: &server.HTTP2{H2C: true}}, func(x *gateway.Exchange) error {
		for i := range 50 {
			h := gateway.Header{}
			for range 50 {
				h.Add("X-"+strconv.Itoa(len(h))+"-"+strconv.Itoa(i), "v")
			}
			_ = x.Interim(103, h)
		}
		return text(200, "hello")(x)
	})
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: p}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			left := i
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
				if left--; left < 0 {
					cancel()
				}
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+g.Addr().String(), nil)
			if resp, err := client.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	all.Wait()
}
