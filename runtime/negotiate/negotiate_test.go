package negotiate_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

func Example() {
	h := gateway.Header{{Name: "Accept", Value: "text/html, application/json;q=0.9, */*;q=0.1"}}
	offers := []string{"text/plain", "application/json"}
	fmt.Println(offers[negotiate.Best(h, offers)])
	// Output: application/json
}

func TestBest(t *testing.T) {
	plain, json, html, xml := "text/plain", "application/json", "text/html", "application/xml"
	for _, test := range []struct {
		name   string
		accept []string
		offers []string
		want   string // "" for none
	}{
		{"no field", nil, []string{json, xml}, json},
		{"empty field", []string{""}, []string{json, xml}, json},
		{"only commas", []string{" , ,"}, []string{json}, json},
		{"nothing legible", []string{"nonsense"}, []string{json, xml}, json},
		{"nothing offered", []string{"*/*"}, nil, ""},
		{"nothing offered, no field", nil, nil, ""},
		{"exact", []string{"application/xml"}, []string{json, xml}, xml},
		{"case is ignored", []string{"Application/XML"}, []string{json, xml}, xml},
		{"none", []string{"image/png"}, []string{json, xml}, ""},
		{"any type", []string{"*/*"}, []string{json, xml}, json},
		{"a lone star", []string{"text/html; q=.2, *; q=.1"}, []string{json, xml}, json},
		{"any subtype", []string{"text/*"}, []string{json, plain}, plain},
		{"a glob on the left isn't a range", []string{"*/json, text/plain"}, []string{json, plain}, plain},
		{"order of the client", []string{"text/html, application/json"}, []string{json, html}, html},
		{"order of the server", []string{"*/*"}, []string{html, json}, html},
		{"second item fits", []string{"image/png, text/plain"}, []string{json, plain}, plain},
		{"two lines", []string{"image/png", "text/plain"}, []string{json, plain}, plain},
		{"quality decides", []string{"text/html;q=0.5, application/json"}, []string{html, json}, json},
		{"quality, small steps", []string{"text/html;q=0.001, application/json;q=0.002"}, []string{html, json}, json},
		{"quality 0 refuses", []string{"text/html;q=0, */*;q=0.1"}, []string{html, json}, json},
		{"all refused", []string{"*/*;q=0"}, []string{html, json}, ""},
		{"refused by subtype", []string{"*/*, text/*;q=0.000"}, []string{html, json}, json},
		{"specific beats general", []string{"text/*;q=0.9, text/plain;q=0.1, application/json;q=0.5"}, []string{plain, json}, json},
		{"general after specific", []string{"text/plain;q=0.1, text/*;q=0.9, */*;q=1"}, []string{plain, html}, html},
		{"browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}, []string{json, xml}, xml},
		{"blanks", []string{" text/html ;  q=0.2 ,\tapplication/json ; q=0.8 "}, []string{html, json}, json},
		{"Q in upper case", []string{"text/html;Q=0.2, application/json;q=0.8"}, []string{html, json}, json},
		{"our own charset", []string{"text/html;charset=UTF-8;q=0.9, */*;q=0.1"}, []string{plain, html}, html},
		{"another variant is the last choice", []string{"text/html;level=1, text/html;q=0.2, text/plain;q=0.3"}, []string{html, plain}, plain},
		{"another variant is better than none", []string{"application/json;odata=verbose"}, []string{plain, json}, json},
		{"comma in quotes", []string{`text/html;a="x,application/json;q=1", text/plain`}, []string{json, plain}, plain},
		{"escape in quotes", []string{`text/html;a="\",", text/plain`}, []string{json, plain}, plain},
		{"quotes never closed", []string{`text/html;a="x, text/plain`}, []string{plain, html}, html},
		{"bad weight is no range", []string{"text/html;q=high, text/plain"}, []string{html, plain}, plain},
		{"weight above 1", []string{"text/html;q=7, text/plain"}, []string{plain, html}, html},
		{"no subtype", []string{"text/, text/plain"}, []string{html, plain}, plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h gateway.Header
			for _, v := range test.accept {
				h.Add("accept", v)
			}
			got := ""
			if i := negotiate.Best(h, test.offers); i >= 0 {
				got = test.offers[i]
			}
			if got != test.want {
				t.Errorf("Accept: %q of %v: got %q, want %q", test.accept, test.offers, got, test.want)
			}
		})
	}
}

func FuzzBest(f *testing.F) {
	f.Add("text/html;q=0.5, */*")
	f.Add(`a/b;c="\`)
	f.Add(",;=/\"")
	offers := []string{"application/json", "text/plain"}
	f.Fuzz(func(t *testing.T, accept string) {
		h := gateway.Header{{Name: "Accept", Value: accept}}
		if i := negotiate.Best(h, offers); i < -1 || i >= len(offers) {
			t.Errorf("got %d", i)
		}
		// What is said after everything else has been refused doesn't matter for one type.
		h[0].Value = "application/json, */*;q=0"
		if i := negotiate.Best(h, offers); i != 0 {
			t.Errorf("got %d", i)
		}
	})
}

func TestBestDoesNotAllocate(t *testing.T) {
	h := gateway.Header{{Name: "Accept", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}}
	offers := []string{"application/json", "application/xml"}
	if n := testing.AllocsPerRun(100, func() { negotiate.Best(h, offers) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBest(b *testing.B) {
	offers := []string{"application/json", "application/xml", "text/plain"}
	for name, accept := range map[string]string{
		"any":     "*/*",
		"exact":   "application/json",
		"browser": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	} {
		h := gateway.Header{{Name: "Host", Value: "a"}, {Name: "Accept", Value: accept}}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				negotiate.Best(h, offers)
			}
		})
	}
}
