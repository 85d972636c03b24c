package source

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// parseJSON reads the documents of t (RFC 8259). They may follow each other, with
// or without "---" lines between them. A mistake hides the rest of its document, up to the
// next such line.
func parseJSON(t *text, list *diag.List) []*Node {
	p := &jsonParser{text: t, list: list, in: t.data}
	var roots []*Node
	for p.skipSeparators(); p.at < len(p.in); p.skipSeparators() {
		root, ok := p.value(0)
		if !ok {
			p.recover()
			continue
		}
		roots = append(roots, root)
	}
	return roots
}

type jsonParser struct {
	text *text
	list *diag.List
	in   string
	at   int
}

// maxDepth limits how deeply arrays and objects may be nested.
const maxDepth = 10_000

func (p *jsonParser) skipSpace() {
	for p.at < len(p.in) && strings.IndexByte(" \t\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

func (p *jsonParser) skipSeparators() {
	for p.skipSpace(); p.at < len(p.in); p.skipSpace() {
		line, _, _ := strings.Cut(p.in[p.at:], "\n")
		if !isSeparator(line) {
			return
		}
		p.at += len(line) - len(strings.TrimLeft(line, "-"))
	}
}

// recover goes to the next separator, or to the end.
func (p *jsonParser) recover() {
	for p.at < len(p.in) {
		line, _, _ := strings.Cut(p.in[p.at:], "\n")
		if (p.at == 0 || p.in[p.at-1] == '\n') && isSeparator(line) {
			return
		}
		p.at = min(p.at+len(line)+1, len(p.in))
	}
}

// fail reports what was expected instead of the character at the current offset.
func (p *jsonParser) fail(expected string) bool {
	r, size := utf8.DecodeRuneInString(p.in[p.at:])
	found := "not " + string(r)
	if size == 0 {
		found = "but the file ends"
	}
	p.list.Errorf(p.text.pos(p.at, p.at+size), diag.Syntax, "expected %s, %s", expected, found)
	return false
}

func (p *jsonParser) value(depth int) (*Node, bool) {
	if p.skipSpace(); p.at == len(p.in) {
		return nil, p.fail("a value")
	}
	if depth > maxDepth {
		return nil, p.fail("no deeper nesting")
	}
	start := p.at
	n := &Node{}
	ok := true
	switch c := p.in[start]; {
	case c == '{':
		n.Kind = Map
		ok = p.elements('}', func() bool { return p.member(n, depth) })
	case c == '[':
		n.Kind = List
		ok = p.elements(']', func() bool {
			item, ok := p.value(depth + 1)
			n.Items = append(n.Items, item)
			return ok
		})
	case c == '"':
		n.Kind, n.Quoted = Scalar, true
		n.Text, ok = p.string()
	default:
		ok = p.literal(n)
	}
	if !ok {
		return nil, false
	}
	n.Pos = p.text.pos(start, p.at)
	return n, true
}

// elements reads the elements of an array or object, and the commas between them.
func (p *jsonParser) elements(closing byte, element func() bool) bool {
	p.at++
	for first := true; ; first = false {
		p.skipSpace()
		if p.at < len(p.in) && p.in[p.at] == closing {
			p.at++
			return true
		}
		if !first {
			if p.at == len(p.in) || p.in[p.at] != ',' {
				return p.fail("a comma or " + string(closing))
			}
			p.at++
		}
		if !element() {
			return false
		}
	}
}

func (p *jsonParser) member(m *Node, depth int) bool {
	p.skipSpace()
	start := p.at
	if p.at == len(p.in) || p.in[p.at] != '"' {
		return p.fail("a key in quotes")
	}
	key, ok := p.string()
	if !ok {
		return false
	}
	f := Field{Key: key, KeyPos: p.text.pos(start, p.at)}
	if p.skipSpace(); p.at == len(p.in) || p.in[p.at] != ':' {
		return p.fail("a colon")
	}
	p.at++
	if f.Value, ok = p.value(depth + 1); !ok {
		return false
	}
	if first := m.Get(key); first != nil {
		duplicateKey(p.list, &f, first.KeyPos)
		return true
	}
	m.Fields = append(m.Fields, f)
	return true
}

func (p *jsonParser) string() (string, bool) {
	start := p.at
	for end := start + 1; end < len(p.in) && p.in[end] != '\n'; end++ {
		switch p.in[end] {
		case '\\':
			end++
		case '"':
			var s string
			if err := json.Unmarshal([]byte(p.in[start:end+1]), &s); err != nil {
				p.list.Errorf(p.text.pos(start, end+1), diag.Syntax, "the text has a bad escape sequence or a control character")
				return "", false
			}
			p.at = end + 1
			return s, true
		}
	}
	p.list.Errorf(p.text.pos(start, start+1), diag.Syntax, "the quote isn't closed")
	return "", false
}

// literal reads a number, true, false or null.
func (p *jsonParser) literal(n *Node) bool {
	end := p.at
	for end < len(p.in) && strings.IndexByte(" \t\n,:[]{}\"", p.in[end]) < 0 {
		end++
	}
	n.Text = p.in[p.at:end]
	switch {
	case n.Text == "null":
		n.Kind, n.Text = Null, ""
	case n.Text == "true" || n.Text == "false":
		n.Kind, n.Type = Scalar, Bool
	case n.Text == "" || !json.Valid([]byte(n.Text)):
		return p.fail("a value")
	case strings.ContainsAny(n.Text, ".eE"):
		n.Kind, n.Type = Scalar, Float
	default:
		n.Kind, n.Type = Scalar, Int
	}
	p.at = end
	return true
}
