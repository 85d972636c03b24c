package journal_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/journal"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// coded is text in a content coding.
func coded(t testing.TB, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "flate":
		w, err = flate.NewWriter(&b, 1)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCodings(t *testing.T) {
	const want = "a text about nothing"
	masked := []journal.Edit{{MIME: "text/plain", Replacers: []replace.Func{replace.Left("*", 6)}}}
	gz := coded(t, "gzip", want)
	huge := coded(t, "gzip", strings.Repeat("x", 5000))
	tests := []struct {
		name, coding, body string
		want               string // "" for the body in base64
		unmaskable         bool
	}{
		{"gzip", "gzip", gz, want, false},
		{"gzip by its old name, in capitals", "X-GZIP", gz, want, false},
		{"deflate", "deflate", coded(t, "zlib", want), want, false},
		{"deflate without zlib", "deflate", coded(t, "flate", want), want, false},
		{"br", "br", coded(t, "br", want), want, false},
		{"zstd", "zstd", coded(t, "zstd", want), want, false},
		{"two", "br, gzip", coded(t, "gzip", coded(t, "br", want)), want, false},
		{"identity", "identity", want, want, false},
		{"empty", "", want, want, false},
		{"unknown", "compress", "\x1f\x9d\x90", "", true},
		{"broken", "gzip", "no gzip", "", true},
		{"cut off", "gzip", gz[:len(gz)-3], "", true},
		{"longer than the limit", "gzip", huge, "", true},
		{"broken zstd", "zstd", "no zstd", "", true},
		{"broken br", "br", "\xff\xff\xff", "", true},
		{"broken deflate", "deflate", "\xff\xff\xff", "", true},
		{"empty deflate", "deflate", "\xff", "", true},
		{"too many", "gzip,gzip,gzip,gzip,gzip", gz, "", true},
	}
	for _, tt := range tests {
		for _, length := range []int64{int64(len(tt.body)), -1} {
			for _, edits := range [][]journal.Edit{nil, masked} {
				t.Run(tt.name, func(t *testing.T) {
					want := tt.want
					if tt.unmaskable {
						want = base64.StdEncoding.EncodeToString([]byte(tt.body))
					}
					if edits != nil {
						want = edits[0].Replacers[0](tt.want)
					}
					b := journal.Bodies{MIMEs: []string{"text/plain"}, MaxBytes: 4096, Edits: edits}
					tr := newTrial(b, b)
					tr.x = newExchange("POST", strings.NewReader(tt.body), length)
					tr.x.Request.Header = gateway.Header{{Name: "Content-Type", Value: "text/plain"}, {Name: "Content-Encoding", Value: tt.coding}}
					tr.handler = gateway.HandlerFunc(func(x *gateway.Exchange) error {
						err := echo("text/plain", length)(x)
						x.Response.Header.Add("content-encoding", tt.coding)
						return err
					})
					if sent, err := tr.run(t); err != nil || sent != tt.body {
						t.Errorf("sent %q, %v", sent, err)
					}
					if request, response := tr.logged(t); request != want || response != want {
						t.Errorf("logged %q and %q, not %q", request, response, want)
					}
				})
			}
		}
	}
}

// Whatever comes as a body, it is sent on as it is and the log has lines of JSON.
func FuzzBody(f *testing.F) {
	for _, coding := range []string{"gzip", "zlib", "flate", "br", "zstd"} {
		f.Add("deflate", coded(f, coding, `{"a":1}`), "application/json")
		f.Add(coding, coded(f, coding, `{"a":1}`), "application/json")
	}
	f.Fuzz(func(t *testing.T, coding, body, contentType string) {
		b := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: 1000, Edits: []journal.Edit{{MIME: "application/json", JSONFields: []string{"a"}, Replacers: []replace.Func{replace.Fixed("2")}}}}
		tr := newTrial(b, b)
		tr.x = newExchange("POST", strings.NewReader(body), -1)
		tr.x.Request.Header = gateway.Header{{Name: "Content-Type", Value: contentType}, {Name: "Content-Encoding", Value: coding}}
		tr.handler = echo(contentType, int64(len(body)))
		if sent, err := tr.run(t); err != nil || sent != body {
			t.Errorf("sent %q, %v", sent, err)
		}
		tr.logged(t)
	})
}

func BenchmarkJournal(b *testing.B) {
	const body = `{"user":"alice","password":"p4ss"}`
	bodies := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: 4096, Edits: []journal.Edit{{MIME: "application/json", JSONFields: []string{"password"}, Replacers: []replace.Func{replace.Fixed(`"***"`)}}}}
	for name, contentType := range map[string]string{"JSON": "application/json", "OtherType": "image/png"} {
		b.Run(name, func(b *testing.B) {
			tr := newTrial(bodies, bodies)
			h := tr.middleware(b)(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				x.Response.Header.Add("Content-Type", contentType)
				x.Response.Bytes = []byte(body)
				return nil
			}))
			x, at := new(gateway.Exchange), &buffered{text: body, all: true}
			b.ReportAllocs()
			for b.Loop() {
				tr.out.Reset()
				x.Reset()
				x.Request.Target, x.Request.Method = "/a", "POST"
				x.Request.Header.Add("Content-Type", contentType)
				x.Request.Body, x.Request.ContentLength = at, int64(len(body))
				if err := h.Serve(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
