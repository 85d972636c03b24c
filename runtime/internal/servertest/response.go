package servertest

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/wire"
)

var responseTests = []test{
	{"Response", testResponse},
	{"BodiesAreClosed", testBodiesAreClosed},
	{"NoResponseSplitting", testNoResponseSplitting},
	{"Date", testDate},
	{"AltSvc", testAltSvc},
}

// An answer is what a client sees of a response, but its reason and Date.
type answer struct {
	Status int
	Fields []string // sorted by name, which is in its canonical form; without Connection: close
	Body   string   // after chunks have been taken apart
}

func (c *client) answer(method string) answer {
	c.t.Helper()
	head := c.head()
	// The message again, with its body.
	res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(head+"\r\n"), oneByte{c.r})), &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	w := answer{Status: res.StatusCode}
	for _, line := range strings.Split(strings.TrimSpace(head), "\r\n")[1:] {
		name, value, _ := strings.Cut(line, ":")
		line = gateway.CanonicalName(name) + ":" + value
		if method == "HEAD" && name == "Transfer-Encoding" || w.Status == 304 && name == "Content-Length" {
			continue // it may say what a GET would have had (RFC 9110, section 15.4.5, and RFC 9112, section 6.1)
		}
		if name != "Date" && line != "Connection: close" {
			w.Fields = append(w.Fields, line)
		}
	}
	slices.SortStableFunc(w.Fields, func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return cmp.Compare(a, b)
	})
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

// oneByte reads no byte more than it must.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

var long = strings.Repeat("long", 5000)

var responses = []struct {
	name   string
	method string
	proto  string // HTTP/1.1 if empty
	answer gateway.HandlerFunc
	want   answer // of Body only the beginning if the status is 500
}{
	{name: "nothing set", answer: func(*gateway.Exchange) error { return nil }, want: answer{200, []string{"Content-Length: 0"}, ""}},
	{name: "bytes", answer: text(201, "hello"), want: answer{201, []string{"Content-Length: 5", "Content-Type: text/plain"}, "hello"}},
	{name: "many bytes", answer: text(200, long), want: answer{200, []string{"Content-Length: 20000", "Content-Type: text/plain"}, long}},
	{name: "unusual status", answer: text(799, ""), want: answer{799, []string{"Content-Length: 0", "Content-Type: text/plain"}, ""}},
	{name: "no type is guessed", answer: stream(6, "<html>"), want: answer{200, []string{"Content-Length: 6"}, "<html>"}},
	{name: "stream of known length", answer: stream(20000, long), want: answer{200, []string{"Content-Length: 20000"}, long}},
	{name: "stream longer than announced", answer: stream(3, "four"), want: answer{200, []string{"Content-Length: 3"}, "fou"}},
	{name: "much longer than announced", answer: stream(3, long), want: answer{200, []string{"Content-Length: 3"}, "lon"}},
	{name: "longer than nothing", answer: stream(0, "four"), want: answer{200, []string{"Content-Length: 0"}, ""}},
	{name: "empty stream", answer: stream(0, ""), want: answer{200, []string{"Content-Length: 0"}, ""}},
	{name: "stream of unknown length", answer: stream(-1, long), want: answer{200, []string{"Transfer-Encoding: chunked"}, long}},
	{name: "unknown length, HTTP/1.0", proto: "HTTP/1.0", answer: stream(-1, "old"), want: answer{200, nil, "old"}},
	{name: "HEAD of bytes", method: "HEAD", answer: text(200, "hello"), want: answer{200, []string{"Content-Length: 5", "Content-Type: text/plain"}, ""}},
	{name: "HEAD of a stream", method: "HEAD", answer: stream(1234, "x"), want: answer{200, []string{"Content-Length: 1234"}, ""}},
	{name: "HEAD of unknown length", method: "HEAD", answer: stream(-1, "x"), want: answer{200, nil, ""}},
	{name: "HEAD of an error", method: "HEAD", answer: func(*gateway.Exchange) error { return &gateway.Error{Status: 404, Message: "not here"} }, want: answer{404, []string{"Content-Length: 8"}, ""}},
	{name: "HEAD of 204", method: "HEAD", answer: text(204, "hello"), want: answer{204, []string{"Content-Type: text/plain"}, ""}},
	{name: "HEAD with a trailer", method: "HEAD", answer: func(x *gateway.Exchange) error {
		x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "1") }
		return stream(-1, "hello")(x)
	}, want: answer{200, nil, ""}},
	{name: "HEAD, only the length known", method: "HEAD", answer: func(x *gateway.Exchange) error { x.Response.ContentLength = 77; return nil }, want: answer{200, []string{"Content-Length: 77"}, ""}},
	{name: "204 has no body", answer: text(204, "hello"), want: answer{204, []string{"Content-Type: text/plain"}, ""}},
	{name: "204 of a stream", answer: withStatus(204, stream(-1, "hello")), want: answer{204, nil, ""}},
	{name: "304 has no body", answer: func(x *gateway.Exchange) error {
		x.Response.Header = fields("Etag", `"1"`)
		return withStatus(304, stream(10, "0123456789"))(x)
	}, want: answer{304, []string{`Etag: "1"`}, ""}},
	{name: "repeated fields keep their order", answer: func(x *gateway.Exchange) error {
		x.Response.Header = fields("Set-Cookie", "a", "Vary", "x", "set-cookie", "b", "VARY", "y", "Set-Cookie", "c", "X", "1")
		return nil
	}, want: answer{200, []string{"Content-Length: 0", "Set-Cookie: a", "Set-Cookie: b", "Set-Cookie: c", "Vary: x", "Vary: y", "X: 1"}, ""}},
	{name: "framing is the engine's", answer: func(x *gateway.Exchange) error {
		x.Response.Header = fields("Content-Length", "99", "transfer-encoding", "gzip", "Connection", "close", "Keep-Alive", "timeout=5")
		x.Response.Bytes = []byte("ok")
		return nil
	}, want: answer{200, []string{"Content-Length: 2"}, "ok"}},
	{name: "upgrade required", answer: func(x *gateway.Exchange) error {
		x.Response.Status, x.Response.Header = 426, fields("Upgrade", "TLS/1.3")
		return nil
	}, want: answer{426, []string{"Connection: Upgrade", "Content-Length: 0", "Upgrade: TLS/1.3"}, ""}},
	{name: "announced trailer", answer: func(x *gateway.Exchange) error {
		x.Response.Header = fields("Trailer", "X-Sum", "X-Sum", "not this one")
		x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "9") }
		return stream(-1, "hello")(x)
	}, want: answer{200, []string{"Trailer: X-Sum", "Transfer-Encoding: chunked", "X-Sum: not this one"}, "hello+X-Sum=9"}},
	{name: "trailer that nobody announced", answer: func(x *gateway.Exchange) error {
		x.Response.Trailer = func() gateway.Header { return fields("grpc-status", "0", "Content-Length", "1") }
		return stream(5, "hello")(x)
	}, want: answer{200, []string{"Transfer-Encoding: chunked"}, "hello+Grpc-Status=0"}},
	{name: "trailer after bytes", answer: func(x *gateway.Exchange) error {
		x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "1") }
		return text(200, "hello")(x)
	}, want: answer{200, []string{"Content-Type: text/plain", "Transfer-Encoding: chunked"}, "hello+X-Sum=1"}},
	{name: "no trailers in HTTP/1.0", proto: "HTTP/1.0", answer: func(x *gateway.Exchange) error {
		x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "1") }
		return stream(5, "hello")(x)
	}, want: answer{200, []string{"Content-Length: 5"}, "hello"}},
	{name: "error", answer: func(x *gateway.Exchange) error {
		return &gateway.Error{Status: 404, Message: "not here"}
	}, want: answer{404, []string{"Content-Length: 8"}, "not here"}},
	{name: "foreign error", answer: func(x *gateway.Exchange) error { return errors.New("oops") }, want: answer{500, nil, "oops"}},
	{name: "panic", answer: func(x *gateway.Exchange) error { panic("oops") }, want: answer{500, nil, "E2132.CoreServerRecover "}},
	{name: "a status that is none", answer: withStatus(42, text(0, "x")), want: answer{500, nil, "E2130.CoreServer "}},
	{name: "a status of four digits", answer: withStatus(1000, text(0, "x")), want: answer{500, nil, "E2130.CoreServer "}},
	{name: "an informational status", answer: withStatus(103, text(0, "x")), want: answer{500, nil, "E2130.CoreServer "}},
	{name: "101 without a connection", answer: withStatus(101, text(0, "x")), want: answer{500, nil, "E2130.CoreServer "}},
}

func withStatus(status int, h gateway.HandlerFunc) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		err := h(x)
		x.Response.Status = status
		return err
	}
}

func testResponse(t *testing.T, e Engine) {
	for _, tt := range responses {
		t.Run(tt.name, func(t *testing.T) {
			sent := make(chan int64, 1)
			g := start(t, e, wire.ServerOptions{Errors: &errorHandler{}}, func(x *gateway.Exchange) error {
				x.OnDone(func(x *gateway.Exchange) {
					if x.SendErr != nil {
						t.Errorf("SendErr: %v", x.SendErr)
					}
					sent <- x.Sent
				})
				return tt.answer(x)
			})
			raw := cmp.Or(tt.method, "GET") + " / " + cmp.Or(tt.proto, "HTTP/1.1") + "\r\nHost: a\r\n\r\n"
			c := g.dial(t)
			c.send(raw)
			got := c.answer(tt.method)
			if tt.want.Status == 500 {
				if got.Status != 500 || !strings.HasPrefix(got.Body, tt.want.Body) {
					t.Errorf("%d %q; want %q", got.Status, got.Body, tt.want.Body)
				}
			} else if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			body, _, _ := strings.Cut(got.Body, "+")
			if n := receive(t, sent); n != int64(len(body)) {
				t.Errorf("Sent is %d, want %d", n, len(body))
			}
			if tt.proto == "" { // the connection is still in step
				c.send(raw)
				if diff := gocmp.Diff(got, c.answer(tt.method)); diff != "" {
					t.Errorf("the second response: %s", diff)
				}
				receive(t, sent)
			}
		})
	}
}

// The engine closes a body once, whether it has read it or not.
func testBodiesAreClosed(t *testing.T, e Engine) {
	closed, done := 0, make(chan int, 1)
	g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
		closed = 0
		err := stream(5, "hello")(x)
		switch x.Request.Path {
		case "/unknown":
			x.Response.ContentLength = -1
		case "/304":
			x.Response.Status = 304
		case "/204":
			x.Response.Status = 204
		case "/error":
			err = errors.New("no")
		case "/status":
			x.Response.Status = 1000
		}
		x.Response.Body = closer{x.Response.Body, &closed}
		x.OnDone(func(*gateway.Exchange) { done <- closed })
		return err
	})
	c := g.dial(t)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/", "/unknown", "/304", "/204", "/error", "/status"} {
			c.get(method + " " + path)
			c.response(method)
			if n := receive(t, done); n != 1 {
				t.Errorf("%s %s: closed %d times", method, path, n)
			}
		}
	}
}

// Whatever is in a field, it doesn't become another field, nor another response.
func testNoResponseSplitting(t *testing.T, e Engine) {
	const split = "a\r\nX-Injected: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: 2\r\n\r\n"
	for name, h := range map[string]gateway.Header{
		"value":      fields("X-Evil", split),
		"LF alone":   fields("X-Evil", "a\nX-Injected: 1"),
		"CR alone":   fields("X-Evil", "a\rX-Injected: 1"),
		"at the end": fields("X-Evil", "a\r\n", "X-Good", "1"),
		"name":       fields("X:\r\nX-Injected", "z"),
		"bad name":   fields("bad name", "x", "", "x", "X-Injected:", "x", "X\x00", "y"),
		"NUL":        fields("X-Evil", "a\x00b"),
	} {
		if name == "NUL" && e.SendsNUL {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, e, wire.ServerOptions{}, func(x *gateway.Exchange) error {
				x.Response.Header = append(x.Response.Header, h...) // its memory is the engine's
				if x.Request.Path == "/trailer" {
					x.Response.Header, x.Response.Trailer = nil, func() gateway.Header { return h }
				}
				return stream(-1, "hello")(x)
			})
			c := g.dial(t)
			for range 2 {
				c.get("GET /")
				got := c.answer("GET")
				for _, line := range got.Fields {
					name, value, _ := strings.Cut(line, ": ")
					if gateway.EqualName(name, "X-Injected") || strings.ContainsAny(name, " \r\n\x00") || name == "" || strings.ContainsAny(value, "\r\n\x00") {
						t.Errorf("sent: %q", line)
					}
				}
				if got.Body != "hello" {
					t.Errorf("the body is %q", got.Body)
				}
			}
			c.get("GET /trailer")
			c.head()
			for line := ""; line != "\r\n"; {
				var err error
				if line, err = c.r.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, "X-Injected") || strings.HasPrefix(line, "bad name") || strings.HasPrefix(line, "HTTP/") {
					t.Errorf("sent: %q", line)
				}
				if line == "hello\r\n" {
					line = ""
				}
			}
			c.get("GET /")
			c.answer("GET")
		})
	}
}

func testDate(t *testing.T, e Engine) {
	for _, tt := range []struct {
		name   string
		answer gateway.HandlerFunc
		want   func(string) bool
	}{
		{"added", text(200, ""), func(d string) bool { _, err := http.ParseTime(d); return err == nil }},
		{"of the handler", func(x *gateway.Exchange) error { x.Response.Header = fields("date", "then"); return nil }, func(d string) bool { return d == "then" }},
		{"none", func(x *gateway.Exchange) error { x.Response.NoDate = true; return nil }, func(d string) bool { return d == "" }},
	} {
		g := start(t, e, wire.ServerOptions{}, tt.answer)
		c := g.dial(t)
		c.get("GET /")
		if res, _ := c.response("GET"); !tt.want(res.Header.Get("Date")) {
			t.Errorf("%s: Date is %q", tt.name, res.Header.Get("Date"))
		}
	}
}

func testAltSvc(t *testing.T, e Engine) {
	const own = `h3=":443"; ma=2592000`
	g := start(t, e, wire.ServerOptions{AltSvc: own}, func(x *gateway.Exchange) error {
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
