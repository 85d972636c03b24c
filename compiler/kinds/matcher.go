package kinds

import (
	"path"
	"regexp"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// MatchType is how a pattern is compared with a string.
type MatchType string

// Values lists the match types in the order of their numbers.
func (MatchType) Values() []string {
	return []string{"Exact", "Prefix", "Suffix", "Contains", "Path", "FilePath", "Regex", "RegexPOSIX"}
}

// MatcherSpec is a set of patterns, of which one must match.
type MatcherSpec struct {
	// Patterns are the patterns. Without any, nothing matches.
	Patterns []string `json:"patterns" unique:"true"`
	// MatchType is how they are compared: Exact, which is the default, Prefix, Suffix, Contains, Path (a shell pattern for the whole, in which * stops at a slash),
	// FilePath (the same with the separator of the operating system), Regex (an RE2 expression that matches anywhere) or RegexPOSIX (the same, leftmost-longest).
	MatchType MatchType `json:"matchType"`
}

// check reports patterns that are malformed, and that there are none.
func (s *MatcherSpec) check(c *Check) {
	if len(s.Patterns) == 0 {
		c.Warnf(s, diag.NoEffect, "a matcher without patterns matches nothing")
	}
	s.MatchType.check(c, s.Patterns)
}

// lower returns the match.Matcher.
func (s *MatcherSpec) lower(l *Lower) ir.Expr { return s.MatchType.lower(l, s.Patterns) }

// check reports patterns that are malformed.
func (t MatchType) check(c *Check, patterns []string) {
	for i := range patterns {
		t.checkOne(c, &patterns[i])
	}
}

func (t MatchType) checkOne(c *Check, pattern *string) {
	switch t {
	case "Path", "FilePath":
		if _, err := path.Match(*pattern, ""); err != nil {
			c.Errorf(pattern, diag.BadPattern, "the pattern %q is malformed: a bracket isn't closed, or a range or escape isn't finished", *pattern)
		}
	case "Regex", "RegexPOSIX":
		if _, err := t.compile(*pattern); err != nil {
			c.Errorf(pattern, diag.BadRegexp, "the expression doesn't compile: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
}

// isRegex reports whether patterns are regular expressions.
func (t MatchType) isRegex() bool { return t == "Regex" || t == "RegexPOSIX" }

func (t MatchType) compile(pattern string) (*regexp.Regexp, error) {
	if t == "RegexPOSIX" {
		return regexp.CompilePOSIX(pattern)
	}
	return regexp.Compile(pattern)
}

// lower returns a match.Matcher.
func (t MatchType) lower(l *Lower, patterns []string) ir.Expr {
	args := make([]ir.Expr, len(patterns))
	for i := range patterns {
		args[i] = t.pattern(l, &patterns[i])
	}
	return l.Call(t.fun(), args...)
}

// pattern returns a pattern. Regular expressions can't come from the environment: then the
// gateway would find out only when it starts that one doesn't compile.
func (t MatchType) pattern(l *Lower, p *string) ir.Expr {
	if t.isRegex() {
		return ir.String(*p)
	}
	return l.String(p)
}

// fun is the function that makes the matcher.
func (t MatchType) fun() string {
	switch {
	case t == "":
		return "match.Exact"
	case t.isRegex():
		return "match/rematch." + string(t)
	}
	return "match." + string(t)
}
