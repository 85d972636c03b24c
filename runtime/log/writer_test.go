package log

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

func FuzzJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := appendJSON(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, r := range string(b) {
			if unicode.IsControl(r) {
				t.Errorf("%q contains %U", b, r)
			}
		}
	})
}

func FuzzQuoted(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(appendQuoted(nil, []byte(s))), strconv.Quote(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

var seeds = []string{
	"", "plain", `"\`, "\x00\x1f\x7f\u0080\u009f\u00a0", "é\u2028\u2029\ufeff", "\xff\xc3", "\xed\xa0\x80", "\U0001F600\ufffd",
}

var benchAttrs = []gateway.Attr{gateway.Object("request",
	gateway.Object("header", gateway.String("Accept", "*/*"), gateway.String("User-Agent", "curl/8.5.0")),
	gateway.String("host", "api.example.com"), gateway.String("id", "Kq7Z5mX3m0AAAAAAAAAB"),
	gateway.String("method", "GET"), gateway.String("path", "/users/42"), gateway.String("proto", "HTTP/1.1"),
	gateway.String("query", "a=b"), gateway.String("remote", "192.0.2.7:41234"), gateway.Int("size", 0),
)}

type devNull struct{}

func (devNull) Write(p []byte) (int, error) { return len(p), nil }

var _ io.Writer = devNull{}

func BenchmarkLog(b *testing.B) {
	for name, o := range map[string]Options{
		"NoLocation": {NoLocation: true},
		"Location":   {},
		"Text":       {NoLocation: true, Unstructured: true},
		"Edits":      {NoLocation: true, FieldReplacers: []FieldReplacer{{"request.header.Accept", replace.Fixed("-")}, {"request.query", nil}}},
	} {
		b.Run(name, func(b *testing.B) {
			o.Output = devNull{}
			var l gateway.Logger = New(o)
			b.ReportAllocs()
			for b.Loop() {
				l.Log(nil, gateway.LevelInfo, "server", benchAttrs...)
			}
		})
	}
}

// A byte that isn't plain is found wherever it is.
func TestIsPlain(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				s := []byte(strings.Repeat("~", length))
				s[at] = byte(c)
				if got := isPlain(s); got != plain[c] {
					t.Fatalf("%t for %q", got, s)
				}
			}
		}
	}
}
