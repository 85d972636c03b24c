package errorhandler_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/content/gotext"
	"github.com/aileron-gateway/aileronc/runtime/errorhandler"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/match/rematch"
)

func Example() {
	h := errorhandler.New(errorhandler.Options{
		Messages: []errorhandler.Message{{
			Codes:          []string{"E2131"},
			HeaderTemplate: gateway.Header{{Name: "X-Error", Value: "{{status}}"}},
			Contents: []content.Content{
				{MIMEType: "text/html", Text: "<h1>Nothing here</h1>"},
				{MIMEType: "text/plain", Template: content.NewPattern("{{status}}: nothing here")},
			},
		}},
	})
	x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/", Header: gateway.Header{{Name: "Accept", Value: "text/plain"}}}}
	h.HandleError(x, &gateway.Error{Status: 404, Code: "E2131", Kind: "CoreServerNotFound"})
	fmt.Println(x.Response.Status, x.Response.Header.Get("X-Error"), string(x.Response.Bytes))
	// Output: 404 404 404: nothing here
}

// notFound is what the server refuses an unknown path with.
var notFound = &gateway.Error{Status: 404, Code: "E2131", Kind: "CoreServerNotFound", Message: "handler not found for /x"}

func exchange(method, path, accept string) *gateway.Exchange {
	x := &gateway.Exchange{Request: gateway.Request{Method: method, Path: path}}
	if accept != "" {
		x.Request.Header.Add("Accept", accept)
	}
	return x
}

// An answer is what a test looks at in a response.
type answer struct {
	Status int
	Header gateway.Header
	Body   string
}

func answerOf(x *gateway.Exchange) answer {
	return answer{x.Response.Status, x.Response.Header, string(x.Response.Bytes)}
}

func fields(contentType string, more ...gateway.Field) gateway.Header {
	return append(gateway.Header(more),
		gateway.Field{Name: "Content-Type", Value: contentType},
		gateway.Field{Name: "X-Content-Type-Options", Value: "nosniff"},
		gateway.Field{Name: "Vary", Value: "Accept"})
}

func TestDefaultBody(t *testing.T) {
	inJSON := `{"status":404,"statusText":"Not Found"}`
	inXML := "<result><status>404</status><statusText>Not Found</statusText><errors></errors></result>"
	inYAML := "status: 404\nstatusText: Not Found\n"
	h := errorhandler.New(errorhandler.Options{})
	for _, test := range []struct{ name, accept, contentType, body string }{
		{"no Accept", "", "application/json; charset=utf-8", inJSON},
		{"any type", "*/*", "application/json; charset=utf-8", inJSON},
		{"nothing we have", "image/png", "application/json; charset=utf-8", inJSON},
		{"everything refused", "*/*;q=0", "application/json; charset=utf-8", inJSON},
		{"JSON", "application/json", "application/json; charset=utf-8", inJSON},
		{"text/json", "text/json", "text/json; charset=utf-8", inJSON},
		{"XML", "application/xml", "application/xml; charset=utf-8", inXML},
		{"text/xml", "text/xml", "text/xml; charset=utf-8", inXML},
		{"YAML", "application/yaml", "application/yaml; charset=utf-8", inYAML},
		{"text/yaml", "text/yaml", "text/yaml; charset=utf-8", inYAML},
		{"plain text", "text/plain", "text/plain; charset=utf-8", inYAML},
		{"any application type", "application/*", "application/json; charset=utf-8", inJSON},
		{"any text", "text/*", "text/plain; charset=utf-8", inYAML},
		{"quality", "application/json;q=0.1, text/xml;q=0.5", "text/xml; charset=utf-8", inXML},
		{"first we have", "image/png, text/plain", "text/plain; charset=utf-8", inYAML},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := exchange("GET", "/x", test.accept)
			h.HandleError(x, notFound)
			want := answer{404, fields(test.contentType), test.body}
			if diff := cmp.Diff(want, answerOf(x)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaultBodiesAreWellFormed(t *testing.T) {
	type result struct {
		Status     int    `json:"status" xml:"status" yaml:"status"`
		StatusText string `json:"statusText" xml:"statusText" yaml:"statusText"`
	}
	h := errorhandler.New(errorhandler.Options{})
	for status := 200; status < 600; status++ {
		want := result{status, http.StatusText(status)}
		for accept, parse := range map[string]func([]byte, any) error{
			"application/json": json.Unmarshal,
			"application/xml":  xml.Unmarshal,
			"application/yaml": func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
		} {
			if status == 204 || status == 304 {
				continue // without a body
			}
			x := exchange("GET", "/", accept)
			h.HandleError(x, &gateway.Error{Status: status})
			var got result
			if err := parse(x.Response.Bytes, &got); err != nil {
				t.Errorf("%d as %s: %v", status, accept, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d as %s: %s", status, accept, diff)
			}
		}
	}
}

func TestStatusAndFields(t *testing.T) {
	allow := gateway.Field{Name: "Allow", Value: "GET"}
	for _, test := range []struct {
		name string
		err  error
		want answer
	}{
		{"a foreign error", errors.New("secret detail"),
			answer{500, fields("application/json; charset=utf-8"), `{"status":500,"statusText":"Internal Server Error"}`}},
		{"no status", &gateway.Error{Code: "E2050", Message: "secret"},
			answer{500, fields("application/json; charset=utf-8"), `{"status":500,"statusText":"Internal Server Error"}`}},
		{"unknown status", &gateway.Error{Status: 499},
			answer{499, fields("application/json; charset=utf-8"), `{"status":499,"statusText":""}`}},
		{"wrapped", fmt.Errorf("serving: %w", &gateway.Error{Status: 502}),
			answer{502, fields("application/json; charset=utf-8"), `{"status":502,"statusText":"Bad Gateway"}`}},
		{"fields of the error", &gateway.Error{Status: 405, Header: gateway.Header{allow}},
			answer{405, fields("application/json; charset=utf-8", allow), `{"status":405,"statusText":"Method Not Allowed"}`}},
		{"no content", &gateway.Error{Status: 204},
			answer{204, gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"}}, ""}},
		{"for the log only", &gateway.Error{Status: gateway.LogOnly}, answer{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := exchange("GET", "/", "")
			errorhandler.New(errorhandler.Options{}).HandleError(x, test.err)
			if diff := cmp.Diff(test.want, answerOf(x)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeadHasNoBody(t *testing.T) {
	x := exchange("HEAD", "/", "")
	errorhandler.New(errorhandler.Options{}).HandleError(x, notFound)
	if x.Response.Bytes != nil || x.Response.Body != nil || x.Response.ContentLength != 39 {
		t.Errorf("got %q, length %d", x.Response.Bytes, x.Response.ContentLength)
	}
}

func TestWhatAHandlerLeftDoesNotSurvive(t *testing.T) {
	x := exchange("GET", "/", "")
	conn := &conn{}
	x.Response = gateway.Response{
		Status: 200,
		Header: gateway.Header{
			{Name: "X-Outer", Value: "1"}, {Name: "content-encoding", Value: "gzip"}, {Name: "Set-Cookie", Value: "a=b"},
			{Name: "ETag", Value: `"1"`}, {Name: "Cache-Control", Value: "max-age=9"}, {Name: "Last-Modified", Value: "x"},
			{Name: "Content-Length", Value: "5"}, {Name: "Content-Type", Value: "image/png"}, {Name: "vary", Value: "Origin, accept"},
		},
		Trailer: func() gateway.Header { return nil },
		Conn:    conn,
	}
	errorhandler.New(errorhandler.Options{}).HandleError(x, notFound)
	want := gateway.Header{
		{Name: "X-Outer", Value: "1"}, {Name: "Set-Cookie", Value: "a=b"}, {Name: "vary", Value: "Origin, accept"},
		{Name: "Content-Type", Value: "application/json; charset=utf-8"}, {Name: "X-Content-Type-Options", Value: "nosniff"},
	}
	if diff := cmp.Diff(want, x.Response.Header); diff != "" {
		t.Error(diff)
	}
	if x.Response.Trailer != nil || x.Response.Conn != nil || !conn.closed {
		t.Error("trailer or connection are left")
	}
}

type conn struct {
	io.ReadWriter
	closed bool
}

func (c *conn) Close() error { c.closed = true; return nil }

func TestMessages(t *testing.T) {
	text := func(s string) []content.Content { return []content.Content{{MIMEType: "text/plain", Text: s}} }
	refused := &gateway.Error{Status: 502, Code: "E2124", Kind: "CoreProxyRoundtrip", Message: "round trip", Cause: errors.New("connection refused")}
	for _, test := range []struct {
		name     string
		messages []errorhandler.Message
		path     string
		err      error
		want     string // the body, or "" for the default one
	}{
		{"code by pattern", []errorhandler.Message{{Codes: []string{"E21*"}, Contents: text("a")}}, "/", notFound, "a"},
		{"code of another", []errorhandler.Message{{Codes: []string{"E30*"}, Contents: text("a")}}, "/", notFound, ""},
		{"kind", []errorhandler.Message{{Kinds: []string{"Core*NotFound"}, Contents: text("a")}}, "/", notFound, "a"},
		{"text", []errorhandler.Message{{Messages: []match.Matcher{rematch.Regex("never", ".*refused.*")}, Contents: text("a")}}, "/", refused, "a"},
		{"text has the code", []errorhandler.Message{{Messages: []match.Matcher{match.Prefix("E2124.CoreProxyRoundtrip round trip [")}, Contents: text("a")}}, "/", refused, "a"},
		{"text of a foreign error", []errorhandler.Message{{Messages: []match.Matcher{match.Contains("boom")}, Contents: text("a")}}, "/", errors.New("boom"), "a"},
		{"codes or kinds", []errorhandler.Message{{Codes: []string{"X"}, Kinds: []string{"*"}, Contents: text("a")}}, "/", notFound, "a"},
		{"path and code", []errorhandler.Message{{Paths: []match.Matcher{match.Prefix("/a")}, Codes: []string{"*"}, Contents: text("a")}}, "/ab", notFound, "a"},
		{"path of another", []errorhandler.Message{{Paths: []match.Matcher{match.Prefix("/a")}, Codes: []string{"*"}, Contents: text("a")}}, "/b", notFound, ""},
		{"path fits, code doesn't", []errorhandler.Message{{Paths: []match.Matcher{match.Prefix("/a")}, Codes: []string{"X"}, Contents: text("a")}}, "/a", notFound, ""},
		{"second path", []errorhandler.Message{{Paths: []match.Matcher{match.Prefix("/a"), match.Exact("/b")}, Contents: text("a")}}, "/b", notFound, "a"},
		{"path alone", []errorhandler.Message{{Paths: []match.Matcher{match.Prefix("/a")}, Contents: text("a")}}, "/a", notFound, "a"},
		{"no condition", []errorhandler.Message{{Contents: text("a")}}, "/a", notFound, "a"},
		{"first match", []errorhandler.Message{{Codes: []string{"X*"}, Contents: text("a")}, {Codes: []string{"*"}, Contents: text("b")}, {Codes: []string{"*"}, Contents: text("c")}}, "/", notFound, "b"},
		{"star matches errors without a code", []errorhandler.Message{{Codes: []string{"*"}, Contents: text("a")}}, "/", &gateway.Error{Status: 406}, "a"},
		{"star matches foreign errors", []errorhandler.Message{{Codes: []string{"*"}, Contents: text("a")}}, "/", errors.New("x"), "a"},
		{"no contents", []errorhandler.Message{{Codes: []string{"*"}}}, "/", notFound, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := exchange("GET", test.path, "")
			errorhandler.New(errorhandler.Options{Messages: test.messages}).HandleError(x, test.err)
			got := string(x.Response.Bytes)
			if test.want == "" {
				if !strings.HasPrefix(got, `{"status":`) {
					t.Errorf("got %q, want the default body", got)
				}
			} else if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestContents(t *testing.T) {
	template, err := gotext.Parse("{{.status}} {{.statusText}} {{.code}} {{.kind}}")
	if err != nil {
		t.Fatal(err)
	}
	h := errorhandler.New(errorhandler.Options{Messages: []errorhandler.Message{{
		Codes:          []string{"*"},
		HeaderTemplate: gateway.Header{{Name: "X-Code", Value: "{{code}}/{{ kind }}/{{statusText}}{{other}}"}, {Name: "Location", Value: "/errors/{{status}}"}},
		Contents: []content.Content{
			{MIMEType: "application/json", Status: 302, Header: gateway.Header{{Name: "Alice", Value: "bob"}}, Text: "{}"},
			{MIMEType: "text/plain", Template: template},
			{MIMEType: "application/xml", Status: 500, Template: content.NewPattern("<a>{{status}}</a>")},
		},
	}}})
	more := func(status, text string) []gateway.Field {
		return []gateway.Field{{Name: "X-Code", Value: "E2131/CoreServerNotFound/" + text}, {Name: "Location", Value: "/errors/" + status}}
	}
	for _, test := range []struct {
		accept string
		want   answer
	}{
		{"", answer{302, fields("application/json; charset=utf-8", append(more("302", "Found"), gateway.Field{Name: "Alice", Value: "bob"})...), "{}"}},
		{"image/png", answer{302, fields("application/json; charset=utf-8", append(more("302", "Found"), gateway.Field{Name: "Alice", Value: "bob"})...), "{}"}},
		{"text/plain", answer{404, fields("text/plain; charset=utf-8", more("404", "Not Found")...), "404 Not Found E2131 CoreServerNotFound"}},
		{"application/xml", answer{500, fields("application/xml; charset=utf-8", more("500", "Internal Server Error")...), "<a>500</a>"}},
	} {
		for range 2 { // nothing piles up from one request to the next
			x := exchange("GET", "/", test.accept)
			h.HandleError(x, notFound)
			if diff := cmp.Diff(test.want, answerOf(x)); diff != "" {
				t.Errorf("Accept %q: %s", test.accept, diff)
			}
		}
	}
}

func TestForeignErrorKeepsCustomContent(t *testing.T) {
	h := errorhandler.New(errorhandler.Options{Messages: []errorhandler.Message{{
		Codes: []string{"*"}, Contents: []content.Content{{MIMEType: "text/plain", Template: content.NewPattern("{{status}}")}},
	}}})
	x := exchange("GET", "/", "")
	h.HandleError(x, errors.New("x"))
	if diff := cmp.Diff(answer{500, fields("text/plain; charset=utf-8"), "500"}, answerOf(x)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkHandleError(b *testing.B) {
	for _, test := range []struct {
		name    string
		options errorhandler.Options
	}{
		{"default", errorhandler.Options{}},
		{"debug off", errorhandler.Options{Logger: &recorder{level: gateway.LevelInfo}}},
		{"message", errorhandler.Options{Messages: []errorhandler.Message{{
			Codes:    []string{"E*"},
			Contents: []content.Content{{MIMEType: "application/json", Template: content.NewPattern(`{"error":"{{code}}","status":{{status}}}`)}},
		}}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			h := errorhandler.New(test.options)
			x := exchange("GET", "/x", "application/json")
			b.ReportAllocs()
			for b.Loop() {
				x.Response.Reset()
				h.HandleError(x, notFound)
			}
		})
	}
}
