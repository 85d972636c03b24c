package kinds

import (
	"regexp"
	"strings"
	"testing"
)

func TestSimplify(t *testing.T) {
	const regex = "match/rematch.Regex"
	for _, test := range []struct{ pattern, fun, arg string }{
		{"^/foo", "match.Prefix", "/foo"},
		{"^/foo*", "match.Prefix", "/fo"},
		{"^/bar.*", "match.Prefix", "/bar"},
		{"^/bar.*$", regex, "^/bar.*$"}, // the dot stops at line feeds
		{"^/(api)/v1", "match.Prefix", "/api/v1"},
		{`\.html$`, "match.Suffix", ".html"},
		{".*refused.*", "match.Contains", "refused"},
		{"connection refused", "match.Contains", "connection refused"},
		{"^/exact$", "match.Exact", "/exact"},
		{`\A/exact\z`, "match.Exact", "/exact"},
		{"", "match.Contains", ""},
		{"^", "match.Prefix", ""},
		{"x?", "match.Contains", ""},
		{"(?i)refused", regex, "(?i)refused"},
		{"(?m)^x", regex, "(?m)^x"},
		{"a|b", regex, "a|b"},
		{"/v[0-9]+/", regex, "/v[0-9]+/"},
		{"^.*x", regex, "^.*x"},
		{`\bx`, regex, `\bx`},
		{"a.c", regex, "a.c"},
	} {
		if fun, arg := simplify(test.pattern); fun != test.fun || arg != test.arg {
			t.Errorf("%q: got %s(%q), want %s(%q)", test.pattern, fun, arg, test.fun, test.arg)
		}
	}
}

// What an expression becomes must match the same strings.
func FuzzSimplify(f *testing.F) {
	for _, p := range []string{"^/foo*", ".*a.*", "^(a)b?$", "x*$", "a{0,2}b", "^(^a)", "(a$)b?", "($)a*"} {
		f.Add(p, "/foo")
		f.Add(p, "ab\n")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		fun, arg := simplify(pattern)
		got := false
		switch fun {
		case "match.Exact":
			got = s == arg
		case "match.Prefix":
			got = strings.HasPrefix(s, arg)
		case "match.Suffix":
			got = strings.HasSuffix(s, arg)
		case "match.Contains":
			got = strings.Contains(s, arg)
		default:
			return
		}
		if want := re.MatchString(s); got != want {
			t.Errorf("%q in %q: %s(%q) says %v, the expression %v", pattern, s, fun, arg, got, want)
		}
	})
}
