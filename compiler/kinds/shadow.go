package kinds

import (
	"path"
	"reflect"
	"slices"
	"strings"
)

// covers reports whether each request that matches later matches s, too: if s comes
// first, later gets none. It says no if it can't tell.
func (s *LoadBalancerSpec) covers(c *Check, later *LoadBalancerSpec) bool {
	paths := later.paths()
	if len(paths) == 0 || !s.conditionsCover(c, later) {
		return false
	}
	for _, p := range paths {
		if !slices.ContainsFunc(s.paths(), func(q *PathMatcherSpec) bool { return q.covers(c, p) }) {
			return false
		}
	}
	return true
}

// conditionsCover is covers for everything but the path.
func (s *LoadBalancerSpec) conditionsCover(c *Check, later *LoadBalancerSpec) bool {
	return subset(later.Methods, s.Methods, func(a, b HTTPMethod) bool { return a == b }) &&
		subset(later.Hosts, s.Hosts, strings.EqualFold) &&
		sameParams(c, s.HeaderMatchers, later.HeaderMatchers) &&
		sameParams(c, s.QueryMatchers, later.QueryMatchers) &&
		sameParams(c, s.PathParamMatchers, later.PathParamMatchers)
}

// subset reports whether all of part are in whole. Empty stands for everything.
func subset[T any](part, whole []T, equal func(a, b T) bool) bool {
	if len(whole) == 0 {
		return true
	}
	return len(part) > 0 && !slices.ContainsFunc(part, func(p T) bool {
		return !slices.ContainsFunc(whole, func(w T) bool { return equal(p, w) })
	})
}

// sameParams reports whether conditions are none or the same ones.
func sameParams(c *Check, params, later []ParamMatcherSpec) bool {
	if len(params) == 0 {
		return true
	}
	for i := range params {
		p := &params[i]
		if c.Deferred(&p.Key) {
			return false
		}
		for j := range p.Patterns {
			if c.Deferred(&p.Patterns[j]) {
				return false
			}
		}
	}
	return reflect.DeepEqual(params, later)
}

// covers reports whether all paths that match p match s, too.
func (s *PathMatcherSpec) covers(c *Check, p *PathMatcherSpec) bool {
	for _, f := range []*string{&s.Match, &s.TrimPrefix, &p.Match, &p.TrimPrefix} {
		if c.Deferred(f) {
			return false
		}
	}
	switch {
	case s.anyPath():
		return true
	case s.TrimPrefix == p.TrimPrefix:
		return s.MatchType.covers(s.Match, p.MatchType, p.Match)
	case s.TrimPrefix != "":
		return false
	}
	// p matches paths with its prefix and without.
	return s.MatchType == "Prefix" && (p.MatchType == "Prefix" || p.MatchType.isExact()) &&
		strings.HasPrefix(p.Match, s.Match) && strings.HasPrefix(p.TrimPrefix+p.Match, s.Match)
}

// anyPath reports whether s matches all paths as they come.
func (s *PathMatcherSpec) anyPath() bool {
	if s.TrimPrefix != "" {
		return false
	}
	switch s.MatchType {
	case "Prefix", "Contains":
		return s.Match == "" || s.Match == "/"
	case "Suffix":
		return s.Match == ""
	}
	return false
}

func (t MatchType) isExact() bool { return t == "" || t == "Exact" }

// covers reports whether the pattern matches all that another one matches.
func (t MatchType) covers(pattern string, other MatchType, otherPattern string) bool {
	if t == other && pattern == otherPattern {
		return true
	}
	if other.isExact() {
		return t.matches(pattern, otherPattern)
	}
	switch t {
	case "Prefix":
		return pattern == "" || other == "Prefix" && strings.HasPrefix(otherPattern, pattern)
	case "Suffix":
		return pattern == "" || other == "Suffix" && strings.HasSuffix(otherPattern, pattern)
	case "Contains":
		return pattern == "" || (other == "Prefix" || other == "Suffix" || other == "Contains") && strings.Contains(otherPattern, pattern)
	}
	return false
}

// matches reports whether pattern matches s.
func (t MatchType) matches(pattern, s string) bool {
	switch t {
	case "Prefix":
		return strings.HasPrefix(s, pattern)
	case "Suffix":
		return strings.HasSuffix(s, pattern)
	case "Contains":
		return strings.Contains(s, pattern)
	case "Path", "FilePath":
		ok, err := path.Match(pattern, s)
		return ok && err == nil
	case "Regex", "RegexPOSIX":
		re, err := t.compile(pattern)
		return err == nil && re.MatchString(s)
	}
	return s == pattern
}
