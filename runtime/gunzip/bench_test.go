package gunzip_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/gunzip"
)

func BenchmarkServe(b *testing.B) {
	for _, bb := range []struct {
		name, coding, body string
	}{
		{"identity", "", "hello"},
		{"gzip-1KiB", "gzip", strings.Repeat("0123456789abcdef", 64)},
		{"gzip-64KiB", "gzip", strings.Repeat("0123456789abcdef", 4096)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			content := []byte(bb.body)
			if bb.coding != "" {
				content = gzipped(bb.body)
			}
			var source bytes.Reader
			var upstream io.ReadCloser = struct {
				io.Reader
				io.Closer
			}{&source, gateway.NoBody}
			h := gunzip.New()(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
				source.Reset(content)
				leg.Response.Body, leg.Response.ContentLength = upstream, int64(len(content))
				if bb.coding != "" {
					leg.Response.Header.Add("Content-Encoding", bb.coding)
				}
				return nil
			}))
			leg, buf := new(gateway.Exchange), make([]byte, 32<<10)
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				leg.Request.Header.Add("Accept", "*/*")
				if err := h.Serve(leg); err != nil {
					b.Fatal(err)
				}
				for {
					if _, err := leg.Response.Body.Read(buf); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
				leg.Reset()
			}
		})
	}
}
