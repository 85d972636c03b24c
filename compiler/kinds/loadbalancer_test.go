package kinds

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
)

func TestPathCovers(t *testing.T) {
	path := func(t MatchType, match string) PathMatcherSpec { return PathMatcherSpec{MatchType: t, Match: match} }
	trim := func(trim string, t MatchType, match string) PathMatcherSpec {
		return PathMatcherSpec{TrimPrefix: trim, MatchType: t, Match: match}
	}
	cases := []struct {
		name           string
		earlier, later PathMatcherSpec
		want           bool
	}{
		{"the same", path("Path", "/a/*"), path("Path", "/a/*"), true},
		{"the same expression", path("Regex", "^/a"), path("Regex", "^/a"), true},
		{"other expressions can't be told", path("Regex", "^/"), path("Regex", "^/a"), false},
		{"all before a suffix", path("Prefix", "/"), path("Suffix", ".css"), true},
		{"all before an expression", path("Prefix", ""), path("Regex", "x"), true},
		{"all before a trimmed one", path("Prefix", "/"), trim("/pre", "Prefix", "x"), true},
		{"shorter prefix", path("Prefix", "/a"), path("Prefix", "/ab"), true},
		{"longer prefix", path("Prefix", "/ab"), path("Prefix", "/a"), false},
		{"prefix before exact", path("Prefix", "/a"), path("", "/a/b"), true},
		{"prefix before another exact", path("Prefix", "/a"), path("Exact", "/b"), false},
		{"exact before prefix", path("Exact", "/a"), path("Prefix", "/a"), false},
		{"expression before exact", path("Regex", "^/[a-z]+$"), path("Exact", "/a"), true},
		{"shell pattern before exact", path("Path", "/a/*"), path("Exact", "/a/b"), true},
		{"shell pattern before a deeper one", path("Path", "/a/*"), path("Exact", "/a/b/c"), false},
		{"suffix", path("Suffix", "css"), path("Suffix", ".css"), true},
		{"part of a prefix", path("Contains", "/api/"), path("Prefix", "/v1/api/"), true},
		{"not part of a shell pattern", path("Contains", "a"), path("Path", "a"), false},
		{"trimmed alike", trim("/pre", "Prefix", "/a"), trim("/pre", "Prefix", "/ab"), true},
		{"trimmed, before what isn't", trim("/pre", "Prefix", ""), path("Prefix", "/a"), false},
		{"before what is trimmed, both ways", path("Prefix", "/a"), trim("/a", "Exact", "/ab"), true},
		{"before what is trimmed, one way", path("Prefix", "/a"), trim("/pre", "Prefix", "/a"), false},
	}
	c := &Check{Values: decode.NewValues(diag.Pos{}, "")}
	for _, test := range cases {
		if got := test.earlier.covers(c, &test.later); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestConditionsCover(t *testing.T) {
	one := []ParamMatcherSpec{{Key: "X", Patterns: []string{"1"}}}
	two := []ParamMatcherSpec{{Key: "X", Patterns: []string{"2"}}}
	cases := []struct {
		name           string
		earlier, later LoadBalancerSpec
		want           bool
	}{
		{"none", LoadBalancerSpec{}, LoadBalancerSpec{}, true},
		{"more conditions", LoadBalancerSpec{}, LoadBalancerSpec{Methods: []HTTPMethod{"GET"}, Hosts: []string{"a"}, HeaderMatchers: one}, true},
		{"fewer methods", LoadBalancerSpec{Methods: []HTTPMethod{"GET", "PUT"}}, LoadBalancerSpec{Methods: []HTTPMethod{"PUT"}}, true},
		{"more methods", LoadBalancerSpec{Methods: []HTTPMethod{"GET"}}, LoadBalancerSpec{Methods: []HTTPMethod{"GET", "PUT"}}, false},
		{"all methods", LoadBalancerSpec{Methods: []HTTPMethod{"GET"}}, LoadBalancerSpec{}, false},
		{"hosts in another case", LoadBalancerSpec{Hosts: []string{"A"}}, LoadBalancerSpec{Hosts: []string{"a"}}, true},
		{"other hosts", LoadBalancerSpec{Hosts: []string{"a"}}, LoadBalancerSpec{Hosts: []string{"b"}}, false},
		{"the same header", LoadBalancerSpec{HeaderMatchers: one}, LoadBalancerSpec{HeaderMatchers: one}, true},
		{"another header", LoadBalancerSpec{HeaderMatchers: one}, LoadBalancerSpec{HeaderMatchers: two}, false},
		{"no query", LoadBalancerSpec{QueryMatchers: one}, LoadBalancerSpec{}, false},
		{"no path param", LoadBalancerSpec{PathParamMatchers: one}, LoadBalancerSpec{}, false},
	}
	c := &Check{Values: decode.NewValues(diag.Pos{}, "")}
	for _, test := range cases {
		if got := test.earlier.conditionsCover(c, &test.later); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestUnknownGroups(t *testing.T) {
	cases := []struct {
		expression, template string
		want                 []string
	}{
		{"(a)(b)", "$1$2${1}$0", nil},
		{"(a)", "$2 $10 $99999999999999999999", []string{"2", "10", "99999999999999999999"}},
		{"(a)", "$1_x ${1}_x", []string{"1_x"}},
		{"(?P<who>a)", "${who} $who $whom", []string{"whom"}},
		{"a", "$$1 $ a$", nil},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, unknownGroups(regexp.MustCompile(c.expression), c.template)); diff != "" {
			t.Errorf("%s with %s: %s", c.template, c.expression, diff)
		}
	}
}
