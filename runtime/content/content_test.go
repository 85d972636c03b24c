package content_test

import (
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// values are named texts.
type values map[string]string

func (v values) Text(name string) (string, bool) { s, ok := v[name]; return s, ok }
func (v values) Map() map[string]any {
	m := map[string]any{}
	for k, s := range v {
		m[k] = s
	}
	return m
}

func Example() {
	set := content.NewSet([]content.Content{
		{MIMEType: "application/json", Text: `{"hello":"world"}`},
		{MIMEType: "text/plain", Template: content.NewPattern("hello {{who}}")},
	})
	x := &gateway.Exchange{}
	x.Request.Header = gateway.Header{{Name: "Accept", Value: "text/plain"}}
	if v := set.Choose(x.Request.Header); v != nil {
		v.Send(x, 200, values{"who": "world"}, nil)
	}
	fmt.Println(x.Response.Header.Get("Content-Type"))
	fmt.Println(string(x.Response.Bytes))
	// Output:
	// text/plain; charset=utf-8
	// hello world
}

func TestPattern(t *testing.T) {
	v := values{"a": "1", "b": "<2>", "empty": ""}
	for _, test := range []struct{ pattern, want string }{
		{"", ""},
		{"text", "text"},
		{"{{a}}", "1"},
		{"{{ a }}{{\tb}}", "1<2>"},
		{"x={{a}}, y={{b}}.", "x=1, y=<2>."},
		{"[{{empty}}{{unknown}}{{}}]", "[]"},
		{"{{a", "{{a"},
		{"{{a}} {{b", "1 {{b"},
		{"a}} {b}", "a}} {b}"},
		{`{"n":{{a}}}`, `{"n":1}`},
		{"ä {{a}} ü", "ä 1 ü"},
	} {
		p := content.NewPattern(test.pattern)
		if got := p.String(v); got != test.want {
			t.Errorf("String of %q: got %q, want %q", test.pattern, got, test.want)
		}
		if got, err := p.Render(v); err != nil || string(got) != test.want {
			t.Errorf("Render of %q: got %q, %v, want %q", test.pattern, got, err, test.want)
		}
	}
}

func TestHTMLPatternEscapesAsHTMLTemplate(t *testing.T) {
	every := ""
	for r := range rune(300) {
		every += string(r)
	}
	every += "\xff\xc3"
	want := new(strings.Builder)
	if err := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}`)).Execute(want, every); err != nil {
		t.Fatal(err)
	}
	got := content.NewHTMLPattern(`<p title="{{x}}">{{x}}`).String(values{"x": every})
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Error(diff)
	}
}

func TestSend(t *testing.T) {
	v := content.NewSet([]content.Content{{Header: gateway.Header{{Name: "X-A", Value: "1"}, {Name: "Content-Type", Value: "never"}}, Text: "body"}})
	negotiated := gateway.Header{
		{Name: "X-A", Value: "1"}, {Name: "Content-Type", Value: "text/plain; charset=utf-8"},
		{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"},
	}
	for _, test := range []struct {
		name, method string
		status       int
		want         gateway.Response
	}{
		{"GET", "GET", 200, gateway.Response{Status: 200, Header: negotiated, Bytes: []byte("body"), ContentLength: 4}},
		{"HEAD", "HEAD", 404, gateway.Response{Status: 404, Header: negotiated, ContentLength: 4}},
		{"no content", "GET", 204, gateway.Response{Status: 204, ContentLength: -1, Header: gateway.Header{
			{Name: "X-A", Value: "1"}, {Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"}}}},
		{"not modified", "HEAD", 304, gateway.Response{Status: 304, ContentLength: -1, Header: gateway.Header{
			{Name: "X-A", Value: "1"}, {Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Vary", Value: "Accept"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &gateway.Exchange{}
			x.Request.Method = test.method
			v.First().Send(x, test.status, values{}, nil)
			if diff := cmp.Diff(test.want, x.Response); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSharedTextIsNotAppendedTo(t *testing.T) {
	set := content.NewSet([]content.Content{{Text: "body"}})
	first, second := &gateway.Exchange{}, &gateway.Exchange{}
	set.First().Send(first, 200, values{}, nil)
	_ = append(first.Response.Bytes, " and more"...)
	set.First().Send(second, 200, values{}, nil)
	if got := string(second.Response.Bytes[:4]); got != "body" || cap(second.Response.Bytes) != 4 {
		t.Errorf("got %q, capacity %d", got, cap(second.Response.Bytes))
	}
}

func TestEmptySet(t *testing.T) {
	var s content.Set
	if s.First() != nil || s.Choose(nil) != nil {
		t.Error("an empty set has contents")
	}
}

type failing struct{}

func (failing) Render(content.Values) ([]byte, error) { return []byte("half"), errors.New("x") }

func TestFailingTemplateGivesNoBody(t *testing.T) {
	set := content.NewSet([]content.Content{{Template: failing{}}})
	x := &gateway.Exchange{}
	set.First().Send(x, 201, values{}, nil)
	if x.Response.Status != 201 || len(x.Response.Bytes) != 0 {
		t.Errorf("status %d, body %q", x.Response.Status, x.Response.Bytes)
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := content.ReadFile(name); got != "text" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := content.ReadFile(name + "x"); err == nil || !strings.Contains(err.Error(), name+"x") {
		t.Errorf("got %v", err)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("{{a}}{{")
	f.Add("}}{{{{a}}")
	f.Fuzz(func(t *testing.T, pattern string) {
		p := content.NewPattern(pattern)
		got, err := p.Render(values{"a": "b"})
		if err != nil || p.String(values{"a": "b"}) != string(got) {
			t.Errorf("Render gives %q, %v, String another text", got, err)
		}
	})
}

func BenchmarkSend(b *testing.B) {
	for name, c := range map[string]content.Content{
		"text":    {Text: "hello world"},
		"pattern": {Template: content.NewPattern("hello {{who}}")},
	} {
		b.Run(name, func(b *testing.B) {
			set := content.NewSet([]content.Content{c})
			x := &gateway.Exchange{}
			v := values{"who": "world"}
			b.ReportAllocs()
			for b.Loop() {
				x.Response.Reset()
				set.Choose(x.Request.Header).Send(x, 200, v, nil)
			}
		})
	}
}
