package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/journal"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

var errRefused = errors.New("refused")

// A line is what a test looks at in a log line.
type line struct {
	Msg      string
	Request  *message
	Response *message
	Error    *struct{ Code, Msg string }
	Time     string
	Level    string
}

type message struct {
	Body   string
	ID     string
	Status int
	Size   int64
	Path   string
}

// A trial is one exchange with a journal around its handler.
type trial struct {
	o       journal.Options
	x       *gateway.Exchange
	out     bytes.Buffer
	handler gateway.Handler
}

func newTrial(request, response journal.Bodies) *trial {
	t := &trial{x: newExchange("POST", nil, 0)}
	t.o.Request, t.o.Response = request, response
	return t
}

func newExchange(method string, body io.Reader, length int64) *gateway.Exchange {
	x := &gateway.Exchange{Errors: errorPage{}}
	x.Request = gateway.Request{Method: method, Target: "/a", Path: "/a", Proto: "HTTP/1.1", ContentLength: length}
	if body != nil {
		x.Request.Body = io.NopCloser(body)
	}
	return x
}

// errorPage answers errors with their status.
type errorPage struct{}

func (errorPage) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status, x.Response.Bytes = gateway.StatusOf(err), []byte("refused")
	x.Response.Header.Set("Content-Type", "text/plain")
}

// middleware is the journal.
func (t *trial) middleware(tb testing.TB) gateway.Middleware {
	tb.Helper()
	t.o.Lines.Logger = log.New(log.Options{Output: &t.out, NoLocation: true, NoDatetime: true})
	m, err := journal.New(t.o)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// run serves the exchange and sends its response, as an engine does.
func (t *trial) run(tb testing.TB) (sent string, err error) {
	tb.Helper()
	err = t.middleware(tb)(t.handler).Serve(t.x)
	if b := t.x.Response.Body; b != nil {
		p, readErr := io.ReadAll(b)
		sent = string(p)
		if err == nil {
			err = readErr
		}
		_ = b.Close()
	} else {
		sent = string(t.x.Response.Bytes)
	}
	t.x.Finish()
	return sent, err
}

// lines are what has been logged.
func (t *trial) lines(tb testing.TB) (lines []line) {
	tb.Helper()
	for text := range strings.Lines(t.out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// logged are the bodies of the two lines, and what else there is.
func (t *trial) logged(tb testing.TB) (request, response string) {
	tb.Helper()
	l := t.lines(tb)
	if len(l) != 2 || l[0].Request == nil || l[1].Response == nil {
		tb.Fatalf("got %s", t.out.String())
	}
	return l[0].Request.Body, l[1].Response.Body
}

// echo reads the body of the request and answers with it, of that length.
func echo(contentType string, length int64) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error {
		p, err := io.ReadAll(x.Request.Body)
		x.Response = gateway.Response{
			Status: 200, Header: gateway.Header{{Name: "Content-Type", Value: contentType}},
			Body: io.NopCloser(bytes.NewReader(p)), ContentLength: length,
		}
		return err
	}
}

var text = journal.Bodies{MIMEs: []string{"text/plain", "application/json"}, MaxBytes: 8}

func withDir(b journal.Bodies, dir string) journal.Bodies { b.Dir = dir; return b }

// Which bodies are logged: of requests, and of responses that have the same body, type and length.
func TestWhatIsLogged(t *testing.T) {
	none := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: -1}
	encoded := text
	encoded.Base64 = true
	tests := []struct {
		name        string
		bodies      journal.Bodies
		contentType string
		body        string
		length      int64
		want        string
	}{
		{"known length", text, "text/plain", "hello", 5, "hello"},
		{"just the limit", text, "text/plain", "12345678", 8, "12345678"},
		{"beyond the limit", text, "text/plain", "123456789", 9, ""},
		{"unknown length", text, "text/plain", "hello", -1, "hello"},
		{"unknown length, just the limit", text, "text/plain", "12345678", -1, "12345678"},
		{"unknown length, beyond the limit", text, "text/plain", "123456789", -1, ""},
		{"unknown length, empty", text, "text/plain", "", -1, ""},
		{"another type", text, "text/html", "hello", 5, ""},
		{"no type", text, "", "hello", 5, ""},
		{"type in capitals", text, "TEXT/Plain", "hello", 5, "hello"},
		{"type with parameters", text, " text/plain ; charset=utf-8", "hello", 5, "hello"},
		{"a longer type", text, "text/plainer", "hello", 5, ""},
		{"no types", journal.Bodies{}, "text/plain", "hello", 5, ""},
		{"no limit given", journal.Bodies{MIMEs: text.MIMEs}, "text/plain", "x", 1, ""},
		{"never", none, "text/plain", "hello", 5, ""},
		{"never, unknown length", none, "text/plain", "hello", -1, ""},
		{"base64", encoded, "text/plain", "a\x00\xff", 3, "YQD/"},
		{"base64, unknown length", encoded, "text/plain", "hello", -1, "aGVsbG8="},
		{"no text", text, "text/plain", "a\xff\n", 3, "a\ufffd\n"},
	}
	for _, tt := range tests {
		for how, wrap := range map[string]func(io.Reader) io.Reader{"whole": nil, "halves": iotest.HalfReader, "data with error": iotest.DataErrReader} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				tr := newTrial(tt.bodies, tt.bodies)
				body := io.Reader(strings.NewReader(tt.body))
				if wrap != nil {
					body = wrap(body)
				}
				tr.x = newExchange("POST", body, tt.length)
				tr.x.Request.Header.Add("Content-Type", tt.contentType)
				tr.handler = echo(tt.contentType, tt.length)
				sent, err := tr.run(t)
				if err != nil || sent != tt.body {
					t.Errorf("sent %q, %v", sent, err)
				}
				request, response := tr.logged(t)
				if request != tt.want || response != tt.want {
					t.Errorf("logged %q and %q, not %q", request, response, tt.want)
				}
			})
		}
	}
}

// What has no body, whatever its header says, and what isn't a body.
func TestNoBodies(t *testing.T) {
	header := gateway.Header{{Name: "Content-Type", Value: "text/plain"}}
	body := func() io.ReadCloser { return io.NopCloser(strings.NewReader("x")) }
	tests := []struct {
		name, method string
		response     gateway.Response
		want         string
	}{
		{"GET", "GET", gateway.Response{Status: 200, Header: header, Bytes: []byte("x")}, "x"},
		{"HEAD", "HEAD", gateway.Response{Status: 200, Header: header, Bytes: []byte("x")}, ""},
		{"no content", "GET", gateway.Response{Status: 204, Header: header, Body: body(), ContentLength: 1}, ""},
		{"not modified", "GET", gateway.Response{Status: 304, Header: header, Body: body(), ContentLength: 1}, ""},
		{"empty", "GET", gateway.Response{Status: 200, Header: header}, ""},
		{"empty body", "GET", gateway.Response{Status: 200, Header: header, Body: gateway.NoBody}, ""},
		{"upgrade", "GET", gateway.Response{Status: 101, Header: header, Conn: conn{}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(text, text)
			tr.x.Request.Method = tt.method
			tr.x.Request.Header.Add("Content-Type", "text/plain")
			before := tt.response.Body
			tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error { x.Response = tt.response; return nil })
			_, err := tr.run(t)
			if err != nil || tr.x.Response.Body != before {
				t.Errorf("%v, body %v", err, tr.x.Response.Body)
			}
			if request, response := tr.logged(t); request != "" || response != tt.want {
				t.Errorf("logged %q and %q, not %q", request, response, tt.want)
			}
		})
	}
}

type conn struct{ io.ReadWriteCloser }

func (conn) Close() error { return nil }

func TestEdits(t *testing.T) {
	quoted := []replace.Func{replace.Fixed(`"***"`)}
	tests := []struct {
		name        string
		edits       []journal.Edit
		contentType string
		body, want  string
	}{
		{"in order", []journal.Edit{{MIME: "text/plain", Replacers: []replace.Func{replace.Left("*", 2), replace.RightBytes("#", 1)}}}, "text/plain", "hello", "**ll#"},
		{"of the type, in capitals", []journal.Edit{{MIME: "Text/PLAIN", Replacers: []replace.Func{replace.Fixed("-")}}}, "text/plain", "hello", "-"},
		{"of another type", []journal.Edit{{MIME: "text/html", Replacers: []replace.Func{replace.Fixed("-")}}}, "text/plain", "hello", "hello"},
		{"two for one type", []journal.Edit{{MIME: "text/plain", Replacers: []replace.Func{replace.Left("*", 1)}}, {MIME: "text/html"}, {MIME: "text/plain", Replacers: []replace.Func{replace.Left("#", 2)}}}, "text/plain", "hello", "##llo"},
		{"fields", []journal.Edit{{MIME: "application/json", JSONFields: []string{"a", "b.#.c"}, Replacers: quoted}}, "application/json", `{"a":1,"b":[{"c":2},{"d":3}]}`, `{"a":"***","b":[{"c":"***"},{"d":3}]}`},
		{"fields, each replacer after the other", []journal.Edit{{MIME: "application/json", JSONFields: []string{"a"}, Replacers: []replace.Func{replace.Left("*", 1), replace.Right("#", 1)}}}, "application/json", `{"a":"b"}`, `{"a":*b#}`},
		{"fields that are not there", []journal.Edit{{MIME: "application/json", JSONFields: []string{"x"}, Replacers: quoted}}, "application/json", `{"a":1}`, `{"a":1}`},
		{"fields, then all", []journal.Edit{{MIME: "application/json", JSONFields: []string{"a"}, Replacers: quoted}, {MIME: "application/json", Replacers: []replace.Func{replace.TrimPrefix("{")}}}, "application/json", `{"a":1}`, `"a":"***"}`},
		{"fields of what is no JSON", []journal.Edit{{MIME: "application/json", JSONFields: []string{"a"}, Replacers: quoted}}, "application/json", `{"a":"secret"`, ""},
	}
	for _, tt := range tests {
		for _, length := range []int64{int64(len(tt.body)), -1} {
			t.Run(fmt.Sprint(tt.name, " ", length), func(t *testing.T) {
				b := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: 4096, Edits: tt.edits}
				tr := newTrial(b, b)
				tr.x = newExchange("POST", strings.NewReader(tt.body), length)
				tr.x.Request.Header.Add("Content-Type", tt.contentType)
				tr.handler = echo(tt.contentType, length)
				if sent, err := tr.run(t); err != nil || sent != tt.body {
					t.Errorf("sent %q, %v", sent, err)
				}
				if request, response := tr.logged(t); request != tt.want || response != tt.want {
					t.Errorf("logged %q and %q, not %q", request, response, tt.want)
				}
			})
		}
	}
}

// Bodies that are in memory anyway are logged without anything in their place.
func TestAtHand(t *testing.T) {
	for _, length := range []int64{5, -1} {
		tr := newTrial(text, text)
		request, response := &buffered{text: "hello", all: true}, &buffered{text: "world", all: true}
		tr.x.Request.Body, tr.x.Request.ContentLength = request, length
		tr.x.Request.Header.Add("Content-Type", "text/plain")
		tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
			if got, _ := tr.lines(t)[0].Request, 0; got.Body != "hello" {
				t.Errorf("the line of the request has %q", got.Body)
			}
			if x.Request.Body != io.ReadCloser(request) {
				t.Error("the request has another body")
			}
			x.Response = gateway.Response{Header: tr.x.Request.Header, Body: response, ContentLength: length}
			return nil
		})
		if err := tr.middleware(t)(tr.handler).Serve(tr.x); err != nil {
			t.Fatal(err)
		}
		if tr.x.Response.Body != io.ReadCloser(response) {
			t.Error("the response has another body")
		}
		if request, response := tr.logged(t); request != "hello" || response != "world" {
			t.Errorf("logged %q and %q", request, response)
		}
	}
}

// buffered is a body of which something has come.
type buffered struct {
	text string
	all  bool
}

func (b *buffered) Buffered() ([]byte, bool) { return []byte(b.text), b.all }
func (b *buffered) Close() error             { return nil }
func (b *buffered) Read(p []byte) (int, error) {
	n := copy(p, b.text)
	b.text = b.text[n:]
	if b.text == "" && b.all {
		return n, io.EOF
	}
	return n, nil
}

// The body of a request that is taken in is at hand for whoever sends it on.
func TestTakenInIsAtHand(t *testing.T) {
	tr := newTrial(text, journal.Bodies{})
	tr.x = newExchange("POST", iotest.OneByteReader(strings.NewReader("hello")), 5)
	tr.x.Request.Header.Add("Content-Type", "text/plain")
	tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
		if p, all := gateway.Buffered(x.Request.Body); string(p) != "hello" || !all {
			t.Errorf("at hand are %q, %t", p, all)
		}
		var two [2]byte
		n, err := x.Request.Body.Read(two[:])
		if p, all := gateway.Buffered(x.Request.Body); n != 2 || err != nil || string(p) != "llo" || !all {
			t.Errorf("after %d, %v, %q are at hand, %t", n, err, p, all)
		}
		return nil
	})
	if _, err := tr.run(t); err != nil {
		t.Error(err)
	}
}

func Example() {
	m, err := journal.New(journal.Options{
		Lines: accesslog.Options{
			Logger:   log.New(log.Options{Output: os.Stdout}),
			Request:  accesslog.Side{Format: "> %method% %body%"},
			Response: accesslog.Side{Format: "< %status% %body%"},
		},
		Request:  journal.Bodies{MIMEs: journal.TextTypes(), MaxBytes: 4096, Edits: []journal.Edit{{MIME: "application/json", JSONFields: []string{"password"}, Replacers: []replace.Func{replace.Fixed(`"***"`)}}}},
		Response: journal.Bodies{MIMEs: journal.TextTypes(), MaxBytes: 4096},
	})
	if err != nil {
		panic(err)
	}
	h := m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Header.Set("Content-Type", "text/plain")
		x.Response.Bytes = []byte("welcome")
		return nil
	}))
	const body = `{"user":"alice","password":"p4ss"}`
	_ = h.Serve(&gateway.Exchange{Request: gateway.Request{
		Method: "POST", Target: "/login", Header: gateway.Header{{Name: "Content-Type", Value: "application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}})
	// Output:
	// > POST {"user":"alice","password":"***"}
	// < 200 welcome
}
