package session

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendJSON appends values as an object of strings in Base64, in the order of their names.
func appendJSON(b []byte, values map[string][]byte) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':', '"')
		b = base64.StdEncoding.AppendEncode(b, values[name])
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // bytes that aren't UTF-8 become U+FFFD, as encoding/json has it
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// parseJSON reads what appendJSON writes, and what other writers make of the same values.
func parseJSON(data []byte) (values map[string][]byte, ok bool) {
	p := parser{data: data, ok: true}
	values = make(map[string][]byte)
	p.expect('{')
	for more := !p.next('}'); more && p.ok; more = p.next(',') {
		name := p.text()
		p.expect(':')
		if p.null() {
			values[name] = nil
			continue
		}
		value, err := base64.StdEncoding.DecodeString(p.text())
		p.ok = p.ok && err == nil
		values[name] = value
	}
	if len(values) > 0 {
		p.expect('}')
	}
	p.blanks()
	return values, p.ok && p.at == len(data)
}

// A parser reads JSON. Once it has met something wrong, ok is false for good.
type parser struct {
	data []byte
	at   int
	ok   bool
}

func (p *parser) blanks() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\t' || p.data[p.at] == '\n' || p.data[p.at] == '\r') {
		p.at++
	}
}

// next reads c, if that comes next.
func (p *parser) next(c byte) bool {
	p.blanks()
	if p.at < len(p.data) && p.data[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(c byte) { p.ok = p.next(c) && p.ok }

func (p *parser) null() bool {
	p.blanks()
	if len(p.data)-p.at >= 4 && string(p.data[p.at:p.at+4]) == "null" {
		p.at += 4
		return true
	}
	return false
}

// text reads a string.
func (p *parser) text() string {
	p.expect('"')
	var b []byte
	for p.ok && p.at < len(p.data) {
		c := p.data[p.at]
		p.at++
		switch {
		case c == '"':
			return string(b)
		case c == '\\':
			b = p.escape(b)
		case c < ' ':
			p.ok = false
		default:
			b = append(b, c)
		}
	}
	p.ok = false
	return ""
}

// escape reads what stands behind a backslash.
func (p *parser) escape(b []byte) []byte {
	if p.at == len(p.data) {
		p.ok = false
		return b
	}
	c := p.data[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		r := p.unit()
		if utf16.IsSurrogate(r) && len(p.data)-p.at >= 6 && p.data[p.at] == '\\' && p.data[p.at+1] == 'u' {
			before := p.at
			p.at += 2
			if r = utf16.DecodeRune(r, p.unit()); r == utf8.RuneError {
				p.at = before // the second is one of its own
			}
		}
		return utf8.AppendRune(b, r)
	}
	p.ok = false
	return b
}

// unit reads the four digits of a code unit.
func (p *parser) unit() rune {
	if len(p.data)-p.at < 4 {
		p.ok = false
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(p.data[p.at:p.at+4]), 16, 16)
	p.at += 4
	p.ok = p.ok && err == nil
	return rune(n)
}
