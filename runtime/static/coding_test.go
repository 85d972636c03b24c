package static_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

// put makes a file that was last changed some time after modified.
func put(t testing.TB, name, text string, later time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, modified, modified.Add(later)); err != nil {
		t.Fatal(err)
	}
}

// compressed makes a folder of files with others beside them. What is in those isn't looked at.
func compressed(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, later := range map[string]time.Duration{
		"all.css": 0, "all.css.br": 0, "all.css.zst": time.Hour, "all.css.gz": time.Second,
		"two.js": 0, "two.js.zst": 0, "two.js.gz": 0,
		"old.js": time.Hour, "old.js.gz": 0, "old.js.br": time.Hour - time.Minute,
		"same-second.js": 900 * time.Millisecond, "same-second.js.gz": 100 * time.Millisecond,
		"folder.js": 0, "folder.js.gz/x": 0,
		"sub/index.html": 0, "sub/index.html.gz": 0,
		"noext": 0, "noext.gz": 0,
		"alone.txt": 0,
		"lost.gz":   0,
	} {
		put(t, filepath.Join(dir, name), "content of "+name, later)
	}
	if err := os.Symlink("all.css.br", filepath.Join(dir, "alone.txt.br")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(filepath.Dir(dir), "outside.gz"), "top secret", 0)
	if err := os.Symlink("../outside.gz", filepath.Join(dir, "alone.txt.gz")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func accept(codings string) gateway.Field {
	return gateway.Field{Name: "Accept-Encoding", Value: codings}
}

// TestPrecompressed looks at which file is sent, and as what.
func TestPrecompressed(t *testing.T) {
	h := handler(t, static.Options{Root: compressed(t), Index: true, Listing: true})
	for _, tt := range []struct {
		path, accept string
		want         string // the file
		coding       string
		varies       bool
		contentType  string
	}{
		{"/all.css", "gzip, deflate, br, zstd", "all.css.br", "br", true, "text/css; charset=utf-8"},
		{"/all.css", "gzip, zstd", "all.css.zst", "zstd", true, "text/css; charset=utf-8"},
		{"/all.css", "gzip", "all.css.gz", "gzip", true, "text/css; charset=utf-8"},
		{"/all.css", "br;q=0.5, gzip", "all.css.gz", "gzip", true, "text/css; charset=utf-8"},
		{"/all.css", "*", "all.css.gz", "gzip", true, "text/css; charset=utf-8"},
		{"/all.css", "identity, *;q=0.5", "all.css", "", true, "text/css; charset=utf-8"},
		{"/all.css", "deflate", "all.css", "", true, "text/css; charset=utf-8"},
		{"/all.css", "", "all.css", "", true, "text/css; charset=utf-8"},
		{"/two.js", "br, gzip", "two.js.gz", "gzip", true, "text/javascript; charset=utf-8"},
		{"/two.js", "br", "two.js", "", true, "text/javascript; charset=utf-8"},
		{"/old.js", "br, gzip", "old.js", "", false, "text/javascript; charset=utf-8"},
		{"/same-second.js", "br, gzip", "same-second.js.gz", "gzip", true, "text/javascript; charset=utf-8"},
		{"/folder.js", "gzip", "folder.js", "", false, "text/javascript; charset=utf-8"},
		{"/sub/", "gzip", "sub/index.html.gz", "gzip", true, "text/html; charset=utf-8"},
		{"/noext", "gzip", "noext.gz", "gzip", true, "text/plain; charset=utf-8"},
		{"/alone.txt", "br", "all.css.br", "br", true, "text/plain; charset=utf-8"}, // a link inside is as good as a file
		{"/alone.txt", "gzip", "alone.txt", "", true, "text/plain; charset=utf-8"},
		{"/all.css.gz", "gzip", "all.css.gz", "", false, "application/gzip"}, // by its own name it's a file like others
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got, r := get(t, h, method, tt.path, accept(tt.accept))
			want := answer{200, "content of " + tt.want}
			if method == "HEAD" {
				if int64(len(want.Body)) != r.ContentLength {
					t.Errorf("HEAD %s: length %d", tt.path, r.ContentLength)
				}
				want.Body = ""
			}
			if got != want || r.Header.Get("Content-Encoding") != tt.coding || r.Header.HasToken("Vary", "Accept-Encoding") != tt.varies || r.Header.Get("Content-Type") != tt.contentType {
				t.Errorf("%s %s for %q: got %v, %v", method, tt.path, tt.accept, got, r.Header)
			}
		}
	}
}

// Each representation has a tag and a date of its own, and conditions and ranges are about the one that is chosen.
func TestPrecompressedConditionsAndRanges(t *testing.T) {
	h := handler(t, static.Options{Root: compressed(t)})
	tags := make(map[string]string)
	for _, coding := range []string{"identity", "br", "zstd", "gzip"} {
		_, r := get(t, h, "GET", "/all.css", accept(coding))
		tag := r.Header.Get("ETag")
		if tag == "" || strings.HasPrefix(tag, "W/") || tags[tag] != "" {
			t.Errorf("%s: the tag %s, that of %q, too", coding, tag, tags[tag])
		}
		tags[tag] = coding
		for _, asked := range []string{"identity", "br", "zstd", "gzip"} {
			got, r := get(t, h, "GET", "/all.css", accept(asked), gateway.Field{Name: "If-None-Match", Value: tag})
			want := 200
			if asked == coding {
				want = 304
			}
			if got.Status != want || !r.Header.HasToken("Vary", "Accept-Encoding") || r.Header.Get("ETag") == "" || want == 304 && r.Header.Has("Content-Encoding") {
				t.Errorf("%s with the tag of %s: got %v, %v", asked, coding, got, r.Header)
			}
		}
		part, r := get(t, h, "GET", "/all.css", accept(coding), gateway.Field{Name: "Range", Value: "bytes=11-"}, gateway.Field{Name: "If-Range", Value: tag})
		suffix := map[string]string{"identity": "", "br": ".br", "zstd": ".zst", "gzip": ".gz"}[coding]
		if part != (answer{206, "all.css" + suffix}) || r.Header.Get("Content-Encoding") != strings.TrimPrefix(coding, "identity") {
			t.Errorf("a range of %s: got %v, %v", coding, part, r.Header)
		}
	}
	if _, r := get(t, h, "GET", "/all.css", accept("zstd")); r.Header.Get("Last-Modified") != "Tue, 02 Jan 2024 04:04:05 GMT" {
		t.Errorf("the date of the compressed file: %v", r.Header)
	}
	// Several ranges of an encoded file would be a body whose coding is that of the parts.
	if got, _ := get(t, h, "GET", "/all.css", accept("br"), gateway.Field{Name: "Range", Value: "bytes=0-1,4-5"}); got != (answer{200, "content of all.css.br"}) {
		t.Errorf("several ranges: got %v", got)
	}
}

func TestOptionsAndPrecompressed(t *testing.T) {
	root := compressed(t)
	h := handler(t, static.Options{Root: root, Header: gateway.Header{{Name: "ETag", Value: `"v1"`}, {Name: "Content-Type", Value: "text/x-own"}, {Name: "Vary", Value: "Origin"}}})
	got, r := get(t, h, "GET", "/all.css", accept("br"))
	if got.Body != "content of all.css.br" || r.Header.Get("ETag") != `"v1-br"` || r.Header.Get("Content-Type") != "text/x-own" || !r.Header.HasToken("Vary", "Origin") || !r.Header.HasToken("Vary", "Accept-Encoding") {
		t.Errorf("got %v, %v", got, r.Header)
	}
	for field, status := range map[string]int{`"v1-br"`: 304, `"v1"`: 200} {
		if got, _ := get(t, h, "GET", "/all.css", accept("br"), gateway.Field{Name: "If-None-Match", Value: field}); got.Status != status {
			t.Errorf("If-None-Match %s: got %v", field, got)
		}
	}
	h = handler(t, static.Options{Root: root, Header: gateway.Header{{Name: "Content-Encoding", Value: "gzip"}}})
	if got, r := get(t, h, "GET", "/all.css", accept("br, gzip")); got.Body != "content of all.css" || r.Header.Get("Content-Encoding") != "gzip" || r.Header.Has("Vary") {
		t.Errorf("with a Content-Encoding of its own: got %v, %v", got, r.Header)
	}
}

// What comes and goes beside a file is seen within a second.
func TestSiblingsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.js"), "plain", 0)
	h := handler(t, static.Options{Root: dir})
	now := time.Now()
	at := func(second int) string {
		x := &gateway.Exchange{
			Request: gateway.Request{Method: "GET", Path: "/a.js", Header: gateway.Header{accept("br, gzip")}},
			Start:   now.Add(time.Duration(second) * time.Second),
		}
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		defer x.Response.Body.Close()
		var b [64]byte
		n, _ := x.Response.Body.Read(b[:])
		return string(b[:n])
	}
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, "plain"},
		{func() { put(t, filepath.Join(dir, "a.js.gz"), "gzip", 0) }, "gzip"},
		{func() { put(t, filepath.Join(dir, "a.js.br"), "br", 0) }, "br"},
		{func() { put(t, filepath.Join(dir, "a.js"), "new", time.Hour) }, "new"},
		{func() { put(t, filepath.Join(dir, "a.js.gz"), "new gzip", time.Hour) }, "new gzip"},
	}
	for second, step := range steps {
		step.do()
		if got := at(second); got != step.want {
			t.Errorf("step %d: got %q, want %q", second, got, step.want)
		}
	}
	// One that goes within the second isn't missed: the next best is there.
	if err := os.Remove(filepath.Join(dir, "a.js.gz")); err != nil {
		t.Fatal(err)
	}
	if got := at(len(steps) - 1); got != "new" {
		t.Errorf("without its sibling: got %q", got)
	}
}

// The tag of a file that may change again without another time is a weak one.
func TestETagOfFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.txt")
	put(t, name, "one", 0)
	h := handler(t, static.Options{Root: dir})
	tag := func(now time.Time) string {
		x := &gateway.Exchange{Request: gateway.Request{Method: "HEAD", Path: "/a.txt"}, Start: now}
		if err := h.Serve(x); err != nil {
			t.Fatal(err)
		}
		return x.Response.Header.Get("ETag")
	}
	first := tag(modified.Add(time.Hour))
	if first == "" || strings.HasPrefix(first, "W/") {
		t.Errorf("an hour later: %s", first)
	}
	if got := tag(modified.Add(time.Second)); got != "W/"+first {
		t.Errorf("a second later: %s", got)
	}
	if got, _ := get(t, h, "GET", "/a.txt", gateway.Field{Name: "If-None-Match", Value: "W/" + first}); got.Status != 304 {
		t.Errorf("the weak one: got %v", got)
	}
	for what, change := range map[string]func(){
		"another size": func() { put(t, name, "three", 0) },
		"another time": func() { put(t, name, "two", time.Nanosecond) },
	} {
		change()
		if got := tag(modified.Add(time.Hour)); got == first || got == "" {
			t.Errorf("%s: %s", what, got)
		}
	}
	if err := os.Chtimes(name, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if _, r := get(t, h, "GET", "/a.txt"); r.Header.Has("ETag") || r.Header.Has("Last-Modified") {
		t.Errorf("of an unknown time: %v", r.Header)
	}
}

func TestNoHandlesLeakOfPrecompressed(t *testing.T) {
	h := handler(t, static.Options{Root: compressed(t), Index: true})
	requests := func() {
		for _, path := range []string{"/all.css", "/two.js", "/old.js", "/folder.js", "/noext", "/sub/", "/alone.txt"} {
			for _, coding := range []string{"", "br", "zstd", "gzip", "*"} {
				for _, field := range []gateway.Field{{Name: "X"}, {Name: "Range", Value: "bytes=1-2"}, {Name: "Range", Value: "bytes=99-"}, {Name: "If-None-Match", Value: "*"}, {Name: "If-Match", Value: `"x"`}} {
					for _, method := range []string{"GET", "HEAD"} {
						get(t, h, method, path, accept(coding), field)
					}
				}
			}
		}
	}
	requests()
	before := openFiles(t)
	requests()
	if diff := cmp.Diff(before, openFiles(t)); diff != "" {
		t.Error(diff)
	}
}
