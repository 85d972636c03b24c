// Package jsonval reads JSON into the values that encoding/json makes of it: string, float64, bool,
// nil, []any and map[string]any. It does so without reflection, for gateways that
// need no more of JSON than that.
package jsonval

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested: what reads them calls itself.
const maxDepth = 256

var (
	errEnd   = errors.New("the JSON ends too early")
	errDepth = errors.New("the JSON is nested too deeply")
)

// Parse reads text, which holds one value and nothing behind it. Of a name that an object has twice,
// the last value counts. Errors tell where, but quote nothing: the text may be secret.
func Parse(text string) (any, error) {
	p := parser{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(text) {
		return nil, p.unexpected()
	}
	return v, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return errEnd
	}
	return fmt.Errorf("the JSON is malformed at byte %d", p.at+1)
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next reports whether c comes next, after blanks, and takes it.
func (p *parser) next(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (any, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, errEnd
	}
	switch p.text[p.at] {
	case '{':
		p.at++
		return p.object(depth + 1)
	case '[':
		p.at++
		return p.array(depth + 1)
	case '"':
		p.at++
		return p.string()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	}
	return p.number()
}

func (p *parser) word(word string) error {
	for i := range len(word) {
		if p.at >= len(p.text) || p.text[p.at] != word[i] {
			return p.unexpected()
		}
		p.at++
	}
	return nil
}

func (p *parser) object(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	m := make(map[string]any)
	if p.next('}') {
		return m, nil
	}
	for {
		if !p.next('"') {
			return nil, p.unexpected()
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if !p.next(':') {
			return nil, p.unexpected()
		}
		if m[name], err = p.value(depth); err != nil {
			return nil, err
		}
		if p.next('}') {
			return m, nil
		}
		if !p.next(',') {
			return nil, p.unexpected()
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	list := []any{}
	if p.next(']') {
		return list, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.next(']') {
			return list, nil
		}
		if !p.next(',') {
			return nil, p.unexpected()
		}
	}
}

// string reads what follows a quotation mark. What isn't UTF-8 becomes U+FFFD.
func (p *parser) string() (string, error) {
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[start : p.at-1], nil
		case c == '\\' || c >= utf8.RuneSelf:
			return p.unescape(start)
		case c < ' ':
			return "", p.unexpected()
		}
		p.at++
	}
	return "", errEnd
}

func (p *parser) unescape(start int) (string, error) {
	b := []byte(p.text[start:p.at])
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return string(b), nil
		case c == '\\':
			p.at++
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < ' ':
			return "", p.unexpected()
		case c < utf8.RuneSelf:
			b = append(b, c)
			p.at++
		default:
			r, n := utf8.DecodeRuneInString(p.text[p.at:])
			b = utf8.AppendRune(b, r)
			p.at += n
		}
	}
	return "", errEnd
}

// escape reads what follows a backslash.
func (p *parser) escape() (rune, error) {
	if p.at >= len(p.text) {
		return 0, errEnd
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	}
	p.at--
	return 0, p.unexpected()
}

// unicode reads four digits, and the second half of a surrogate pair, if there is one.
func (p *parser) unicode() (rune, error) {
	r, ok := p.hex(p.at)
	if !ok {
		return 0, p.unexpected()
	}
	p.at += 4
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if p.at+6 <= len(p.text) && p.text[p.at] == '\\' && p.text[p.at+1] == 'u' {
		if low, ok := p.hex(p.at + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.at += 6
				return pair, nil
			}
		}
	}
	return utf8.RuneError, nil
}

func (p *parser) hex(at int) (rune, bool) {
	if at+4 > len(p.text) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.text[at : at+4]) {
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
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number (RFC 8259, section 6).
func (p *parser) number() (any, error) {
	start := p.at
	p.take('-')
	if !p.take('0') && p.digits() == 0 {
		return nil, p.unexpected()
	}
	if p.take('.') && p.digits() == 0 {
		return nil, p.unexpected()
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return nil, p.unexpected()
		}
	}
	f, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil {
		return nil, fmt.Errorf("the number at byte %d of the JSON is too large", start+1)
	}
	return f, nil
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) digits() (n int) {
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}
