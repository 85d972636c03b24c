package content

import "strings"

// A Pattern is text with named values in it: "status={{status}}". Blanks around
// the name don't matter. A name that has no value gives nothing; braces that are
// never closed stand for themselves.
type Pattern struct {
	parts []part
	size  int  // of the text
	html  bool // values are escaped
}

// A part is text followed by a value, if name isn't "".
type part struct{ text, name string }

// NewPattern takes a pattern apart.
func NewPattern(pattern string) *Pattern {
	p := &Pattern{}
	for {
		text, rest, found := strings.Cut(pattern, "{{")
		name, rest, closed := strings.Cut(rest, "}}")
		if !found || !closed {
			p.parts = append(p.parts, part{text: pattern})
			p.size += len(pattern)
			return p
		}
		p.parts = append(p.parts, part{text: text, name: strings.TrimSpace(name)})
		p.size += len(text)
		pattern = rest
	}
}

// NewHTMLPattern is NewPattern for HTML: values are escaped, as html/template does it,
// so that they can stand in the text of an element or in the quotes of an attribute.
func NewHTMLPattern(pattern string) *Pattern {
	p := NewPattern(pattern)
	p.html = true
	return p
}

// Render fills in the values. It never fails.
func (p *Pattern) Render(v Values) ([]byte, error) {
	return p.append(make([]byte, 0, p.size+16*len(p.parts)), v), nil
}

// String fills in the values.
func (p *Pattern) String(v Values) string {
	if len(p.parts) == 1 && p.parts[0].name == "" {
		return p.parts[0].text
	}
	var some [128]byte
	return string(p.append(some[:0], v))
}

func (p *Pattern) append(b []byte, v Values) []byte {
	for _, part := range p.parts {
		b = append(b, part.text...)
		if part.name != "" {
			value, _ := v.Text(part.name)
			if p.html {
				b = appendEscaped(b, value)
			} else {
				b = append(b, value...)
			}
		}
	}
	return b
}

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '"':
			b = append(b, "&#34;"...)
		case '\'':
			b = append(b, "&#39;"...)
		case '+':
			b = append(b, "&#43;"...)
		case 0:
			b = append(b, "\uFFFD"...)
		default:
			b = append(b, c)
		}
	}
	return b
}
