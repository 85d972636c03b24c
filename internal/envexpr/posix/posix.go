// Package posix is the regular expressions of expressions on environment variables.
// It is a package of its own so that a binary that has none of them doesn't hold an engine.
package posix

import (
	"regexp"

	"github.com/aileron-gateway/aileronc/internal/envexpr"
)

// Compile is an [envexpr.Compiler] of POSIX regular expressions (egrep), whose longest
// match counts.
func Compile(pattern string, atEnd bool) (envexpr.Regexp, error) {
	if _, err := regexp.CompilePOSIX(pattern); err != nil {
		return nil, err
	}
	// In the syntax of POSIX, $ would be the end of any line.
	expr := "(?:" + pattern + ")"
	if atEnd {
		expr += `\z`
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	re.Longest()
	return re, nil
}
