package authcode

import "strings"

// localTarget reports whether s is a path of this site, perhaps with a query, that a browser takes for nothing else
// when it's in a Location field.
//
// Browsers take "//host" for another host and "\" for "/"; they drop tabs and line feeds wherever they stand, and
// control characters and blanks at the ends (WHATWG URL, section 4.4). So none of these may be in it.
func localTarget(s string) bool {
	if s == "" || s[0] != '/' || strings.HasPrefix(s, "//") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// asciiTarget escapes what isn't ASCII in a target, as a Location field needs it.
func asciiTarget(s string) string {
	const hex = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x80 && b != nil:
			b = append(b, c)
		case c >= 0x80:
			if b == nil {
				b = append(make([]byte, 0, len(s)+32), s[:i]...)
			}
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	if b == nil {
		return s
	}
	return string(b)
}
