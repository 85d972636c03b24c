package static_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

func TestListing(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Index: true, Listing: true, Header: gateway.Header{{Name: "ETag", Value: `"1"`}, {Name: "X-A", Value: "1"}}})
	got, r := get(t, h, "GET", "/list/")
	want := answer{200, `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<pre>
<a href="gone">gone</a>
<a href="in/">in/</a>
<a href="one.txt">one.txt</a>
<a href="two%20&amp;%20%3C3%3E.txt">two &amp; &lt;3&gt;.txt</a>
<a href="./x:y">x:y</a>
</pre>
`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Header.Has("ETag") || r.Header.Get("X-A") != "1" || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %v", r.Header)
	}
	if got, _ := get(t, h, "GET", "/list/", gateway.Field{Name: "If-Modified-Since", Value: r.Header.Get("Last-Modified")}); got.Status != 304 {
		t.Errorf("If-Modified-Since: got %v", got)
	}
	if got, _ := get(t, h, "GET", "/list/", gateway.Field{Name: "If-Match", Value: `"1"`}); got.Status != 412 {
		t.Errorf("If-Match: got %v", got)
	}
	if got, _ := get(t, h, "GET", "/sub/"); got != (answer{200, "<p>index</p>"}) {
		t.Errorf("index: got %v", got)
	}
}

func TestIndexWithoutListing(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Index: true})
	for path, want := range map[string]answer{
		"/sub/":           {200, "<p>index</p>"},
		"/sub":            {Status: 301},
		"/sub/index.html": {Status: 301},
		"/list/":          {Status: 404},
		"/":               {Status: 404},
	} {
		if got, _ := get(t, h, "GET", path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestListingWithoutIndex(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Listing: true})
	if got, _ := get(t, h, "GET", "/sub/"); !strings.Contains(got.Body, `<a href="index.html">`) {
		t.Errorf("got %v", got)
	}
	if got, _ := get(t, h, "GET", "/sub/index.html"); got != (answer{200, "<p>index</p>"}) {
		t.Errorf("got %v", got)
	}
}

func TestRedirects(t *testing.T) {
	with := func(listing bool) *static.Handler {
		return handler(t, static.Options{Root: site(t), Index: listing, Listing: listing, Header: gateway.Header{{Name: "X-A", Value: "1"}, {Name: "Content-Type", Value: "a/b"}}})
	}
	h := with(true)
	for target, location := range map[string]string{
		"/sub":                 "./sub/",
		"/sub?a=b&c":           "./sub/?a=b&c",
		"/list/in":             "./in/",
		"/sub/index.html":      "./",
		"/index.html?x":        "./?x",
		"/data.txt/":           "../data.txt",
		"/with space.txt/?q":   "../with%20space.txt?q",
		"/list/x:y/":           "../x:y",
		"/nowhere/index.html":  "./",
		"/sub/../sub":          "./sub/",
		"/dirlink":             "./dirlink/",
		"/list//two & <3>.txt": "",
	} {
		got, r := get(t, h, "GET", target)
		if location == "" {
			if got.Status != 200 {
				t.Errorf("%s: got %v", target, got)
			}
			continue
		}
		want := gateway.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "X-A", Value: "1"}, {Name: "Location", Value: location}}
		if diff := cmp.Diff(want, r.Header); diff != "" || got != (answer{Status: 301}) {
			t.Errorf("%s: got %v %s", target, got, diff)
		}
	}
	if got, r := get(t, with(false), "GET", "/data.txt/"); got.Status != 301 || r.Header.Get("Location") != "../data.txt" {
		t.Errorf("without listing: got %v, %v", got, r.Header)
	}
}

func TestRedirectKeepsTheSpellingOfThePath(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Index: true, Listing: true})
	for _, test := range []struct{ path, rawPath, want string }{
		{"/list/in", "/list%2Fin", "./list%2Fin/"},
		{"/list/in", "/list/%69n", "./%69n/"},
		{"/list/in", "", "./in/"},
		{"/with space.txt/", "", "../with%20space.txt"},
	} {
		x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: test.path, RawPath: test.rawPath}}
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		if got := x.Response.Header.Get("Location"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.rawPath, got, test.want)
		}
	}
}
