package envexpr

import "regexp"

// POSIX compiles POSIX regular expressions (egrep), whose longest match counts.
func POSIX(pattern string, atEnd bool) (Regexp, error) {
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
