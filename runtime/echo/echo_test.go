package echo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func exchange() *gateway.Exchange {
	x := new(gateway.Exchange)
	x.Request = gateway.Request{
		Method: "POST", Host: "h.example", Proto: "HTTP/1.1", Target: "/a%20b?x=1&y=%20z+",
		Path: "/a b", RawPath: "/a%20b", RawQuery: "x=1&y=%20z+", RemoteAddr: "192.0.2.1:5",
	}
	for _, f := range [][2]string{{"x-foo", "b"}, {"Accept", "<a>"}, {"X-Foo", "a"}} {
		x.Request.Header.Add(f[0], f[1])
	}
	return x
}

func withBody(x *gateway.Exchange, r io.Reader, length int64) *gateway.Exchange {
	x.Request.Body, x.Request.ContentLength = io.NopCloser(r), length
	return x
}

const head = `---------- Request ----------
Proto   : HTTP/1.1
Host   : h.example
Method : POST
URI    : /a%20b?x=1&y=%20z+
Path   : /a b
Query  : x=1&y= z 
Remote : 192.0.2.1:5
---------- Header ----------
{
  "Accept": [
    "\u003ca\u003e"
  ],
  "X-Foo": [
    "b",
    "a"
  ]
}
---------- Body ----------
`

const tail = "\n--------------------------\n"

func TestBody(t *testing.T) {
	large := strings.Repeat("x", maxBody)
	for name, tt := range map[string]struct {
		x    *gateway.Exchange
		want string
	}{
		"none":             {exchange(), ""},
		"known length":     {withBody(exchange(), strings.NewReader("hello"), 5), "hello"},
		"unknown length":   {withBody(exchange(), strings.NewReader("hello"), -1), "hello"},
		"as large as can":  {withBody(exchange(), strings.NewReader(large), -1), large},
		"declared large":   {withBody(exchange(), strings.NewReader("x"), maxBody+1), "REQUEST BODY TOO LARGE\n"},
		"undeclared large": {withBody(exchange(), strings.NewReader(large+"x"), -1), "REQUEST BODY TOO LARGE\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := New().Serve(tt.x); err != nil {
				t.Fatal(err)
			}
			r := &tt.x.Response
			want := gateway.Header{
				{Name: "Content-Type", Value: "text/plain;charset=utf-8"},
				{Name: "X-Content-Type-Options", Value: "nosniff"},
			}
			if d := cmp.Diff(want, r.Header); d != "" || r.Status != 200 {
				t.Error(r.Status, d)
			}
			got := string(r.Bytes)
			if want := head + tt.want + tail; got != want {
				t.Errorf("got %d bytes, want %d\n%.2000s", len(got), len(want), got)
			}
		})
	}
}

func TestBodyErrors(t *testing.T) {
	for err, want := range map[error]int{gateway.ErrTooLarge: 413, io.ErrUnexpectedEOF: 400, timeout{}: 408} {
		x := withBody(exchange(), io.MultiReader(strings.NewReader("a"), broken{err}), -1)
		got := New().Serve(x)
		if gateway.StatusOf(got) != want || !errors.Is(got, err) {
			t.Errorf("%v: got %v", err, got)
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

type timeout struct{}

func (timeout) Error() string   { return "timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestBadQuery(t *testing.T) {
	x := exchange()
	x.Request.RawQuery = "a=%zz"
	if err := New().Serve(x); err != nil || x.Response.Status != 500 {
		t.Fatal(err, x.Response.Status)
	}
	if got := string(x.Response.Bytes); got != "invalid URL escape \"%zz\"\n" {
		t.Errorf("got %q", got)
	}
}

// A path that has a percent sign once it is decoded is not decoded again.
func TestPercentInPath(t *testing.T) {
	x := exchange()
	x.Request.Path = "/%zz"
	if err := New().Serve(x); err != nil || !bytes.Contains(x.Response.Bytes, []byte("Path   : /%zz\n")) {
		t.Errorf("%v %s", err, x.Response.Bytes)
	}
}

// FuzzHeader holds the JSON of the header equal to that of encoding/json.
func FuzzHeader(f *testing.F) {
	f.Add("Accept", "text/html", "x-a", "\u2028\x00\x7f\t\"\\<>&")
	f.Add("A", "1", "A", "\xff\xfe é")
	f.Add("", "", "b", "\b\f\n\r")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		var h gateway.Header
		h.Add(name1, value1)
		h.Add(name2, value2)
		m := map[string][]string{}
		for _, f := range h {
			name := gateway.CanonicalName(f.Name)
			m[name] = append(m[name], f.Value)
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetIndent("", "  ")
		if err := e.Encode(m); err != nil {
			t.Skip(err)
		}
		if d := cmp.Diff(want.String(), string(appendHeader(nil, h))); d != "" {
			t.Error(d)
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	x, h := exchange(), New()
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Response.Reset()
	}
}

func Example() {
	x := new(gateway.Exchange)
	x.Request = gateway.Request{Method: "GET", Proto: "HTTP/2.0", Host: "example.com", Target: "/a?b", Path: "/a", RawQuery: "b"}
	err := New().Serve(x)
	request, _, _ := bytes.Cut(x.Response.Bytes, []byte("\nRemote"))
	fmt.Printf("%v %d\n%s", err, x.Response.Status, request)
	// Output:
	// <nil> 200
	// ---------- Request ----------
	// Proto   : HTTP/2.0
	// Host   : example.com
	// Method : GET
	// URI    : /a?b
	// Path   : /a
	// Query  : b
}
