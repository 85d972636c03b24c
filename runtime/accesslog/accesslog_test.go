package accesslog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// request is a new exchange with a POST in it.
func request() *gateway.Exchange {
	x := &gateway.Exchange{Request: gateway.Request{
		Method: "POST", Scheme: "http", Host: "api.example.com", Target: "/a%20b?k=v", Path: "/a b", RawPath: "/a%20b", RawQuery: "k=v",
		Proto: "HTTP/1.1", RemoteAddr: "192.0.2.7:41234", Body: io.NopCloser(strings.NewReader("hello")), ContentLength: 5,
		Header: fields("x-foo", "1", "Authorization", "Bearer abc", "X-Foo", "2", "Accept", "*/*"),
	}}
	x.Errors = errorPage{}
	return x
}

// fields makes a header of names and values.
func fields(nameValue ...string) (h gateway.Header) {
	for i := 0; i < len(nameValue); i += 2 {
		h.Add(nameValue[i], nameValue[i+1])
	}
	return h
}

// errorPage answers errors with their status.
type errorPage struct{}

func (errorPage) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status, x.Response.Bytes = gateway.StatusOf(err), []byte("refused")
}

func answer(r gateway.Response) gateway.HandlerFunc {
	return func(x *gateway.Exchange) error { x.Response = r; return nil }
}

func fail(err error) gateway.HandlerFunc {
	return func(*gateway.Exchange) error { return err }
}

var volatile = regexp.MustCompile(`"(time|duration|id)":("[^"]*"|\d+)`)

// lines returns what is logged for x, without times, durations and ids.
func lines(o accesslog.Options, x *gateway.Exchange, next gateway.Handler) (out string, err error) {
	var b bytes.Buffer
	o.Logger = log.New(log.Options{Output: &b, NoDatetime: true, NoLocation: true, FieldReplacers: []log.FieldReplacer{{Field: "level"}}})
	err = accesslog.New(o)(next).Serve(x)
	return volatile.ReplaceAllString(b.String(), `"$1":0`), err
}

func TestServer(t *testing.T) {
	const requestLine = `{"time":0,"msg":"server","request":{"header":{},"host":"api.example.com","id":0,"method":"POST","path":"/a b",` +
		`"proto":"HTTP/1.1","query":"k=v","remote":"192.0.2.7:41234","size":5,"time":0}}` + "\n"
	responseLine := func(status, size int) string {
		return fmt.Sprintf(`{"time":0,"msg":"server","response":{"duration":0,"header":{},"id":0,"size":%d,"status":%d,"time":0}}`+"\n", size, status)
	}
	body := io.NopCloser(strings.NewReader("xx"))
	gone := &gateway.Error{Status: gateway.LogOnly, Message: "the client has gone away"}
	tests := []struct {
		name   string
		method string
		next   gateway.Handler
		want   string
		err    error
	}{
		{"bytes", "", answer(gateway.Response{Status: 201, Bytes: []byte("ok")}), responseLine(201, 2), nil},
		{"implicit 200", "", answer(gateway.Response{}), responseLine(200, 0), nil},
		{"body of known length", "", answer(gateway.Response{Status: 200, Body: body, ContentLength: 2}), responseLine(200, 2), nil},
		{"body of unknown length", "", answer(gateway.Response{Status: 200, Body: body, ContentLength: -1}), responseLine(200, -1), nil},
		{"HEAD", "HEAD", answer(gateway.Response{Status: 200, ContentLength: 9}), responseLine(200, 9), nil},
		{"HEAD of bytes", "HEAD", answer(gateway.Response{Status: 200, Bytes: []byte("ok")}), responseLine(200, 2), nil},
		{"not modified", "", answer(gateway.Response{Status: 304, ContentLength: -1}), responseLine(304, -1), nil},
		{"no content", "", answer(gateway.Response{Status: 204}), responseLine(204, -1), nil},
		{"switching protocols", "", answer(gateway.Response{Status: 101}), responseLine(101, -1), nil},
		{"refused", "", fail(&gateway.Error{Status: 403}), responseLine(403, 7), nil},
		{"failed", "", fail(errors.New("broken")), responseLine(500, 7), nil},
		{"aborted", "", fail(gone), responseLine(0, 0), gone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, want := request(), requestLine+tt.want
			if tt.method != "" {
				x.Request.Method = tt.method
				want = strings.Replace(want, "POST", tt.method, 1)
			}
			got, err := lines(accesslog.Options{}, x, tt.next)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err != tt.err {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}

// Whoever recovers from the panic has to see it, and the log a 500.
func TestPanic(t *testing.T) {
	var b bytes.Buffer
	l := accesslog.New(accesslog.Options{Logger: log.New(log.Options{Output: &b})})
	h := l(gateway.HandlerFunc(func(*gateway.Exchange) error { panic("no") }))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = h.Serve(request())
	}()
	if got := b.String(); !strings.Contains(got, `"response":`) || !strings.Contains(got, `"status":500`) {
		t.Errorf("got %s", got)
	}
}

func TestClient(t *testing.T) {
	const requestLine = `{"time":0,"msg":"client","request":{"header":{},"host":"10.0.0.7:8080","id":0,"method":"GET","path":"/up",` +
		`"proto":"HTTP/1.1","query":"","remote":"192.0.2.7:41234","size":0,"time":0}}` + "\n"
	broken := &gateway.Error{Status: 502, Message: "connection refused"}
	tests := []struct {
		name string
		next gateway.Handler
		want string
		err  error
	}{
		{"answered", answer(gateway.Response{Status: 403, Body: gateway.NoBody, ContentLength: -1}), `"size":-1,"status":403`, nil},
		{"not answered", fail(broken), `"size":0,"status":0`, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var leg gateway.Exchange
			request().Leg(&leg)
			leg.Errors = errorPage{}
			leg.Request.Method, leg.Request.Host, leg.Request.Path = "GET", "10.0.0.7:8080", "/up"
			got, err := lines(accesslog.Options{}, &leg, tt.next)
			want := requestLine + `{"time":0,"msg":"client","response":{"duration":0,"header":{},"id":0,` + tt.want + `,"time":0}}` + "\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if err != tt.err {
				t.Errorf("error %v, want %v", err, tt.err)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	mask := accesslog.Header{Name: "authorization", Replacers: []replace.Func{replace.TrimPrefix("Bearer "), replace.Left("*", 2)}}
	tests := []struct {
		name              string
		headers           []accesslog.Header
		request, response string
	}{
		{"none", nil, `{}`, `{}`},
		{"named", []accesslog.Header{{Name: "X-FOO"}, {Name: "accept"}, {Name: "X-None"}}, `{"Accept":"*/*","X-Foo":"1,2"}`, `{}`},
		{"all", []accesslog.Header{{Name: "*", Replacers: []replace.Func{replace.Fixed("no")}}},
			`{"Accept":"*/*","Authorization":"Bearer abc","Content-Length":"5","X-Foo":"1,2"}`,
			`{"A":"1,3,4","B":"2","Content-Length":"2"}`},
		{"all, some edited", []accesslog.Header{{Name: "*"}, mask, {Name: "B", Replacers: []replace.Func{replace.Fixed("-")}}, {Name: "Nope"}},
			`{"Accept":"*/*","Authorization":"**c","Content-Length":"5","X-Foo":"1,2"}`,
			`{"A":"1,3,4","B":"-","Content-Length":"2"}`},
		{"named twice", []accesslog.Header{mask, {Name: "Authorization", Replacers: []replace.Func{replace.Right("#", 1)}}}, `{"Authorization":"**#"}`, `{}`},
		{"the length", []accesslog.Header{{Name: "content-length", Replacers: []replace.Func{replace.Left("0", 3)}}}, `{"Content-Length":"0"}`, `{"Content-Length":"0"}`},
	}
	next := answer(gateway.Response{
		Header: fields("a", "1", "B", "2", "A", "3", "Content-Length", "99", "A", "4"),
		Bytes:  []byte("ok"),
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			side := accesslog.Side{Headers: tt.headers}
			got, _ := lines(accesslog.Options{Request: side, Response: side}, request(), next)
			var logged []string
			for _, m := range regexp.MustCompile(`"header":(\{[^}]*\})`).FindAllStringSubmatch(got, -1) {
				logged = append(logged, m[1])
			}
			if diff := cmp.Diff([]string{tt.request, tt.response}, logged); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	o := accesslog.Options{Request: accesslog.Side{Queries: []replace.Func{replace.TrimPrefix("k="), replace.Left("*", 1)}}}
	x := request()
	x.Request.RawQuery = "k=vw"
	got, _ := lines(o, x, answer(gateway.Response{}))
	if !strings.Contains(got, `"query":"*w"`) || x.Request.RawQuery != "k=vw" {
		t.Errorf("query is %q; got %s", x.Request.RawQuery, got)
	}
}

// One id for all Logs on the way, another one for the next request.
func TestID(t *testing.T) {
	var b bytes.Buffer
	o := accesslog.Options{Logger: log.New(log.Options{Output: &b})}
	server, client := accesslog.New(o), accesslog.New(o)
	h := server(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		var leg gateway.Exchange
		x.Leg(&leg)
		return client(answer(gateway.Response{})).Serve(&leg)
	}))
	id := regexp.MustCompile(`"id":"([0-9A-Za-z_-]{20})"`)
	first := ""
	for range 2 {
		b.Reset()
		if err := h.Serve(request()); err != nil {
			t.Fatal(err)
		}
		found := id.FindAllStringSubmatch(b.String(), -1)
		if len(found) != 4 {
			t.Fatalf("got %d ids, want 4, in\n%s", len(found), b.String())
		}
		for _, m := range found {
			if m[1] != found[0][1] {
				t.Errorf("ids %q and %q in one request", m[1], found[0][1])
			}
		}
		if found[0][1] == first {
			t.Errorf("id %q twice", first)
		}
		first = found[0][1]
	}
}

func TestFormat(t *testing.T) {
	x := request()
	x.Request.Path = "/a\nb\r\x1b[31m\x00\u0085\u2028\xffé\\"
	tests := []struct{ request, response, want string }{
		{"%type% %method% % host % %query% %proto%	%\tremote\t% %size%", "%type%|%status%|%size%", "server POST api.example.com k=v HTTP/1.1	192.0.2.7:41234 5\nserver|201|2\n"},
		{"%path%", "\x1b[32m", `/a\nb\r\x1b[31m\x00\u0085\u2028\xffé\` + "\n\x1b[32m\n"},
		{"%header%|%header.x-foo%|%header.Accept%|%body%|", "%header%|%header.B%", "map[Accept:*/* X-Foo:1,2]|1,2|*/*||\nmap[A:1 B:x\\ny]|x\\ny\n"},
		{"%header.Authorization%|%header.%|%status%|%nope%|%duration%", "%method%|%path%", "|<undefined:header.>|<undefined:status>|<undefined:nope>|<undefined:duration>\n<undefined:method>|<undefined:path>\n"},
		{"100%, %size%%%", "%%% %a b% %status", "100%, 5%%\n%%% %a b% %status\n"},
	}
	for _, tt := range tests {
		o := accesslog.Options{
			Request:  accesslog.Side{Format: tt.request, Headers: []accesslog.Header{{Name: "X-Foo"}, {Name: "Accept"}}},
			Response: accesslog.Side{Format: tt.response, Headers: []accesslog.Header{{Name: "*"}, {Name: "Content-Length", Replacers: nil}}},
		}
		next := answer(gateway.Response{Status: 201, Header: fields("B", "x\ny", "A", "1"), Body: io.NopCloser(strings.NewReader("ok")), ContentLength: -1})
		if strings.Contains(tt.response, "%size%") {
			next = answer(gateway.Response{Status: 201, Bytes: []byte("ok")})
		}
		got, err := lines(o, x, next)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q, %q: %s", tt.request, tt.response, diff)
		}
	}
}

func TestTimes(t *testing.T) {
	var b bytes.Buffer
	o := accesslog.Options{
		Logger:     log.New(log.Options{Output: &b}),
		Zone:       time.FixedZone("East", 9*3600),
		TimeFormat: "2006/01/02T15:04:05Z07:00",
		Response:   accesslog.Side{Format: "%duration% %time%"},
	}
	x := request()
	err := accesslog.New(o)(gateway.HandlerFunc(func(*gateway.Exchange) error {
		for start := time.Now(); time.Since(start) < 2*time.Millisecond; {
		}
		return nil
	})).Serve(x)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"time":"\d{4}/\d\d/\d\dT\d\d:\d\d:\d\d\+09:00"\}\}`).Match(b.Bytes()) {
		t.Errorf("got %s", b.String())
	}
	m := regexp.MustCompile(`\n(\d+) \d{4}/\d\d/\d\dT[0-9:]+\+09:00\n$`).FindStringSubmatch(b.String())
	if m == nil {
		t.Fatalf("got %s", b.String())
	}
	var micros int
	if _, err := fmt.Sscan(m[1], &micros); err != nil || micros < 2000 || micros > 60e6 {
		t.Errorf("duration %d µs", micros)
	}
}

// At a level above Info, nothing is written or touched.
func TestDisabled(t *testing.T) {
	var b bytes.Buffer
	l := accesslog.New(accesslog.Options{Logger: log.New(log.Options{Level: gateway.LevelWarn, Output: &b}), Response: accesslog.Side{Format: "%id%"}})
	refused := &gateway.Error{Status: 403}
	for _, x := range []*gateway.Exchange{request(), new(gateway.Exchange)} {
		if err := l(fail(refused)).Serve(x); err != refused {
			t.Errorf("error %v", err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("got %s", b.String())
	}
}

func TestLinesAreJSON(t *testing.T) {
	var b bytes.Buffer
	x := request()
	x.Request.Header.Add("X-Evil", "a\"\n{\x1b\xff")
	o := accesslog.Options{Logger: log.New(log.Options{Output: &b}), Request: accesslog.Side{Headers: []accesslog.Header{{Name: "*"}}}}
	if err := accesslog.New(o)(answer(gateway.Response{})).Serve(x); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 2 {
		t.Errorf("%d lines", n)
	}
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func Example() {
	access := accesslog.New(accesslog.Options{
		Logger:   log.New(log.Options{Output: os.Stdout}),
		Request:  accesslog.Side{Format: "> %method% %path%"},
		Response: accesslog.Side{Format: "< %status% %size%"},
	})
	h := access(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Bytes = []byte("hello")
		return nil
	}))
	_ = h.Serve(&gateway.Exchange{Request: gateway.Request{Method: "GET", Target: "/greeting", Path: "/greeting"}})
	// Output:
	// > GET /greeting
	// < 200 5
}

type devNull struct{}

func (devNull) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkServer(b *testing.B) {
	all := accesslog.Side{Headers: []accesslog.Header{{Name: "*"}}}
	some := accesslog.Side{Headers: []accesslog.Header{{Name: "Accept"}, {Name: "User-Agent"}}}
	for name, o := range map[string]accesslog.Options{
		"Members": {},
		"Headers": {Request: some, Response: some},
		"All":     {Request: all, Response: all},
		"Format":  {Request: accesslog.Side{Format: "%time% %id% %method% %path%"}, Response: accesslog.Side{Format: "%time% %id% %status% %duration%"}},
	} {
		b.Run(name, func(b *testing.B) {
			o.Logger = log.New(log.Options{Output: devNull{}, NoLocation: true})
			h := accesslog.New(o)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response.Status = 200
				x.Response.Header.Add("Content-Type", "text/plain")
				return nil
			}))
			x, header := new(gateway.Exchange), fields("User-Agent", "curl/8.5.0", "Accept", "*/*")
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				x.Request.Target = "/users/42"
				x.Request.Method, x.Request.Host, x.Request.Path, x.Request.Proto = "GET", "api.example.com", "/users/42", "HTTP/1.1"
				x.Request.RemoteAddr = "192.0.2.7:41234"
				x.Request.Header = append(x.Request.Header, header...)
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
