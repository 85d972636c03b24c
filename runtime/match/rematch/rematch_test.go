package rematch_test

import (
	"fmt"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/match/rematch"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		name string
		m    match.Matcher
		yes  []string
		no   []string
	}{
		{"anchored", rematch.Regex("^/test/[0-9]{3}/.*$"), []string{"/test/123/", "/test/123/x"}, []string{"/test/12/x", "/a/test/123/x"}},
		{"anywhere", rematch.Regex("b+"), []string{"abc", "b"}, []string{"", "ac"}},
		{"or", rematch.Regex("^a", "z$"), []string{"ab", "yz"}, []string{"b", "zy"}},
		{"none", rematch.Regex(), nil, []string{"", "a"}},
		{"posix", rematch.RegexPOSIX("^/[a-z]{3}/", "x$"), []string{"/abc/", "x"}, []string{"/ab/"}},
		{"posix none", rematch.RegexPOSIX(), nil, []string{""}},
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

func TestRewrite(t *testing.T) {
	type rewriter = func(string) (string, bool)
	tests := []struct {
		name     string
		rewrite  rewriter
		in, want string
		ok       bool
	}{
		{"groups", rematch.Rewrite("^/v([0-9]+)/(.*)$", "/api/$2/version-$1"), "/v2/users/7", "/api/users/7/version-2", true},
		{"named group", rematch.Rewrite("^/(?P<who>[a-z]+)$", "/u/${who}x"), "/ann", "/u/annx", true},
		{"not found", rematch.Rewrite("^/v([0-9]+)/", "/$1"), "/v/users", "", false},
		{"text outside is dropped", rematch.Rewrite("b.", "<$0>"), "/ab1/ab2/", "<b1><b2>", true},
		{"expands to nothing", rematch.Rewrite("^/a", ""), "/a/b", "", true},
		{"leftmost first", rematch.Rewrite("a|ab", "[$0]"), "ab", "[a]", true},
		{"leftmost longest", rematch.RewritePOSIX("a|ab", "[$0]"), "ab", "[ab]", true},
		{"posix not found", rematch.RewritePOSIX("x", "y"), "ab", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := test.rewrite(test.in)
			if got != test.want || ok != test.ok {
				t.Errorf("%q becomes %q, %v; want %q, %v", test.in, got, ok, test.want, test.ok)
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	rewrite := rematch.Rewrite("^/v([0-9]+)/(.*)$", "/api/$2/version-$1")
	b.ReportAllocs()
	for b.Loop() {
		rewrite("/v2/users/7")
	}
}

func Example() {
	versions := rematch.Regex("^/v[0-9]+/")
	fmt.Println(versions.Match("/v2/users"), versions.Match("/users"))
	// Output: true false
}
