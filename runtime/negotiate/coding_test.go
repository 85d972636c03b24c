package negotiate_test

import (
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

var codings = []string{"br", "zstd", "gzip"}

func TestCoding(t *testing.T) {
	for _, tt := range []struct{ accept, want string }{
		{"-", ""}, {"", ""}, {"identity", ""}, {"deflate", ""}, {"compress, deflate", ""},
		{"gzip", "gzip"}, {"GZip", "gzip"}, {"x-gzip", "gzip"}, {"gzip, br", "br"}, {"gzip,deflate,br,zstd", "br"}, {" gzip ;q=1 , zstd", "zstd"},
		{"*", "br"}, {"*;q=0", ""}, {"gzip, *;q=0", "gzip"}, {"*, br;q=0", "zstd"}, {"*;q=0.1, gzip;q=0.2", "gzip"}, {"br;q=0, *", "zstd"}, {"*;q=0.5, br;q=0.1", "zstd"},
		{"br;q=0.5, gzip", "gzip"}, {"br;q=0.5, gzip;q=0.5", "br"}, {"gzip;q=0.001", "gzip"}, {"gzip;q=0", ""}, {"gzip;q=0.000", ""}, {"br;q=0, gzip;q=0", ""},
		{"identity, gzip;q=0.5", ""}, {"identity;q=0.5, gzip;q=0.5", "gzip"}, {"identity;q=0.5, gzip", "gzip"}, {"identity;q=0, *;q=0", ""}, {"identity;q=0", ""}, {"identity;q=1, *;q=0.5", ""},
		{"gzip;q=x", ""}, {"gzip;q=", ""}, {"gzip;q=2", "gzip"}, {"gzip;level=9", "gzip"}, {";q=1", ""}, {",,gzip,,", "gzip"}, {"gzipped", ""}, {"br\tgzip", ""},
		{"gzip|br", "br"}, {"gzip;q=0|gzip", ""}, {"identity|gzip;q=0.9", ""}, // two fields
	} {
		var h gateway.Header
		if tt.accept != "-" {
			for value := range strings.SplitSeq(tt.accept, "|") {
				h.Add("Accept-Encoding", value)
			}
		}
		h.Add("Accept", "br")
		got := ""
		if i := negotiate.Coding(h, codings); i >= 0 {
			got = codings[i]
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.accept, got, tt.want)
		}
	}
}

func FuzzCoding(f *testing.F) {
	for _, s := range []string{"gzip, br;q=0.5", "*;q=0", `br;q="1", identity`, ",;=", "x-gzip;q=.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		i := negotiate.Coding(gateway.Header{{Name: "Accept-Encoding", Value: accept}}, codings)
		if i >= len(codings) || i >= 0 && !strings.Contains(accept, "*") && !strings.Contains(strings.ToLower(accept), codings[i]) {
			t.Errorf("got %d", i)
		}
	})
}

func BenchmarkCoding(b *testing.B) {
	h := gateway.Header{{Name: "Accept", Value: "*/*"}, {Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"}}
	b.ReportAllocs()
	for b.Loop() {
		if negotiate.Coding(h, codings) != 0 {
			b.Fatal("not br")
		}
	}
}
