package static_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/internal/mediatype"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

func ExampleNewEmbedded() {
	h := static.NewEmbedded(static.Options{}, []static.File{
		{Path: "hello.txt", Type: "text/plain; charset=utf-8", ETag: `"1"`, Data: []byte("hello\n")},
	})
	x := &gateway.Exchange{Request: gateway.Request{Method: "GET", Path: "/hello.txt"}}
	if err := h.Serve(x); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d %s %s", x.Response.Status, x.Response.Header.Get("ETag"), x.Response.Bytes)
	// Output: 200 "1" hello
}

// embed reads the files of a folder, as the compiler does it.
func embed(t testing.TB, root string) []static.File {
	t.Helper()
	var files []static.File
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, e fs.DirEntry, err error) error {
		info, statErr := os.Stat(filepath.Join(root, name)) // what links lead to
		if err != nil || statErr != nil || !info.Mode().IsRegular() || name == "outside" || name == "absolute" {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		contentType := mediatype.ByExtension(path.Ext(name))
		if contentType == "" {
			contentType = mediatype.Sniff(data)
		}
		files = append(files, static.File{Path: name, Type: contentType, ETag: tagOf(data), Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// What is in the binary is answered as what is in the folder, but for dates and tags.
func TestEmbeddedAsTheFolder(t *testing.T) {
	root := site(t)
	// An embedded site has neither links to folders nor empty folders.
	for _, name := range []string{"dirlink", "sub/up", "list/gone"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	files := embed(t, root)
	for _, name := range []string{"outside", "absolute", "loop"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []static.Options{
		{}, {Index: true}, {Listing: true}, {Index: true, Listing: true, StripPrefix: "/pub"},
		{Index: true, Header: gateway.Header{{Name: "X-A", Value: "1"}, {Name: "ETag", Value: `"own"`}, {Name: "Content-Type", Value: "text/x-own"}}},
	} {
		o.Root = root
		folder, embedded := handler(t, o), static.NewEmbedded(o, files)
		for _, p := range []string{
			"/", "", "/data.txt", "/UPPER.TXT", "/noext", "/page", "/empty", "/.hidden", "/with space.txt", "/a.unknown-type", "/inside", "/sub", "/sub/", "/sub/index.html", "/sub/a.txt",
			"/list", "/list/", "/list/in", "/list/in/", "/list/x:y", "/data.txt/", "/data.txt/x", "/nope", "/../secret.txt", "/outside", "/absolute", "/loop", "/data.txt\x00", `/..\secret.txt`, "/sub//a.txt", "/sub/../data.txt",
		} {
			p = o.StripPrefix + p
			for _, method := range []string{"GET", "HEAD", "POST"} {
				for _, field := range []string{"X: x", "Range: bytes=1-2", "Range: bytes=0-0,2-3", "Range: bytes=99-", "If-None-Match: *", `If-None-Match: "own"`, "If-Match: *", `If-Match: "other"`} {
					name, value, _ := strings.Cut(field, ": ")
					got, r := get(t, embedded, method, p, gateway.Field{Name: name, Value: value})
					want, wr := get(t, folder, method, p, gateway.Field{Name: name, Value: value})
					got.Body, want.Body = parts(t, r.Header.Get("Content-Type"), got.Body), parts(t, wr.Header.Get("Content-Type"), want.Body)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%+v: %s %s with %s: %s", o, method, p, field, diff)
					}
					if diff := cmp.Diff(comparable(wr.Header, o.Header), comparable(r.Header, o.Header)); diff != "" || r.ContentLength != wr.ContentLength {
						t.Errorf("%+v: %s %s with %s: length %d and %d, %s", o, method, p, field, wr.ContentLength, r.ContentLength, diff)
					}
				}
			}
		}
	}
}

// comparable leaves out what differs on purpose.
func comparable(h, own gateway.Header) (out gateway.Header) {
	for _, f := range h {
		switch {
		case gateway.EqualName(f.Name, "Last-Modified"), gateway.EqualName(f.Name, "ETag") && !own.Has("ETag"):
		case strings.HasPrefix(f.Value, "multipart/byteranges; "):
			out.Add(f.Name, "multipart/byteranges")
		default:
			out.Add(f.Name, f.Value)
		}
	}
	return out
}

func TestEmbeddedCodings(t *testing.T) {
	h := static.NewEmbedded(static.Options{Index: true}, []static.File{
		{Path: "a.css", Type: "text/css; charset=utf-8", ETag: `"a"`, Data: []byte("plain"), Encoded: []static.Encoded{
			{Coding: "gzip", ETag: `"a-gzip"`, Data: []byte("zipped")}, {Coding: "br", ETag: `"a-br"`, Data: []byte("brotli")}, {Coding: "rot13", ETag: `"x"`, Data: []byte("cynva")},
		}},
		{Path: "index.html", Type: "text/html; charset=utf-8", ETag: `"i"`, Data: []byte("index"), Encoded: []static.Encoded{{Coding: "zstd", ETag: `"i-zstd"`, Data: []byte("small")}}},
		{Path: "b.css", Type: "text/css; charset=utf-8", ETag: `"b"`, Data: []byte("alone")},
	})
	for _, tt := range []struct{ path, accept, body, coding, etag string }{
		{"/a.css", "gzip, br, rot13", "brotli", "br", `"a-br"`},
		{"/a.css", "rot13, gzip", "zipped", "gzip", `"a-gzip"`},
		{"/a.css", "rot13", "plain", "", `"a"`},
		{"/", "zstd", "small", "zstd", `"i-zstd"`},
		{"/b.css", "gzip", "alone", "", `"b"`},
	} {
		got, r := get(t, h, "GET", tt.path, accept(tt.accept))
		if got != (answer{200, tt.body}) || r.Header.Get("Content-Encoding") != tt.coding || r.Header.Get("ETag") != tt.etag || r.Header.HasToken("Vary", "Accept-Encoding") != (tt.path != "/b.css") {
			t.Errorf("%s for %s: got %v, %v", tt.path, tt.accept, got, r.Header)
		}
		if got, _ := get(t, h, "GET", tt.path, accept(tt.accept), gateway.Field{Name: "Range", Value: "bytes=-3"}, gateway.Field{Name: "If-Range", Value: tt.etag}); got != (answer{206, tt.body[len(tt.body)-3:]}) {
			t.Errorf("a range of %s for %s: got %v", tt.path, tt.accept, got)
		}
		if got, _ := get(t, h, "GET", tt.path, accept(tt.accept), gateway.Field{Name: "If-None-Match", Value: tt.etag}); got.Status != 304 {
			t.Errorf("%s for %s, unchanged: got %v", tt.path, tt.accept, got)
		}
	}
	if got, _ := get(t, h, "GET", "/a.css.gz", accept("gzip")); got.Status != 404 {
		t.Errorf("what the compiler has compressed has no path: got %v", got)
	}
}
