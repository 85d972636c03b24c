package http3server

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/http3"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestResponse(t *testing.T) {
	t.Parallel()
	handlers := make(chan gateway.HandlerFunc, 1)
	g := start(t, Options{AltSvc: `h3=":443"`}, func(x *gateway.Exchange) error { return (<-handlers)(x) })
	c := g.dial(t)
	long := strings.Repeat("0123456789", 10000)
	alt := gateway.Field{Name: "Alt-Svc", Value: `h3=":443"`}
	tests := []struct {
		name, method string
		handler      gateway.HandlerFunc
		status       int
		header       gateway.Header // sorted, without Alt-Svc
		length       string         // of Content-Length
		body         string
		trailer      gateway.Header
	}{
		{name: "nothing", handler: func(*gateway.Exchange) error { return nil }, status: 200, length: "0"},
		{name: "text", handler: text(404, "no"), status: 404, header: fields("Content-Type", "text/plain"), length: "2", body: "no"},
		{name: "long text", handler: text(200, long), status: 200, header: fields("Content-Type", "text/plain"), length: "100000", body: long},
		{name: "known length", handler: streaming(5, strings.NewReader("hello")), status: 200, length: "5", body: "hello"},
		{name: "longer than told", handler: streaming(5, strings.NewReader("hello, world")), status: 200, length: "5", body: "hello"},
		{name: "unknown length", handler: streaming(-1, strings.NewReader(long)), status: 200, body: long},
		{name: "unknown length, empty", handler: streaming(-1, strings.NewReader("")), status: 200},
		{name: "byte by byte", handler: streaming(-1, iotest.OneByteReader(strings.NewReader("hello"))), status: 200, body: "hello"},
		{name: "HEAD", method: "HEAD", handler: text(200, "hello"), status: 200, header: fields("Content-Type", "text/plain"), length: "5"},
		{name: "HEAD, length unknown", method: "HEAD", handler: streaming(-1, gateway.NoBody), status: 200},
		{name: "204", handler: text(204, "never seen"), status: 204, header: fields("Content-Type", "text/plain")},
		{name: "304", handler: func(x *gateway.Exchange) error {
			x.Response.Status, x.Response.ContentLength = 304, 7
			x.Response.Header = fields("ETag", `"x"`)
			return nil
		}, status: 304, header: fields("Etag", `"x"`), length: "7"},
		{name: "status of one's own", handler: text(799, ""), status: 799, header: fields("Content-Type", "text/plain"), length: "0"},
		{name: "fields", handler: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Set-Cookie", "a=1", "x-foo", "1", "Set-Cookie", "b=2", "X-FOO", " 2 ", "Connection", "close", "Keep-Alive", "x",
				"Transfer-Encoding", "chunked", "Upgrade", "x", "Content-Length", "99", "Proxy-Connection", "x", "Alt-Svc", "clear")
			return nil
		}, status: 200, header: fields("Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Foo", "1", "X-Foo", "2"), length: "0"},
		{name: "fields that can't be", handler: func(x *gateway.Exchange) error {
			x.Response.Header = fields("X-A", "1\r\nX-B: 2", "X C", "3", "X-D", "4\x00", ":status", "500", "", "5", "X-E", "\u3042\xff")
			return nil
		}, status: 200, header: fields("X-A", "1  X-B: 2", "X-D", "4", "X-E", "\u3042\xff"), length: "0"},
		{name: "trailers", handler: func(x *gateway.Exchange) error {
			x.Response.Header = fields("Trailer", "X-Sum")
			x.Response.Trailer = func() gateway.Header {
				return fields("X-Sum", "5", "Grpc-Status", "0", "Content-Length", "7", "Transfer-Encoding", "x", "Host", "x", "X-Bad", "a\nb")
			}
			return streaming(-1, strings.NewReader("hello"))(x)
		}, status: 200, header: fields("Trailer", "X-Sum"), body: "hello", trailer: fields("Grpc-Status", "0", "X-Bad", "a b", "X-Sum", "5")},
		{name: "trailers, known length", handler: func(x *gateway.Exchange) error {
			x.Response.Trailer = func() gateway.Header { return fields("X-Sum", "5") }
			return streaming(5, strings.NewReader("hello"))(x)
		}, status: 200, length: "5", body: "hello", trailer: fields("X-Sum", "5")},
		{name: "trailers alone", handler: func(x *gateway.Exchange) error {
			x.Response.Trailer = func() gateway.Header { return fields("Grpc-Status", "0") }
			return streaming(-1, strings.NewReader(""))(x)
		}, status: 200, trailer: fields("Grpc-Status", "0")},
		{name: "no status", handler: func(x *gateway.Exchange) error { x.Response.Bytes = []byte("x"); return nil }, status: 200, length: "1", body: "x"},
		{name: "switching protocols unasked", handler: func(x *gateway.Exchange) error { x.Response.Status = 101; return nil }, status: 500, length: "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handlers <- tt.handler
			if tt.method == "" {
				tt.method = "GET"
			}
			s := c.request(tt.method, "/")
			s.t = t
			s.end()
			r := s.response()
			if r.status != tt.status || r.body != tt.body {
				t.Errorf("got %d %q", r.status, shorten(r.body))
			}
			want := sorted(append(tt.header, alt))
			if diff := gocmp.Diff(want, sorted(r.header)); diff != "" {
				t.Error(diff)
			}
			if length := r.header.Get("content-length"); length != tt.length {
				t.Errorf("Content-Length is %q, not %q", length, tt.length)
			}
			if date, ok := r.header.Joined("date", ","); !ok || !strings.HasSuffix(date, " GMT") {
				t.Errorf("Date is %q", date)
			}
			if diff := gocmp.Diff(tt.trailer, sorted(r.trailer)); diff != "" {
				t.Errorf("trailers: %s", diff)
			}
		})
	}
}

func TestNoDate(t *testing.T) {
	t.Parallel()
	g := start(t, Options{}, func(x *gateway.Exchange) error { x.Response.NoDate = true; return nil })
	if r := g.dial(t).get("/").response(); r.header.Has("date") {
		t.Errorf("got %v", r.header)
	}
}

func TestInterim(t *testing.T) {
	t.Parallel()
	late := make(chan error, 1)
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if err := x.Interim(99, nil); err == nil {
			t.Error("99 is taken for an informational status")
		}
		_ = x.Interim(103, fields("Link", "</a.css>", "Link", "</b.css>", "Connection", "close"))
		_ = x.Interim(102, nil)
		x.Response.Header = fields("X-Foo", "1")
		x.OnDone(func(x *gateway.Exchange) { late <- x.Interim(103, nil) })
		return nil
	})
	r := g.dial(t).get("/").response()
	want := []gateway.Header{fields(":status", "103", "link", "</a.css>", "link", "</b.css>"), fields(":status", "102")}
	if diff := gocmp.Diff(want, r.interim); diff != "" || r.status != 200 || r.header.Get("x-foo") != "1" || r.header.Has("link") {
		t.Errorf("%+v; %s", r, diff)
	}
	if receive(t, late) == nil {
		t.Error("an informational response can be sent behind the final one")
	}
}

// The client is told to send the body when somebody reads it (RFC 9110, section 10.1.1).
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	read := make(chan bool, 1)
	g := start(t, Options{}, func(x *gateway.Exchange) error {
		if !<-read {
			return text(417, "")(x)
		}
		return echo(x)
	})
	c := g.dial(t)
	for _, length := range []string{"5", ""} {
		fields := []string{"expect", "100-continue"}
		if length != "" {
			fields = append(fields, "content-length", length)
		}
		s := c.request("POST", "/x", fields...)
		read <- true
		if h, err := s.fields(); err != nil || h.Get(":status") != "100" {
			t.Fatalf("got %v, %v", h, err)
		}
		s.send(data("hello"))
		s.end()
		s.expect(200, "/x hello")

		s = c.request("POST", "/x", fields...)
		read <- false
		s.expect(417, "")
	}
}

func TestGeneralOptions(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		g := start(t, Options{GeneralOptions: on, AltSvc: "clear"}, text(204, ""))
		r := g.dial(t).request("OPTIONS", "*")
		r.end()
		want := map[bool]int{true: 200, false: 204}[on]
		if got := r.response(); got.status != want || got.header.Get("alt-svc") != "clear" {
			t.Errorf("%v: %+v", on, got)
		}
	}
}

var errBroken = errors.New("the upstream broke off")

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("in the body") }

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// A body that was cut off must never look like a whole one.
func TestCutBody(t *testing.T) {
	t.Parallel()
	broken := func(text string) io.Reader {
		return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errBroken))
	}
	for _, tt := range []struct {
		name   string
		length int64
		body   io.Reader
		cause  error  // of SendErr
		code   string // of what is logged
	}{
		{"breaks off, length known", 10, broken("12345"), errBroken, "E2127"},
		{"breaks off, length unknown", -1, broken("12345"), errBroken, "E2127"},
		{"breaks off at once", -1, broken(""), errBroken, "E2127"},
		{"breaks off late", -1, broken(strings.Repeat("x", 100_000)), errBroken, "E2127"},
		{"too short", 10, strings.NewReader("12345"), io.ErrUnexpectedEOF, "E2127"},
		{"panics", -1, io.MultiReader(strings.NewReader("12345"), panicking{}), nil, "E2132"},
		{"no progress", -1, io.MultiReader(strings.NewReader("12345"), stuck{}), io.ErrNoProgress, "E2127"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs, sendErr := &errorHandler{}, make(chan error, 1)
			g := start(t, Options{Errors: errs}, func(x *gateway.Exchange) error {
				x.OnDone(func(x *gateway.Exchange) { sendErr <- x.SendErr })
				return streaming(tt.length, tt.body)(x)
			})
			if r, err := g.dial(t).get("/").read(); resetWith(err) != http3.ErrCodeInternalError {
				t.Errorf("the client sees %d %s, %v", r.status, shorten(r.body), err)
			}
			if err := receive(t, sendErr); err == nil || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("SendErr is %v, want %v", err, tt.cause)
			}
			if logged := errs.first(t); logged.Code != tt.code || logged.Status != gateway.LogOnly {
				t.Errorf("logged: %v, status %d", logged, logged.Status)
			}
		})
	}
}

// Exchanges that break off, panic, or are for nobody to answer, leave others on the same connection alone.
func TestAbortsLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	errs := &errorHandler{}
	g := start(t, Options{Errors: errs}, func(x *gateway.Exchange) error {
		switch x.Request.Path {
		case "/cut":
			return streaming(10, strings.NewReader("12345"))(x)
		case "/panic":
			panic(errBroken)
		case "/nobody":
			return &gateway.Error{Status: gateway.LogOnly}
		case "/refused":
			return &gateway.Error{Status: 403, Message: "no"}
		}
		return echo(x)
	})
	c := g.dial(t)
	slow := c.request("POST", "/slow", "content-length", "2")
	for range 3 {
		for path, want := range map[string]int{"/cut": 0, "/nobody": 0, "/panic": 500, "/refused": 403} {
			if r, err := c.get(path).read(); want == 0 && err == nil || want > 0 && (err != nil || r.status != want) {
				t.Errorf("%s: %d, %v", path, r.status, err)
			}
		}
	}
	slow.send(data("ok"))
	slow.end()
	slow.expect(200, "/slow ok")
	errs.mu.Lock()
	defer errs.mu.Unlock()
	for _, err := range errs.errors {
		if e, _ := gateway.AsError(err); e.Kind == "CoreServerRecover" && strings.Contains(string(e.Stack), "TestAbortsLeaveOthersAlone") {
			return
		}
	}
	t.Error("no panic was told with its stack")
}
