package xmljson

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A value of JSON (RFC 8259). Members and items keep their order.
type value struct {
	kind    kind
	text    string // of a string, decoded, or of a number as it stands; "true" and "false"
	bare    bool   // a number, true or false
	members []member
	items   []value
}

type member struct {
	name  string
	value value
}

type kind int

const (
	null kind = iota
	scalar
	array
	object
)

var errJSON = errors.New("it isn't JSON")

// readJSON reads a text that is one value.
func readJSON(text []byte) (v value, err error) {
	p := &parser{text: text}
	p.space()
	if v, err = p.value(0); err != nil {
		return v, err
	}
	if p.space(); p.at < len(p.text) {
		return v, p.fault()
	}
	return v, nil
}

type parser struct {
	text []byte
	at   int
}

func (p *parser) fault() error { return fmt.Errorf("%w at byte %d", errJSON, p.at) }

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take reads the next byte if it's c.
func (p *parser) take(c byte) bool {
	if p.peek() != c || p.at == len(p.text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(depth int) (v value, err error) {
	if depth > maxDepth {
		return v, errDepth
	}
	start := p.at
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		v.kind = scalar
		v.text, err = p.string()
	case c == '-' || '0' <= c && c <= '9':
		v.kind, v.bare = scalar, true
		v.text, err = p.number()
	case p.word("true"), p.word("false"):
		v.kind, v.bare, v.text = scalar, true, string(p.text[start:p.at])
	case p.word("null"):
	default:
		err = p.fault()
	}
	return v, err
}

// word reads w, if it's next.
func (p *parser) word(w string) bool {
	if len(p.text)-p.at < len(w) || string(p.text[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) object(depth int) (v value, err error) {
	v.kind = object
	p.at++
	if p.space(); p.take('}') {
		return v, nil
	}
	for {
		var m member
		p.space()
		if p.peek() != '"' {
			return v, p.fault()
		}
		if m.name, err = p.string(); err != nil {
			return v, err
		}
		if p.space(); !p.take(':') {
			return v, p.fault()
		}
		p.space()
		if m.value, err = p.value(depth + 1); err != nil {
			return v, err
		}
		v.members = append(v.members, m)
		if p.space(); p.take('}') {
			return v, nil
		}
		if !p.take(',') {
			return v, p.fault()
		}
	}
}

func (p *parser) array(depth int) (v value, err error) {
	v.kind = array
	p.at++
	if p.space(); p.take(']') {
		return v, nil
	}
	for {
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		if p.space(); p.take(']') {
			return v, nil
		}
		if !p.take(',') {
			return v, p.fault()
		}
	}
}

// number reads a number, of which each digit is kept.
func (p *parser) number() (string, error) {
	start := p.at
	p.take('-')
	switch {
	case p.take('0'):
	case !p.digits():
		return "", p.fault()
	}
	if p.take('.') && !p.digits() {
		return "", p.fault()
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return "", p.fault()
		}
	}
	return string(p.text[start:p.at]), nil
}

func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

// string reads a string. What isn't UTF-8 in it is refused, and half of a surrogate pair becomes U+FFFD.
func (p *parser) string() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != '"' && p.text[p.at] != '\\' && p.text[p.at] >= ' ' {
		p.at++
	}
	b := p.text[start:p.at]
	if p.peek() != '"' {
		b = append(make([]byte, 0, 2*len(b)+16), b...)
	}
	for {
		switch c := p.peek(); {
		case p.at == len(p.text), c < ' ':
			return "", p.fault()
		case c == '"':
			if !utf8.Valid(b) {
				return "", p.fault()
			}
			p.at++
			return string(b), nil
		case c == '\\':
			p.at++
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		default:
			p.at++
			b = append(b, c)
		}
	}
}

// escape reads what stands behind a backslash.
func (p *parser) escape() (rune, error) {
	c := p.peek()
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
		r, err := p.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if back := p.at; p.word(`\u`) {
			low, err := p.hex4()
			if pair := utf16.DecodeRune(r, low); err == nil && pair != utf8.RuneError {
				return pair, nil
			}
			p.at = back // it's something of its own
		}
		return utf8.RuneError, nil
	}
	p.at--
	return 0, p.fault()
}

func (p *parser) hex4() (rune, error) {
	if len(p.text)-p.at < 4 {
		return 0, p.fault()
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, p.fault()
	}
	p.at += 4
	return rune(n), nil
}
