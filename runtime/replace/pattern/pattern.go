// Package pattern replaces what regular expressions match.
package pattern

import (
	"regexp"

	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Replace replaces each match of re by template, in which $1 and ${name} stand for
// what the groups of re matched, as [regexp.Regexp.Expand] says.
func Replace(re *regexp.Regexp, template string) replace.Func {
	return func(s string) string { return re.ReplaceAllString(s, template) }
}

// Literal replaces each match of re by text as it is.
func Literal(re *regexp.Regexp, text string) replace.Func {
	return func(s string) string { return re.ReplaceAllLiteralString(s, text) }
}

// Each replaces each match of re by what f makes of it.
func Each(re *regexp.Regexp, f replace.Func) replace.Func {
	return func(s string) string { return re.ReplaceAllStringFunc(s, f) }
}

// Expand replaces everything by template, expanded once for each match of re and
// joined; that is nothing if re does not match.
func Expand(re *regexp.Regexp, template string) replace.Func {
	return func(s string) string {
		var out []byte
		for _, match := range re.FindAllStringSubmatchIndex(s, -1) {
			out = re.ExpandString(out, template, s, match)
		}
		return string(out)
	}
}
