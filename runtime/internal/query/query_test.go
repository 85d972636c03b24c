package query_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/internal/query"
)

var cases = []struct{ raw, key string }{
	{"", "a"},
	{"a=1", "a"},
	{"a=1", "A"},
	{"a", "a"},
	{"a=", "a"},
	{"=x", ""},
	{"&", ""},
	{"b=2&a=1", "a"},
	{"a=1&b=2&a=3", "a"},
	{"a=1;b=2&a=3", "a"},
	{"a=%zz&a=ok", "a"},
	{"%61=1", "a"},
	{"a+b=c+d%20e", "a b"},
	{"a+b=1", "a+b"},
	{"a%2Bb=1", "a+b"},
	{"%6=1", "%6"},
	{"a=b=c", "a"},
	{"ab=1", "a"},
}

// check compares with net/url, which is what the config language means by a query value.
func check(t *testing.T, raw, key string) {
	t.Helper()
	values, _ := url.ParseQuery(raw)
	want, wantOK := values[key]
	got, ok := query.Get(raw, key)
	if ok != wantOK || ok && got != want[0] {
		t.Errorf("Get(%q, %q) = %q, %v; want one of %q, %v", raw, key, got, ok, want, wantOK)
	}
	joined, ok := query.Joined(raw, key, ",")
	if ok != wantOK || joined != strings.Join(want, ",") {
		t.Errorf("Joined(%q, %q) = %q, %v; want %q, %v", raw, key, joined, ok, want, wantOK)
	}
}

func TestAsNetURL(t *testing.T) {
	for _, c := range cases {
		check(t, c.raw, c.key)
	}
}

func FuzzAsNetURL(f *testing.F) {
	for _, c := range cases {
		f.Add(c.raw, c.key)
	}
	f.Fuzz(check)
}

func BenchmarkGet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		query.Get("page=2&sort=name&key=abc", "key")
	}
}
