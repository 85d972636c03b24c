package tmpl_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/content/gohtml"
	"github.com/aileron-gateway/aileronc/runtime/content/gotext"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tmpl"
)

func Example() {
	h := tmpl.New(tmpl.Options{Contents: []content.Content{
		{MIMEType: "application/json", Text: `{"hello":"world"}`},
		{MIMEType: "text/plain", Template: content.NewPattern("hello {{remote}}")},
	}})
	x := &gateway.Exchange{Request: gateway.Request{
		Method: "GET", RemoteAddr: "192.0.2.1:1234", Header: gateway.Header{{Name: "Accept", Value: "text/*"}},
	}}
	err := h.Serve(x)
	fmt.Println(x.Response.Status, string(x.Response.Bytes), err)
	// Output: 200 hello 192.0.2.1:1234 <nil>
}

func TestNegotiation(t *testing.T) {
	three := []content.Content{
		{MIMEType: "text/plain", Text: "plain"},
		{MIMEType: "application/json", Status: 418, Header: gateway.Header{{Name: "Cache-Control", Value: "no-store"}}, Text: "{}"},
		{MIMEType: "text/html", Text: "<p>"},
	}
	for _, test := range []struct {
		name     string
		contents []content.Content
		accept   string
		want     string // the body, or "" for 406
	}{
		{"no Accept", three, "", "plain"},
		{"any type", three, "*/*", "plain"},
		{"exact", three, "text/html", "<p>"},
		{"any subtype", three, "application/*", "{}"},
		{"second item", three, "image/png, text/plain", "plain"},
		{"quality", three, "text/plain;q=0.1, text/html;q=0.9", "<p>"},
		{"none fits", three, "image/png", ""},
		{"everything refused", three, "*/*;q=0", ""},
		{"no contents", nil, "text/plain", ""},
		{"no contents, no Accept", nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &gateway.Exchange{}
			if test.accept != "" {
				x.Request.Header.Add("Accept", test.accept)
			}
			err := tmpl.New(tmpl.Options{Contents: test.contents}).Serve(x)
			if test.want == "" {
				if e, ok := gateway.AsError(err); !ok || e.Status != 406 || e.Code != "" || x.Response.Status != 0 {
					t.Errorf("got %v, status %d", err, x.Response.Status)
				}
				return
			}
			if err != nil || string(x.Response.Bytes) != test.want {
				t.Errorf("got %q, %v", x.Response.Bytes, err)
			}
		})
	}
}

func TestResponse(t *testing.T) {
	h := tmpl.New(tmpl.Options{Contents: []content.Content{
		{MIMEType: "text/plain", Status: 418, Header: gateway.Header{{Name: "X-Teapot", Value: "short"}}, Text: "raw {{.path}}"},
	}})
	for _, method := range []string{"GET", "POST", "HEAD"} {
		x := &gateway.Exchange{Request: gateway.Request{Method: method, Path: "/x"}}
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		want := gateway.Response{Status: 418, Bytes: []byte("raw {{.path}}"), ContentLength: 13, Header: gateway.Header{
			{Name: "X-Teapot", Value: "short"}, {Name: "Content-Type", Value: "text/plain; charset=utf-8"},
			{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"},
		}}
		if method == "HEAD" {
			want.Bytes = nil
		}
		if diff := cmp.Diff(want, x.Response); diff != "" {
			t.Errorf("%s: %s", method, diff)
		}
	}
}

func TestValues(t *testing.T) {
	request := gateway.Request{
		Method: "PUT", Host: "h.example:8080", Proto: "HTTP/1.1", Path: "/<b>&", RawQuery: "x=1&x=%3Ci%3E&bad=%zz",
		Header:     gateway.Header{{Name: "x-foo", Value: "A"}, {Name: "X-Foo", Value: "B"}, {Name: "Accept", Value: "*/*"}},
		RemoteAddr: "192.0.2.1:1234",
	}
	text := func(s string) content.Template { return gotext.MustParse(s) }
	for _, test := range []struct {
		name     string
		template content.Template
		want     string
	}{
		{"texts", text("{{.proto}} {{.host}} {{.method}} {{.path}} {{.remote}}"), "HTTP/1.1 h.example:8080 PUT /<b>& 192.0.2.1:1234"},
		{"pattern", content.NewPattern("{{proto}} {{host}} {{method}} {{path}} {{remote}} {{query}}"), "HTTP/1.1 h.example:8080 PUT /<b>& 192.0.2.1:1234 "},
		{"header", text(`{{.header.Get "x-foo"}} {{.header.Get "no"}} {{.header.Values "x-foo"}} {{index .header "X-Foo"}} {{.header}}`), "A  [A B] [A B] map[Accept:[*/*] X-Foo:[A B]]"},
		{"query", text(`{{.query.Get "x"}} {{index .query "x"}} {{index .query "no"}} {{.query}}`), "1 [1 <i>] [] map[x:[1 <i>]]"},
		{"missing in text", text("{{.nothing}}"), "<no value>"},
		{"missing in HTML", gohtml.MustParse("<p>{{.nothing}}</p>"), "<p></p>"},
		{"HTML escapes", gohtml.MustParse("<p>{{.path}}</p>"), "<p>/&lt;b&gt;&amp;</p>"},
		{"failure", text("half{{index .path 99}}"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &gateway.Exchange{Request: request}
			h := tmpl.New(tmpl.Options{Contents: []content.Content{{MIMEType: "text/plain", Template: test.template}}})
			if err := h.Serve(x); err != nil {
				t.Fatal(err)
			}
			if got := string(x.Response.Bytes); got != test.want || x.Response.Status != 200 {
				t.Errorf("got %q, status %d, want %q", got, x.Response.Status, test.want)
			}
		})
	}
}

// A recorder is a Logger that keeps its messages.
type recorder struct{ lines []string }

func (r *recorder) Enabled(gateway.Level) bool { return true }
func (r *recorder) WriteLine([]byte)           {}
func (r *recorder) Log(_ *gateway.Exchange, _ gateway.Level, msg string, attrs ...gateway.Attr) {
	r.lines = append(r.lines, msg+": "+attrs[0].Members()[2].Text())
}

type failing struct{}

func (failing) Render(content.Values) ([]byte, error) { return nil, errors.New("no luck") }

func TestFailingTemplateIsLogged(t *testing.T) {
	log := &recorder{}
	h := tmpl.New(tmpl.Options{Logger: log, Contents: []content.Content{{Template: failing{}}}})
	if err := h.Serve(&gateway.Exchange{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"template failed: E0000.Undefined  [no luck]"}, log.lines); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkServe(b *testing.B) {
	for _, test := range []struct {
		name    string
		content content.Content
	}{
		{"text", content.Content{Text: "hello"}},
		{"pattern", content.Content{Template: content.NewPattern("hello {{remote}}")}},
		{"gotext", content.Content{Template: gotext.MustParse("hello {{.remote}}")}},
	} {
		b.Run(test.name, func(b *testing.B) {
			h := tmpl.New(tmpl.Options{Contents: []content.Content{test.content}})
			x := &gateway.Exchange{Request: gateway.Request{Method: "GET", RemoteAddr: "192.0.2.1:1", Header: gateway.Header{
				{Name: "User-Agent", Value: "bench"}, {Name: "Accept", Value: "*/*"},
			}}}
			b.ReportAllocs()
			for b.Loop() {
				x.Response.Reset()
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
