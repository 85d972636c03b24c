package headerpolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func fields(pairs ...string) gateway.Header {
	h := gateway.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func fixed(value string) func(string) string { return func(string) string { return value } }

// plain is an error handler like the one of a server.
type plain struct{}

func (plain) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = gateway.StatusOf(err)
	x.Response.Header.Add("X-Content-Type-Options", "nosniff")
}

func TestPolicy(t *testing.T) {
	given := fields("X-A", "1", "x-b", "2", "X-a", "3", "Date", "today", "Foo", "FOO")
	for name, tt := range map[string]struct {
		p    Policy
		want gateway.Header
	}{
		"nothing": {want: given},
		"allow":   {Policy{Allow: []string{"x-A", "Nil"}}, fields("X-A", "1", "X-a", "3")},
		"remove":  {Policy{Remove: []string{"x-A", "Nil"}}, fields("x-b", "2", "Date", "today", "Foo", "FOO")},
		"allow and remove": {
			Policy{Allow: []string{"X-A", "X-B"}, Remove: []string{"X-A"}},
			fields("x-b", "2"),
		},
		"add": {
			Policy{Allow: []string{"Foo"}, Add: fields("foo", "foo", "Bar", "b")},
			fields("Foo", "FOO", "foo", "foo", "Bar", "b"),
		},
		"set": {
			Policy{Remove: []string{"Date"}, Set: fields("X-A", "s", "Bar", "b")},
			fields("X-A", "s", "x-b", "2", "Foo", "FOO", "Bar", "b"),
		},
		"add and set of one name": {
			Policy{Allow: []string{"Foo"}, Add: fields("Foo", "1"), Set: fields("Foo", "2")},
			fields("Foo", "2"),
		},
		"rewrite all values": {
			Policy{Rewrite: []Rewrite{{Name: "x-a", Replace: func(s string) string { return s + "!" }}, {Name: "Nil", Replace: fixed("x")}}},
			fields("X-A", "1!", "x-b", "2", "X-a", "3!", "Date", "today", "Foo", "FOO"),
		},
		"rewrites in a row": {
			Policy{
				Allow: []string{"Foo"}, Add: fields("Foo", "Bar"),
				Rewrite: []Rewrite{{Name: "Foo", Replace: strings.ToLower}, {Name: "Foo", Replace: func(s string) string { return s[1:] }}},
			},
			fields("Foo", "oo", "Foo", "ar"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := new(gateway.Exchange)
			x.Request.Header = append(x.Request.Header, given...)
			err := New(Options{Request: tt.p, Response: tt.p})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				if d := cmp.Diff(tt.want, x.Request.Header); d != "" {
					t.Error("request", d)
				}
				x.Response.Header = append(x.Response.Header, given...)
				return nil
			})).Serve(x)
			if d := cmp.Diff(tt.want, x.Response.Header); d != "" || err != nil {
				t.Error("response", err, d)
			}
			if noDate := len(tt.p.Remove) > 0 && tt.p.Remove[0] == "Date"; x.Response.NoDate != noDate {
				t.Errorf("NoDate is %v", x.Response.NoDate)
			}
		})
	}
}

func TestHost(t *testing.T) {
	for name, tt := range map[string]struct {
		p    Policy
		want string
	}{
		"set":            {Policy{Set: fields("host", "b.example")}, "b.example"},
		"rewrite":        {Policy{Rewrite: []Rewrite{{Name: "Host", Replace: strings.ToUpper}}}, "A.EXAMPLE"},
		"add and remove": {Policy{Add: fields("Host", "b.example"), Remove: []string{"Host"}}, "a.example"},
	} {
		t.Run(name, func(t *testing.T) {
			x := new(gateway.Exchange)
			x.Request.Host = "a.example"
			err := New(Options{Request: tt.p})(gateway.HandlerFunc(func(x *gateway.Exchange) error { return nil })).Serve(x)
			if x.Request.Host != tt.want || len(x.Request.Header) != 0 || err != nil {
				t.Errorf("got %q, %v, %v", x.Request.Host, x.Request.Header, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	mimes := Options{AllowMIMEs: []string{"application/json", "text/plain"}}
	length := Options{MaxContentLength: 10}
	for name, tt := range map[string]struct {
		o      Options
		header gateway.Header
		body   bool
		length int64
		want   int
	}{
		"type":                      {o: mimes, header: fields("content-type", "application/json"), want: 200},
		"type in capitals, charset": {o: mimes, header: fields("Content-Type", "Text/Plain ; charset=utf-8"), want: 200},
		"other type":                {o: mimes, header: fields("Content-Type", "text/html"), want: 415},
		"longer type":               {o: mimes, header: fields("Content-Type", "text/plainer"), want: 415},
		"no type":                   {o: mimes, want: 415},
		"no body":                   {o: length, want: 200},
		"length":                    {o: length, body: true, length: 10, want: 200},
		"too long":                  {o: length, body: true, length: 11, want: 413},
		"unknown length":            {o: length, body: true, length: -1, want: 411},
		"any length":                {body: true, length: -1, want: 200},
	} {
		t.Run(name, func(t *testing.T) {
			x := new(gateway.Exchange)
			x.Request.Header = tt.header
			if tt.body {
				x.Request.Body, x.Request.ContentLength = gateway.NoBody, tt.length
			}
			// A refusal of its own is not subject to the response policy.
			tt.o.Response.Set = fields("X-A", "1")
			err := New(tt.o)(gateway.HandlerFunc(func(x *gateway.Exchange) error { return nil })).Serve(x)
			if tt.want == 200 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e, ok := gateway.AsError(err); !ok || e.Status != tt.want || e.Code != "E3211" || len(x.Response.Header) != 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Responses to requests that are refused further in are subject to the policy.
func TestRefusedFurtherIn(t *testing.T) {
	refuse := gateway.HandlerFunc(func(*gateway.Exchange) error { return &gateway.Error{Status: 404} })
	x := &gateway.Exchange{Errors: plain{}}
	err := New(Options{Response: Policy{Remove: []string{"X-Content-Type-Options"}, Set: fields("X-A", "1")}})(refuse).Serve(x)
	if d := cmp.Diff(fields("X-A", "1"), x.Response.Header); d != "" || err != nil || x.Response.Status != 404 {
		t.Error(err, x.Response.Status, d)
	}
	// Without a response policy there is nothing to do, and the error goes on.
	if err := New(Options{Request: Policy{Set: fields("X-A", "1")}})(refuse).Serve(x); gateway.StatusOf(err) != 404 {
		t.Errorf("got %v", err)
	}
}

func BenchmarkHeaderPolicy(b *testing.B) {
	h := New(Options{
		Request:  Policy{Remove: []string{"Authorization"}, Set: fields("X-A", "1")},
		Response: Policy{Remove: []string{"Server", "X-Powered-By"}, Set: fields("X-Frame-Options", "DENY")},
	})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		x.Response.Header = append(x.Response.Header, gateway.Field{Name: "Server", Value: "x"}, gateway.Field{Name: "Content-Type", Value: "a/b"})
		return nil
	}))
	x := new(gateway.Exchange)
	given := fields("User-Agent", "bench", "Accept", "*/*", "Authorization", "x")
	b.ReportAllocs()
	for b.Loop() {
		x.Request.Header = append(x.Request.Header[:0], given...)
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
		x.Response.Reset()
	}
}

func Example() {
	h := New(Options{
		Request:  Policy{Remove: []string{"Authorization"}},
		Response: Policy{Set: gateway.Header{{Name: "X-Frame-Options", Value: "DENY"}}},
	})(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		fmt.Println("request:", x.Request.Header)
		return nil
	}))
	x := new(gateway.Exchange)
	x.Request.Header.Add("Authorization", "Basic YTpi")
	x.Request.Header.Add("Accept", "*/*")
	fmt.Println(h.Serve(x), x.Response.Header)
	// Output:
	// request: [{Accept */*}]
	// <nil> [{X-Frame-Options DENY}]
}
