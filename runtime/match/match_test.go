package match_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/match"
)

func many(n int) (patterns []string) {
	for i := range n {
		patterns = append(patterns, "/p"+strconv.Itoa(i))
	}
	return patterns
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name string
		m    match.Matcher
		yes  []string
		no   []string
	}{
		{"zero", match.Matcher{}, nil, []string{"", "/"}},
		{"of", match.Of(func(s string) bool { return len(s) == 2 }), []string{"ab"}, []string{"a", ""}},

		{"exact", match.Exact("/a"), []string{"/a"}, []string{"", "/", "/a/", "/A", "/ab"}},
		{"exact empty", match.Exact(""), []string{""}, []string{"/"}},
		{"exact or", match.Exact("/a", "/b"), []string{"/a", "/b"}, []string{"/c", "/a/b"}},
		{"exact many", match.Exact(many(20)...), many(20), []string{"/p20", "/p", ""}},
		{"exact none", match.Exact(), nil, []string{"", "/"}},

		{"prefix", match.Prefix("/a", "/b/"), []string{"/a", "/ab", "/b/", "/b/x"}, []string{"", "/b", "x/a"}},
		{"prefix empty", match.Prefix(""), []string{"", "/"}, nil},
		{"prefix none", match.Prefix(), nil, []string{"", "/"}},

		{"suffix", match.Suffix(".js", ".css"), []string{".js", "/a.js", "/b.css"}, []string{"/a.js/", "/js"}},
		{"suffix none", match.Suffix(), nil, []string{"", "/"}},

		{"contains", match.Contains("/a/", "b"), []string{"/x/a/y", "b", "abc"}, []string{"/a", ""}},
		{"contains none", match.Contains(), nil, []string{"", "/"}},

		{"path", match.Path("/a/*", "/b?"), []string{"/a/", "/a/x", "/b1"}, []string{"/a/x/y", "/b", "/b/"}},
		{"path malformed", match.Path("/a/["), nil, []string{"/a/", "/a/["}},
		{"path malformed among good ones", match.Path("[", "/b"), []string{"/b"}, []string{"["}},
		{"path none", match.Path(), nil, []string{"", "/"}},

		{"file path", match.FilePath("/a/*", "/b?"), []string{"/a/", "/a/x", "/b1"}, []string{"/a/x/y", "/b"}},
		{"file path malformed", match.FilePath("/a/["), nil, []string{"/a/", "/a/["}},
		{"file path none", match.FilePath(), nil, []string{"", "/"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, s := range test.yes {
				if !test.m.Match(s) {
					t.Errorf("%q does not match", s)
				}
			}
			for _, s := range test.no {
				if test.m.Match(s) {
					t.Errorf("%q matches", s)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name string
		m    match.Matcher
	}{
		{"exact", match.Exact("/api/users")},
		{"exact-20", match.Exact(many(20)...)},
		{"prefix", match.Prefix("/api/")},
		{"path", match.Path("/api/*")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.m.Match("/api/users")
			}
		})
	}
}

func Example() {
	static := match.Suffix(".js", ".css")
	fmt.Println(static.Match("/site.css"), static.Match("/index.html"))
	// Output: true false
}
