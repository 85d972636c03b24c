// Package rematch is package match for regular expressions.
package rematch

import (
	"regexp"

	"github.com/aileron-gateway/aileronc/runtime/match"
)

// Regex matches a string in which one of the RE2 expressions is found anywhere.
// It panics if an expression doesn't compile.
func Regex(patterns ...string) match.Matcher { return compile(regexp.MustCompile, patterns) }

// RegexPOSIX is Regex for POSIX extended expressions, leftmost-longest.
func RegexPOSIX(patterns ...string) match.Matcher { return compile(regexp.MustCompilePOSIX, patterns) }

// Rewrite returns a function that looks for the RE2 expression in a string. If it's
// found, each place expands the template ($1, ${name}), and the result is these one
// after the other: the text between them is dropped. Rewrite panics if the
// expression doesn't compile.
func Rewrite(pattern, template string) func(s string) (string, bool) {
	return rewrite(regexp.MustCompile(pattern), template)
}

// RewritePOSIX is Rewrite for a POSIX extended expression, leftmost-longest.
func RewritePOSIX(pattern, template string) func(s string) (string, bool) {
	return rewrite(regexp.MustCompilePOSIX(pattern), template)
}

func compile(must func(string) *regexp.Regexp, patterns []string) match.Matcher {
	if len(patterns) == 1 {
		return match.Of(must(patterns[0]).MatchString)
	}
	all := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		all[i] = must(p)
	}
	return match.Of(func(s string) bool {
		for _, re := range all {
			if re.MatchString(s) {
				return true
			}
		}
		return false
	})
}

func rewrite(re *regexp.Regexp, template string) func(s string) (string, bool) {
	return func(s string) (string, bool) {
		found := re.FindAllStringSubmatchIndex(s, -1)
		if found == nil {
			return "", false
		}
		var out []byte
		for _, groups := range found {
			out = re.ExpandString(out, template, s, groups)
		}
		return string(out), true
	}
}
