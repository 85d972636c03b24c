package accesslog_test

import (
	"bytes"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/accesslog"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Lines that are written without a list of members first are the same.
func TestDirectLines(t *testing.T) {
	upper := func(s string) string { return s + "\n\"" + strconv.Itoa(len(s)) }
	all := accesslog.Side{Headers: []accesslog.Header{{Name: "*"}, {Name: "X-B", Replacers: []replace.Func{upper}}}, Queries: []replace.Func{upper}}
	some := accesslog.Side{Headers: []accesslog.Header{{Name: "x-b"}, {Name: "Content-Length"}, {Name: "X-None"}}}
	varies := regexp.MustCompile(`"(duration|id)":("[^"]*"|\d+)`)
	for name, side := range map[string]accesslog.Side{"none": {}, "all": all, "some": some} {
		for _, bodies := range []bool{false, true} {
			t.Run(name+" "+strconv.FormatBool(bodies), func(t *testing.T) {
				write := func(direct bool) string {
					var out bytes.Buffer
					var logger gateway.Logger = log.New(log.Options{Output: &out, NoLocation: true, OutputTimeFormat: "<now>", DateFormat: "<date>", TimeFormat: "<clock>"})
					if !direct {
						logger = struct{ gateway.Logger }{logger} // nothing more can be asked of it
					}
					lines := accesslog.NewLines(accesslog.Options{Logger: logger, TimeFormat: "<time>", Request: side, Response: side}, bodies)
					x := new(gateway.Exchange)
					x.Attach(gateway.Object("ids", gateway.String("request", "r1")))
					x.Request = gateway.Request{
						Method: "POST", Target: "/a?b=c", Host: "a.example\x1b", Path: "/a\u2028", RawQuery: "b=c&\"", Proto: "HTTP/1.1", RemoteAddr: "192.0.2.1:1",
						Header: fields("X-B", "1", "X-A", "\xff", "X-B", "2"),
					}
					e := lines.Begin(x)
					e.Request("the \"body\"")
					x.Response.Header = fields("X-B", "3", "Content-Type", "text/plain")
					x.Response.Bytes = []byte("hello")
					if err := e.Answered(nil); err != nil {
						t.Fatal(err)
					}
					e.Response("hello")
					return varies.ReplaceAllString(out.String(), `"$1":"…"`)
				}
				if want, got := write(false), write(true); want != got || bytes.Count([]byte(got), []byte("\n")) != 2 {
					t.Error(cmp.Diff(want, got))
				}
			})
		}
	}
}

// The lines tell where they come from, if the logger wants that: both from the same place, however often they're written.
func TestDirectLocation(t *testing.T) {
	var out bytes.Buffer
	lines := accesslog.NewLines(accesslog.Options{Logger: log.New(log.Options{Output: &out})}, false)
	for range 3 {
		x := new(gateway.Exchange)
		x.Request = gateway.Request{Method: "GET", Target: "/", Path: "/"}
		e := lines.Begin(x)
		e.Request("")
		e.Response("")
	}
	places := regexp.MustCompile(`"zone":"[^"]*"},"location":{"file":"accesslog/direct.go","func":"accesslog.\(\*Entry\).direct","line":\d+},"re(quest|sponse)":`)
	if got := places.FindAllString(out.String(), -1); len(got) != 6 {
		t.Errorf("%d lines tell where they come from:\n%s", len(got), out.String())
	}
}
