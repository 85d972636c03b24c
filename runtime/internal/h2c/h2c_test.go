package h2c

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func request(target string, more ...string) *gateway.Request {
	r := &gateway.Request{Method: "GET", Scheme: "http", Host: "gw.test", Target: target, Proto: "HTTP/1.1", RawPath: "/raw", RawQuery: "q"}
	for i := 0; i < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	return r
}

func TestAsked(t *testing.T) {
	const list, settings = "Upgrade, HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"
	for name, tt := range map[string]struct {
		r    *gateway.Request
		want bool
	}{
		"as curl does":     {request("/", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", settings), true},
		"no parameters":    {request("/", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", ""), true},
		"absolute target":  {request("http://gw.test/raw?q", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", settings), true},
		"no Upgrade":       {request("/", "Connection", list, "HTTP2-Settings", settings), false},
		"another protocol": {request("/", "Connection", list, "Upgrade", "h2c, websocket", "HTTP2-Settings", settings), false},
		"not listed":       {request("/", "Connection", "Upgrade", "Upgrade", "h2c", "HTTP2-Settings", settings), false},
		"twice":            {request("/", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", settings, "HTTP2-Settings", settings), false},
		"no base64":        {request("/", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", "!"), false},
		"half a parameter": {request("/", "Connection", list, "Upgrade", "h2c", "HTTP2-Settings", "AAMA"), false},
	} {
		if got := Asked(tt.r); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// fieldsOf reads a head of the first stream, whose end it is.
func fieldsOf(t *testing.T, frames []byte) (fields []string) {
	t.Helper()
	r := http2.NewFramer(nil, bytes.NewReader(frames))
	r.ReadMetaHeaders = hpack.NewDecoder(0, nil) // no table is needed
	f, err := r.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	h, ok := f.(*http2.MetaHeadersFrame)
	if !ok || h.StreamID != 1 || !h.StreamEnded() || !h.HeadersEnded() && len(frames) < 16<<10 {
		t.Fatalf("%v", f)
	}
	for _, f := range h.Fields {
		fields = append(fields, f.Name+": "+f.Value)
	}
	return fields
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	r := request("/a%61?b=c", "Connection", "Upgrade", "Upgrade", "h2c", "HTTP2-Settings", "", "X-Short", "a", "TE", "deflate", "Te", "trailers",
		"Keep-Alive", "1", "Cookie", strings.Repeat("y", 127), "X-Long", long)
	want := []string{":method: GET", ":scheme: http", ":authority: gw.test", ":path: /a%61?b=c", "x-short: a", "te: trailers",
		"cookie: " + strings.Repeat("y", 127), "x-long: " + long}
	if d := cmp.Diff(want, fieldsOf(t, Frames(r))); d != "" {
		t.Error(d)
	}
	if got := fieldsOf(t, Frames(request("http://gw.test/raw?q"))); got[3] != ":path: /raw?q" {
		t.Errorf("%q", got)
	}
}

// FuzzFrames holds that a field comes out as it went in.
func FuzzFrames(f *testing.F) {
	f.Add("a", "b")
	f.Add(strings.Repeat("n", 300), strings.Repeat("v", 40_000))
	f.Fuzz(func(t *testing.T, name, value string) {
		name = "x-" + strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r
			}
			return -1
		}, name)
		value = strings.Map(func(r rune) rune { return ' ' + r%64 }, strings.ToValidUTF8(value, ""))
		value = strings.Map(func(r rune) rune { return max(r, ' ') }, value)
		got := fieldsOf(t, Frames(request("/", name, value)))
		if want := name + ": " + value; got[len(got)-1] != want {
			t.Errorf("%q, not %q", got[len(got)-1], want)
		}
	})
}
