// Package match tests strings against the patterns of a config: request paths,
// header values, query values. Regular expressions are in the package rematch, so
// that a gateway without them doesn't link them.
package match

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Matcher tests strings against patterns, of which one has to hold. The zero
// value matches nothing, as does a matcher without patterns.
type Matcher struct {
	test     func(s string) bool
	prefixes []string
}

// Of is a matcher that asks test.
func Of(test func(s string) bool) Matcher { return Matcher{test: test} }

// Prefixes are such that each string which m matches begins with one of them. There are none if that isn't known.
func (m Matcher) Prefixes() []string { return m.prefixes }

// Match reports whether one of the patterns holds for s.
func (m Matcher) Match(s string) bool { return m.test != nil && m.test(s) }

// manyPatterns is where a map look-up becomes faster than comparing one by one.
const manyPatterns = 8

// Exact matches a string that equals one of the patterns.
func Exact(patterns ...string) Matcher {
	m := Matcher{prefixes: patterns}
	switch {
	case len(patterns) == 1:
		pattern := patterns[0]
		m.test = func(s string) bool { return s == pattern }
	case len(patterns) > manyPatterns:
		set := make(map[string]struct{}, len(patterns))
		for _, p := range patterns {
			set[p] = struct{}{}
		}
		m.test = func(s string) bool { _, ok := set[s]; return ok }
	default:
		m.test = func(s string) bool { return slices.Contains(patterns, s) }
	}
	return m
}

// Prefix matches a string that begins with one of the patterns.
func Prefix(patterns ...string) Matcher {
	return Matcher{func(s string) bool {
		for _, p := range patterns {
			if strings.HasPrefix(s, p) {
				return true
			}
		}
		return false
	}, patterns}
}

// Suffix matches a string that ends in one of the patterns.
func Suffix(patterns ...string) Matcher {
	return Of(func(s string) bool {
		for _, p := range patterns {
			if strings.HasSuffix(s, p) {
				return true
			}
		}
		return false
	})
}

// Contains matches a string that one of the patterns is a part of.
func Contains(patterns ...string) Matcher {
	return Of(func(s string) bool {
		for _, p := range patterns {
			if strings.Contains(s, p) {
				return true
			}
		}
		return false
	})
}

// Path matches a string that fits one of the shell patterns of [path.Match] as
// a whole; "*" stops at "/". A malformed pattern fits nothing.
func Path(patterns ...string) Matcher {
	return Of(func(s string) bool {
		for _, p := range patterns {
			if ok, err := path.Match(p, s); ok && err == nil {
				return true
			}
		}
		return false
	})
}

// FilePath is Path with the separator of the operating system, by [filepath.Match].
func FilePath(patterns ...string) Matcher {
	return Of(func(s string) bool {
		for _, p := range patterns {
			if ok, err := filepath.Match(p, s); ok && err == nil {
				return true
			}
		}
		return false
	})
}
