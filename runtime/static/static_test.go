package static_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

func Example() {
	h, err := static.New(static.Options{
		Root:   "testdata/site",
		Header: gateway.Header{{Name: "Cache-Control", Value: "no-cache"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/hello.txt"}}
	if err := h.Serve(x); err != nil {
		fmt.Println(err)
		return
	}
	defer x.Response.Body.Close()
	body, _ := io.ReadAll(x.Response.Body)
	fmt.Println(x.Response.Status, x.Response.Header.Get("Content-Type"), x.Response.ContentLength, string(body))
	// Output: 200 text/plain; charset=utf-8 6 hello
}

var modified = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// site makes a folder of files, and one beside it with a secret.
func site(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"secret.txt":              "top secret",
		"root/data.txt":           "0123456789abcdefghij",
		"root/UPPER.TXT":          "upper",
		"root/noext":              "plain words",
		"root/page":               "<!doctype html><p>",
		"root/empty":              "",
		"root/.hidden":            "dot",
		"root/with space.txt":     "space",
		"root/a.unknown-type":     "\x00\x01",
		"root/sub/index.html":     "<p>index</p>",
		"root/sub/a.txt":          "A",
		"root/list/one.txt":       "1",
		"root/list/two & <3>.txt": "2",
		"root/list/x:y":           "3",
		"root/list/in/x":          "4",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"root/inside":    "sub/a.txt",
		"root/dirlink":   "sub",
		"root/outside":   "../secret.txt",
		"root/absolute":  filepath.Join(dir, "secret.txt"),
		"root/loop":      "loop",
		"root/sub/up":    "../..",
		"root/list/gone": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "root")
}

func handler(t testing.TB, o static.Options) *static.Handler {
	t.Helper()
	h, err := static.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// An answer is what a test looks at in a response or an error.
type answer struct {
	Status int
	Body   string
}

// get serves a request and reads the body to its end.
func get(t testing.TB, h gateway.Handler, method, target string, fields ...gateway.Field) (answer, gateway.Response) {
	t.Helper()
	path, query, _ := strings.Cut(target, "?")
	x := &gateway.Exchange{Request: gateway.Request{Method: method, Path: path, RawPath: strings.ReplaceAll(path, " ", "%20"), RawQuery: query, Header: fields}}
	if err := h.Serve(x); err != nil {
		e, ok := gateway.AsError(err)
		if !ok || e.Code != "E2140" || e.Kind != "CoreStaticServer" || !strings.HasPrefix(e.Message, "failed to serve static file. ") {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		if x.Response.Status != 0 || x.Response.Body != nil {
			t.Errorf("%s %s: both an error and a response", method, target)
		}
		return answer{Status: e.Status}, gateway.Response{Status: e.Status, Header: e.Header}
	}
	body := x.Response.Bytes
	if b := x.Response.Body; b != nil {
		var err error
		if body, err = io.ReadAll(b); err != nil {
			t.Errorf("%s %s: %v", method, target, err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("%s %s: %v", method, target, err)
		}
	}
	if method == "GET" && x.Response.ContentLength != int64(len(body)) && x.Response.Status != 304 {
		t.Errorf("%s %s: length %d, %d bytes", method, target, x.Response.ContentLength, len(body))
	}
	return answer{x.Response.Status, string(body)}, x.Response
}

func TestFiles(t *testing.T) {
	h := handler(t, static.Options{Root: site(t)})
	for _, test := range []struct {
		path        string
		want        answer
		contentType string
	}{
		{"/data.txt", answer{200, "0123456789abcdefghij"}, "text/plain; charset=utf-8"},
		{"data.txt", answer{200, "0123456789abcdefghij"}, "text/plain; charset=utf-8"},
		{"/UPPER.TXT", answer{200, "upper"}, "text/plain; charset=utf-8"},
		{"/noext", answer{200, "plain words"}, "text/plain; charset=utf-8"},
		{"/page", answer{200, "<!doctype html><p>"}, "text/html; charset=utf-8"},
		{"/empty", answer{200, ""}, "text/plain; charset=utf-8"},
		{"/.hidden", answer{200, "dot"}, "text/plain; charset=utf-8"},
		{"/with space.txt", answer{200, "space"}, "text/plain; charset=utf-8"},
		{"/a.unknown-type", answer{200, "\x00\x01"}, "application/octet-stream"},
		{"/sub/a.txt", answer{200, "A"}, "text/plain; charset=utf-8"},
		{"/sub/../data.txt", answer{200, "0123456789abcdefghij"}, "text/plain; charset=utf-8"},
		{"/inside", answer{200, "A"}, "text/plain; charset=utf-8"},
		{"/dirlink/a.txt", answer{200, "A"}, "text/plain; charset=utf-8"},
		{"/sub/index.html", answer{200, "<p>index</p>"}, "text/html; charset=utf-8"},

		{"/", answer{Status: 404}, ""},
		{"", answer{Status: 404}, ""},
		{"/sub/", answer{Status: 404}, ""},
		{"/sub", answer{Status: 404}, ""},
		{"/nope", answer{Status: 404}, ""},
		{"/data.txt/x", answer{Status: 404}, ""},
		{"/../secret.txt", answer{Status: 404}, ""},
		{"/outside", answer{Status: 404}, ""},
		{"/absolute", answer{Status: 404}, ""},
		{"/loop", answer{Status: 404}, ""},
		{"/sub/up/secret.txt", answer{Status: 404}, ""},
		{`/..\secret.txt`, answer{Status: 404}, ""},
		{"/data.txt\x00", answer{Status: 404}, ""},
		{"/" + strings.Repeat("x", 1000), answer{Status: 404}, ""},
	} {
		got, r := get(t, h, "GET", test.path)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.path, diff)
		}
		if got.Status != 200 {
			continue
		}
		want := gateway.Header{
			{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Accept-Ranges", Value: "bytes"},
			{Name: "Last-Modified", Value: "Tue, 02 Jan 2024 03:04:05 GMT"}, {Name: "ETag", Value: r.Header.Get("ETag")}, {Name: "Content-Type", Value: test.contentType},
		}
		if diff := cmp.Diff(want, r.Header); diff != "" {
			t.Errorf("%s: %s", test.path, diff)
		}
	}
}

func TestHead(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Index: true, Listing: true})
	for path, length := range map[string]int64{"/data.txt": 20, "/list/": -1} {
		got, r := get(t, h, "HEAD", path)
		if length < 0 {
			page, _ := get(t, h, "GET", path)
			length = int64(len(page.Body))
		}
		if diff := cmp.Diff(answer{Status: 200}, got); diff != "" || r.ContentLength != length {
			t.Errorf("%s: length %d, want %d %s", path, r.ContentLength, length, diff)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	h := handler(t, static.Options{Root: site(t)})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "get"} {
		got, r := get(t, h, method, "/data.txt")
		if got.Status != 405 || r.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %v, Allow: %q", method, got, r.Header.Get("Allow"))
		}
	}
}

func TestStripPrefix(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), StripPrefix: "/pub", Index: true, Listing: true})
	for path, want := range map[string]answer{
		"/pub/data.txt":     {200, "0123456789abcdefghij"},
		"/pubdata.txt":      {200, "0123456789abcdefghij"},
		"/pub/sub/":         {200, "<p>index</p>"},
		"/data.txt":         {Status: 404},
		"/pub/pub/data.txt": {Status: 404},
		"/pu":               {Status: 404},
	} {
		if got, _ := get(t, h, "GET", path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if got, r := get(t, h, "GET", "/pub"); got.Status != 200 || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the prefix itself: got %v", got)
	}
}

func TestHeader(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Header: gateway.Header{
		{Name: "Cache-Control", Value: "no-cache"}, {Name: "X-Content-Type-Options", Value: "sniff"},
		{Name: "Content-Type", Value: "text/x-own"}, {Name: "Etag", Value: `"v1"`}, {Name: "Content-Security-Policy", Value: "default-src 'self'"},
	}})
	_, r := get(t, h, "GET", "/data.txt")
	want := gateway.Header{
		{Name: "X-Content-Type-Options", Value: "sniff"}, {Name: "Cache-Control", Value: "no-cache"}, {Name: "Content-Type", Value: "text/x-own"},
		{Name: "Etag", Value: `"v1"`}, {Name: "Content-Security-Policy", Value: "default-src 'self'"},
		{Name: "Accept-Ranges", Value: "bytes"}, {Name: "Last-Modified", Value: "Tue, 02 Jan 2024 03:04:05 GMT"},
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Error(diff)
	}
	_, r = get(t, h, "GET", "/nope")
	want = gateway.Header{
		{Name: "X-Content-Type-Options", Value: "sniff"}, {Name: "Cache-Control", Value: "no-cache"}, {Name: "Content-Security-Policy", Value: "default-src 'self'"},
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderReplacesThatOfOuterMiddleware(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Header: gateway.Header{{Name: "X-A", Value: "new"}}})
	x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/data.txt"}}
	x.Response.Header = gateway.Header{{Name: "x-a", Value: "old"}, {Name: "X-B", Value: "kept"}}
	if err := h.Serve(x); err != nil {
		t.Fatal(err)
	}
	_ = x.Response.Body.Close()
	if diff := cmp.Diff(gateway.Header{{Name: "X-A", Value: "new"}, {Name: "X-B", Value: "kept"}}, x.Response.Header[:2]); diff != "" {
		t.Error(diff)
	}
}

func TestWholeFileIsAnOSFile(t *testing.T) {
	h := handler(t, static.Options{Root: site(t)})
	x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/noext"}} // sniffed, and yet at its beginning
	if err := h.Serve(x); err != nil {
		t.Fatal(err)
	}
	f, ok := x.Response.Body.(*os.File)
	if !ok {
		t.Fatalf("the body is a %T", x.Response.Body)
	}
	defer f.Close()
	if at, err := f.Seek(0, io.SeekCurrent); at != 0 || err != nil {
		t.Errorf("at %d, %v", at, err)
	}
}

func BenchmarkServe(b *testing.B) {
	root := site(b)
	header := gateway.Header{{Name: "Cache-Control", Value: "no-cache"}}
	folder, embedded := handler(b, static.Options{Root: root, Header: header}), static.NewEmbedded(static.Options{Header: header}, embed(b, root))
	packed := handler(b, static.Options{Root: compressed(b), Header: header})
	browser := gateway.Field{Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"}
	for _, bb := range []struct {
		name    string
		handler gateway.Handler
		request gateway.Request
	}{
		{"file", folder, gateway.Request{Method: "GET", Path: "/data.txt", Header: gateway.Header{browser}}},
		{"deeper", folder, gateway.Request{Method: "GET", Path: "/sub/a.txt"}},
		{"range", folder, gateway.Request{Method: "GET", Path: "/data.txt", Header: gateway.Header{{Name: "Range", Value: "bytes=1-5"}}}},
		{"not modified", folder, gateway.Request{Method: "GET", Path: "/data.txt", Header: gateway.Header{{Name: "If-Modified-Since", Value: "Tue, 02 Jan 2024 03:04:05 GMT"}}}},
		{"precompressed", packed, gateway.Request{Method: "GET", Path: "/all.css", Header: gateway.Header{browser}}},
		{"embedded", embedded, gateway.Request{Method: "GET", Path: "/data.txt", Header: gateway.Header{browser}}},
		{"embedded range", embedded, gateway.Request{Method: "GET", Path: "/data.txt", Header: gateway.Header{{Name: "Range", Value: "bytes=1-5"}}}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			x := &gateway.Exchange{Request: bb.request, Start: time.Now()}
			b.ReportAllocs()
			for b.Loop() {
				x.Response.Reset()
				if err := bb.handler.Serve(x); err != nil {
					b.Fatal(err)
				}
				if x.Response.Body != nil {
					_ = x.Response.Body.Close()
				}
			}
		})
	}
}
