package jsonfield

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string.
func (s *scanner) text() bool {
	if !s.accept('"') {
		return false
	}
	for s.i < len(s.doc) {
		switch c := s.doc[s.i]; {
		case c == '"':
			s.i++
			return true
		case c < ' ':
			return false
		case c == '\\':
			if !s.escape() {
				return false
			}
		default:
			s.i++
		}
	}
	return false
}

func (s *scanner) escape() bool {
	rest := s.doc[s.i+1:]
	switch {
	case rest == "":
		return false
	case rest[0] != 'u':
		s.i += 2
		return strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0
	case len(rest) < 5:
		return false
	}
	s.i += 6
	_, ok := hex(rest[1:5])
	return ok
}

func hex(digits string) (rune, bool) {
	n := rune(0)
	for _, c := range []byte(digits) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | rune(c)
	}
	return n, true
}

// number reads a number.
func (s *scanner) number() bool {
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return false
	}
	if s.accept('.') && !s.digits() {
		return false
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.doc) && '0' <= s.doc[s.i] && s.doc[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// unquote is the text of a string that is known to be one.
func unquote(quoted string) string {
	s := quoted[1 : len(quoted)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' {
			b = append(b, s[0])
			s = s[1:]
			continue
		}
		c := s[1]
		if c != 'u' {
			if k := strings.IndexByte("bfnrt", c); k >= 0 {
				c = "\b\f\n\r\t"[k]
			}
			b = append(b, c)
			s = s[2:]
			continue
		}
		r, _ := hex(s[2:6])
		s = s[6:]
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if strings.HasPrefix(s, `\u`) {
				low, _ = hex(s[2:6])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				s = s[6:]
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}
