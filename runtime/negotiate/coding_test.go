package negotiate_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

func TestCoding(t *testing.T) {
	offers := []string{"br", "gzip"}
	cases := []struct {
		accept string
		want   string
	}{
		{"gzip", "gzip"}, {"br", "br"}, {"gzip, br", "br"}, {"GZIP", "gzip"}, {"x-gzip", "gzip"},
		{"gzip;q=0.9, br;q=0.1", "gzip"}, {"gzip;q=0.5,br;q=0.5", "br"}, {"deflate, gzip;q=0.5", "gzip"},
		{"br;q=0, gzip", "gzip"}, {"br;q=0", ""}, {"gzip;q=0.000", ""}, {"gzip ; q = 0.3", "gzip"},
		{"", ""}, {"identity", ""}, {"deflate", ""}, {"zstd", ""}, {"brotli", ""}, {"abr", ""},
		{"*", "gzip"}, {"*;q=0", ""}, {"*;q=0, br", "br"}, {"gzip;q=0, *", ""}, {"br;q=0.5, *", "gzip"},
		{"identity, gzip;q=0.5", ""}, {"identity;q=0.5, gzip", "gzip"}, {"identity, gzip", "gzip"}, {"identity;q=0", ""},
		{"gzip;q=x", ""}, {"gzip;q=", ""}, {";q=1, gzip", "gzip"}, {",,gzip,", "gzip"}, {`gzip;a="x,br"`, "gzip"}, {"gzip;level=1;q=0.2", "gzip"},
	}
	for _, c := range cases {
		got := ""
		if i := negotiate.Coding(gateway.Header{{Name: "Accept-Encoding", Value: c.accept}}, offers); i >= 0 {
			got = offers[i]
		}
		if got != c.want {
			t.Errorf("%q gets %q, want %q", c.accept, got, c.want)
		}
	}
	if i := negotiate.Coding(nil, offers); i != -1 {
		t.Errorf("without Accept-Encoding: %d", i)
	}
	two := gateway.Header{{Name: "Accept-Encoding", Value: "br;q=0.5"}, {Name: "accept-encoding", Value: "gzip"}}
	if i := negotiate.Coding(two, offers); i != 1 {
		t.Errorf("two fields get %d", i)
	}
}

func FuzzCoding(f *testing.F) {
	f.Add("gzip;q=0.5, br;q=1, *;q=0")
	f.Fuzz(func(t *testing.T, accept string) {
		i := negotiate.Coding(gateway.Header{{Name: "Accept-Encoding", Value: accept}}, []string{"zstd", "br", "gzip"})
		if i < -1 || i > 2 {
			t.Fatal(i)
		}
	})
}

func BenchmarkCoding(b *testing.B) {
	h := gateway.Header{{Name: "Accept", Value: "*/*"}, {Name: "Accept-Encoding", Value: "gzip, deflate, br, zstd"}}
	offers := []string{"br", "gzip"}
	b.ReportAllocs()
	for b.Loop() {
		negotiate.Coding(h, offers)
	}
}
