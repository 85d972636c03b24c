package static_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/static"
)

// The file server of net/http is the oracle for conditional and range requests. What
// differs on purpose is in TestRangeDiffersFromNetHTTP.
func TestConditionsAndRangesAsNetHTTP(t *testing.T) {
	const day, before, after = "Tue, 02 Jan 2024 03:04:05 GMT", "Mon, 01 Jan 2024 03:04:05 GMT", "Wed, 03 Jan 2024 03:04:05 GMT"
	const rfc850, asctime = "Tuesday, 02-Jan-24 03:04:05 GMT", "Tue Jan  2 03:04:05 2024"
	cases := []string{
		"",
		"If-Modified-Since: " + day, "If-Modified-Since: " + before, "If-Modified-Since: " + after, "If-Modified-Since: nonsense",
		"If-Modified-Since: " + rfc850, "If-Modified-Since: " + asctime,
		"If-Unmodified-Since: " + day, "If-Unmodified-Since: " + before, "If-Unmodified-Since: " + after, "If-Unmodified-Since: x",
		`If-None-Match: "v1"`, `If-None-Match: W/"v1"`, `If-None-Match: "v2"`, `If-None-Match: "v2", "v1"`, `If-None-Match: "v2" , W/"v1"`,
		`If-None-Match: *`, `If-None-Match: v1`, `If-None-Match: "v1`, `If-None-Match: "v2",,"v1"`,
		`If-None-Match: "v2"` + "\nIf-Modified-Since: " + day,
		`If-Match: "v1"`, `If-Match: W/"v1"`, `If-Match: "v2"`, `If-Match: *`, `If-Match: "v2", "v1"`, `If-Match: nonsense`,
		`If-Match: "v1"` + "\nIf-Unmodified-Since: " + before,
		"If-Unmodified-Since: " + day + "\nIf-Modified-Since: " + day,
		"Range: bytes=0-3", "Range: bytes=5-5", "Range: bytes=-4", "Range: bytes=-400", "Range: bytes=15-",
		"Range: bytes=0-", "Range: bytes=19-", "Range: bytes=20-", "Range: bytes=50-60", "Range: bytes=5-4", "Range: bytes", "Range: bytes=a-b",
		"Range: bytes=1", "Range: bytes=-", "Range: bytes=--4", "Range: bytes=1-2-3", "Range: lines=1-2", "Range: x",
		"Range: bytes=0-1,4-5", "Range: bytes= 0-1 , 4-5", "Range: bytes=0-1,,4-5", "Range: bytes=0-1,50-60", "Range: bytes=50-,60-", "Range: bytes=0-15,1-16", "Range: bytes=0-1,x",
		"Range: bytes=0-3\nIf-Range: " + day, "Range: bytes=0-3\nIf-Range: " + before, `Range: bytes=0-3` + "\n" + `If-Range: "v1"`,
		`Range: bytes=0-3` + "\n" + `If-Range: W/"v1"`, `Range: bytes=0-3` + "\n" + `If-Range: "v2"`, "Range: bytes=0-3\nIf-Range: nonsense",
		`Range: bytes=0-3` + "\n" + `If-None-Match: "v1"`, "Range: bytes=50-60\nIf-None-Match: \"v1\"",
	}
	root := site(t)
	for _, etag := range []string{"", `"v1"`, `W/"v1"`} {
		var header gateway.Header
		if etag != "" {
			header.Add("Etag", etag)
		}
		h := handler(t, static.Options{Root: root, Header: header})
		oracle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, ours := get(t, h, "HEAD", r.URL.Path) // without one in the options, it's made of the file
			w.Header().Set("Etag", ours.Header.Get("ETag"))
			http.ServeFile(w, r, root+r.URL.Path)
		})
		for _, c := range cases {
			compare(t, h, oracle, etag, "/data.txt", c)
			if !strings.HasPrefix(c, "Range: ") || c == "Range: bytes=0-" {
				compare(t, h, oracle, etag, "/empty", c)
			}
		}
	}
}

// An outcome is what both sides are compared by.
type outcome struct {
	Status                                              int
	Type, Range, Modified, ETag, AcceptRanges, BodyText string
}

func compare(t *testing.T, h gateway.Handler, oracle http.Handler, etag, path, fields string) {
	t.Helper()
	request := httptest.NewRequest("GET", path, nil)
	var list []gateway.Field
	if fields != "" {
		for line := range strings.Lines(fields) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			request.Header.Add(name, value)
			list = append(list, gateway.Field{Name: name, Value: value})
		}
	}
	recorder := httptest.NewRecorder()
	oracle.ServeHTTP(recorder, request)
	theirs := recorder.Result()
	defer theirs.Body.Close()
	theirBody, _ := io.ReadAll(theirs.Body)
	want := outcome{
		theirs.StatusCode, theirs.Header.Get("Content-Type"), theirs.Header.Get("Content-Range"), theirs.Header.Get("Last-Modified"),
		theirs.Header.Get("Etag"), theirs.Header.Get("Accept-Ranges"), parts(t, theirs.Header.Get("Content-Type"), string(theirBody)),
	}
	ours, r := get(t, h, "GET", path, list...)
	got := outcome{
		ours.Status, r.Header.Get("Content-Type"), r.Header.Get("Content-Range"), r.Header.Get("Last-Modified"),
		r.Header.Get("Etag"), r.Header.Get("Accept-Ranges"), parts(t, r.Header.Get("Content-Type"), ours.Body),
	}
	if strings.HasPrefix(got.Type, "multipart/") && strings.HasPrefix(want.Type, "multipart/") {
		got.Type, want.Type = "", "" // the boundaries differ
	}
	if want.Status >= 400 { // what stands there is the error handler's
		want, got = outcome{Status: want.Status}, outcome{Status: got.Status}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ETag %s, %s with %q: %s", etag, path, fields, diff)
	}
}

// parts makes a multipart body comparable.
func parts(t *testing.T, contentType, body string) string {
	t.Helper()
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/byteranges" {
		return body
	}
	text := ""
	for r := multipart.NewReader(strings.NewReader(body), parameters["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			return text
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(part)
		text += part.Header.Get("Content-Type") + " " + part.Header.Get("Content-Range") + " " + string(content) + "\n"
	}
}

func TestETagThatIsNone(t *testing.T) {
	h := handler(t, static.Options{Root: site(t), Header: gateway.Header{{Name: "ETag", Value: "broken"}}})
	if got, r := get(t, h, "GET", "/data.txt", gateway.Field{Name: "If-None-Match", Value: `"broken", broken`}); got.Status != 200 || r.Header.Get("ETag") != "broken" {
		t.Errorf("got %v", got)
	}
	if got, _ := get(t, h, "GET", "/data.txt", gateway.Field{Name: "If-Modified-Since", Value: "Tue, 02 Jan 2024 03:04:05 GMT"}); got.Status != 304 {
		t.Errorf("got %v", got)
	}
}

func TestRangeDiffersFromNetHTTP(t *testing.T) {
	h := handler(t, static.Options{Root: site(t)})
	rangeOf := func(s string) gateway.Field { return gateway.Field{Name: "Range", Value: s} }
	if got, _ := get(t, h, "GET", "/data.txt", rangeOf("bytes=15-99999999999999999999")); got != (answer{206, "fghij"}) {
		t.Errorf("an end beyond all numbers: got %v", got)
	}
	for _, malformed := range []string{"bytes=", "bytes=+1-2"} {
		if got, _ := get(t, h, "GET", "/data.txt", rangeOf(malformed)); got.Status != 416 {
			t.Errorf("%s: got %v", malformed, got)
		}
	}
	for _, any := range []string{"bytes=-4", "bytes=50-60", "bytes=a-b", "lines=1-2"} {
		if got, _ := get(t, h, "GET", "/empty", rangeOf(any)); got != (answer{Status: 200}) {
			t.Errorf("%s of an empty file: got %v", any, got)
		}
	}
	if got, r := get(t, h, "GET", "/data.txt", rangeOf("bytes=-0")); got.Status != 416 || r.Header.Get("Content-Range") != "bytes */20" {
		t.Errorf("an empty suffix: got %v", got)
	}
	if got, r := get(t, h, "GET", "/data.txt", rangeOf("lines=1-2")); got.Status != 416 || r.Header.Get("Content-Range") != "bytes */20" {
		t.Errorf("another unit: got %v", got)
	}
	if got, r := get(t, h, "HEAD", "/data.txt", rangeOf("bytes=0-3")); got.Status != 200 || r.ContentLength != 20 {
		t.Errorf("HEAD: got %v", got)
	}
	big := handler(t, static.Options{Root: bigFile(t)})
	if got, _ := get(t, big, "GET", "/big", rangeOf("bytes=0-0"+strings.Repeat(",2-2", 99))); got.Status != 206 {
		t.Errorf("100 ranges: got %v", got.Status)
	}
	if got, _ := get(t, big, "GET", "/big", rangeOf("bytes=0-0"+strings.Repeat(",2-2", 100))); got.Status != 200 {
		t.Errorf("101 ranges: got %v", got.Status)
	}
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-3", "bytes=-4", "bytes=15-", "bytes=0-1,4-5", "bytes=0-1,50-60", "bytes=,", "bytes=9999999999999999999-"} {
		f.Add(s)
	}
	h := handler(f, static.Options{Root: site(f)})
	const text = "0123456789abcdefghij"
	f.Fuzz(func(t *testing.T, field string) {
		got, r := get(t, h, "GET", "/data.txt", gateway.Field{Name: "Range", Value: field})
		switch {
		case got.Status == 200 && got.Body == text, got.Status == 416:
		case got.Status == 206 && r.Header.Has("Content-Range"):
			if got.Body == "" || !strings.Contains(text, got.Body) {
				t.Errorf("got %q", got.Body)
			}
		case got.Status == 206:
			if parts(t, r.Header.Get("Content-Type"), got.Body) == got.Body {
				t.Errorf("got %q of type %q", got.Body, r.Header.Get("Content-Type"))
			}
		default:
			t.Errorf("got %v", got)
		}
	})
}
