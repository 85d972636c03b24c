package envexpr

import (
	"strconv"
	"strings"
)

// Parse reads text. The error is a [*SyntaxError].
func Parse(text string) (Template, error) {
	if !strings.Contains(text, "${") {
		if text == "" {
			return Template{}, nil
		}
		return Template{parts: []part{{text: text}}}, nil
	}
	p := &parser{in: text, tried: make(map[int]attempt)}
	var t Template
	for i := 0; i < len(text); {
		var err error
		if i, err = p.next(&t, i); err != nil {
			return Template{}, err
		}
	}
	return t, nil
}

// ParseExpr reads the expression that text begins with, and returns it with its
// length. That is 0 if text begins with none.
func ParseExpr(text string) (Template, int, error) {
	if !strings.HasPrefix(text, "${") {
		return Template{}, 0, nil
	}
	p := &parser{in: text, tried: make(map[int]attempt)}
	a, err := p.expr(0)
	if err != nil || a.expr == nil {
		return Template{}, 0, err
	}
	return Template{parts: []part{{expr: a.expr}}}, a.end, nil
}

type parser struct {
	in    string
	tried map[int]attempt // by offset, so that unclosed expressions in each other aren't read again and again
}

// An attempt is what was found where an expression might begin.
type attempt struct {
	expr *expr // nil if there is none
	end  int   // the offset after it
}

// text adds literal text, from one offset to another, to t.
func (p *parser) text(t *Template, from, to int) {
	if n := len(t.parts); n > 0 {
		if last := &t.parts[n-1]; last.expr == nil && last.from+len(last.text) == from {
			last.text = p.in[last.from:to]
			return
		}
	}
	t.parts = append(t.parts, part{text: p.in[from:to], from: from})
}

// next adds to t what begins at i, and returns the offset after it.
func (p *parser) next(t *Template, i int) (int, error) {
	switch rest := p.in[i:]; {
	case strings.HasPrefix(rest, "$${"):
		p.text(t, i+1, i+3)
		return i + 3, nil
	case strings.HasPrefix(rest, "${"):
		a, err := p.expr(i)
		if err != nil {
			return 0, err
		}
		if a.expr == nil {
			p.text(t, i, i+2)
			return i + 2, nil
		}
		t.parts = append(t.parts, part{expr: a.expr})
		return a.end, nil
	default: // up to the next dollar sign
		n := strings.IndexByte(rest[1:], '$') + 1
		if n == 0 {
			n = len(rest)
		}
		p.text(t, i, i+n)
		return i + n, nil
	}
}

func (p *parser) expr(at int) (attempt, error) {
	if a, ok := p.tried[at]; ok {
		return a, nil
	}
	e, end, err := p.parse(at)
	a := attempt{e, end}
	p.tried[at] = a
	return a, err
}

// parse reads the expression that may begin at at, with "${". It's nil if there is none.
func (p *parser) parse(at int) (*expr, int, error) {
	i := at + 2
	var mark byte
	if i < len(p.in) && (p.in[i] == '#' || p.in[i] == '!') {
		mark = p.in[i]
		i++
	}
	name, i, err := p.name(i)
	if err != nil || i == len(p.in) || name.isNumber() {
		return nil, 0, err
	}
	e := &expr{name: name}
	switch c := p.in[i]; {
	case mark != 0:
		return p.marked(e, mark, at, i)
	case c == '}':
		return e, i + 1, nil
	case c == '@':
		return p.letter(e, at, i+1)
	}
	for _, o := range operators {
		if strings.HasPrefix(p.in[i:], o.sign) {
			e.op = o.op
			return p.operands(e, at, i+len(o.sign))
		}
	}
	return nil, 0, nil
}

// operators are in the order in which they are looked for.
var operators = []struct {
	sign string
	op   op
}{
	{":-", opDefault}, {":=", opAssign}, {":?", opRequire}, {":+", opAlternative}, {":", opFrom},
	{"-", opDefaultUnset}, {"=", opAssignUnset}, {"?", opRequireUnset}, {"+", opAlternativeSet},
	{"##", opCutPrefix}, {"#", opCutPrefix}, {"%%", opCutSuffix}, {"%", opCutSuffix},
	{"//", opReplaceAll}, {"/#", opReplacePrefix}, {"/%", opReplaceSuffix}, {"/", opReplace},
	{"^^", opUpper}, {"^", opUpperFirst}, {",,", opLower}, {",", opLowerFirst},
}

// name reads letters, digits and underscores, and expressions among them.
func (p *parser) name(i int) (Template, int, error) {
	var t Template
	for i < len(p.in) {
		start := i
		for i < len(p.in) && isNameByte(p.in[i]) {
			i++
		}
		if i > start {
			p.text(&t, start, i)
			continue
		}
		if !strings.HasPrefix(p.in[i:], "${") {
			break
		}
		a, err := p.expr(i)
		if err != nil {
			return t, i, err
		}
		if a.expr == nil {
			break
		}
		t.parts = append(t.parts, part{expr: a.expr})
		i = a.end
	}
	return t, i, nil
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// isNumber reports whether t is digits only, or nothing.
func (t Template) isNumber() bool {
	return t.IsConst() && strings.Trim(t.Text(), "0123456789") == ""
}

// marked reads the end of ${#P} and ${!P*}.
func (p *parser) marked(e *expr, mark byte, at, i int) (*expr, int, error) {
	star := p.in[i] == '*' || p.in[i] == '@'
	if star {
		i++
	}
	switch {
	case i == len(p.in) || p.in[i] != '}':
		return nil, 0, nil
	case star != (mark == '!'):
		return nil, 0, p.fail(at, i, "it should be ${#NAME}, ${!PREFIX*} or ${!PREFIX@}")
	}
	e.op = opLength
	if star {
		e.op = opNames
	}
	return e, i + 1, nil
}

// letter reads the end of ${P@U}.
func (p *parser) letter(e *expr, at, i int) (*expr, int, error) {
	rest := p.in[i:]
	switch {
	case strings.HasPrefix(rest, "}"):
		return nil, 0, p.fail(at, i, "after @ comes U, u, L or l")
	case len(rest) < 2 || rest[1] != '}':
		return nil, 0, nil
	}
	switch rest[0] {
	case 'U':
		e.op = opUpper
	case 'u':
		e.op = opUpperFirst
	case 'L':
		e.op = opLower
	case 'l':
		e.op = opLowerFirst
	default:
		return nil, 0, nil
	}
	return e, i + 2, nil
}

// operands reads what stands between the operator and the closing brace.
func (p *parser) operands(e *expr, at, i int) (_ *expr, _ int, err error) {
	var separator byte
	switch {
	case e.op == opFrom:
		separator = ':'
	case e.isReplace():
		separator = '/'
	}
	if e.word, i, err = p.word(i, separator, e.op >= opCutPrefix); err != nil || i < 0 {
		return nil, 0, err
	}
	second := p.in[i] == separator // which can't be the closing brace
	if second {
		if e.with, i, err = p.word(i+1, 0, false); err != nil || i < 0 {
			return nil, 0, err
		}
	}
	if e.op == opFrom && second {
		e.op = opFromFor
	}
	if reason := e.check(second); reason != "" {
		return nil, 0, p.fail(at, i, reason)
	}
	return e, i + 1, nil
}

func (e *expr) isReplace() bool { return e.op >= opReplace && e.op <= opReplaceSuffix }

// check returns why e, which is complete, is malformed.
func (e *expr) check(second bool) string {
	empty := len(e.word.parts) == 0
	switch {
	case e.op == opFrom && !e.word.mayBeInt(), e.op == opFromFor && !(e.word.mayBeInt() && e.with.mayBeInt()):
		return "after the colon comes a number, or one of - = ? +"
	case e.op == opCutPrefix && empty, e.isReplace() && empty:
		return "the pattern is missing"
	case e.isReplace() && !second:
		return "the slash before the replacement is missing"
	}
	return ""
}

func (t Template) mayBeInt() bool {
	if !t.IsConst() {
		return true
	}
	_, err := strconv.Atoi(t.Text())
	return err == nil
}

// word reads up to the separator, if it isn't 0, or to the brace that closes the
// expression, and returns its offset, or -1 if there is none on the line. In a
// regular expression, a backslash takes the meaning from what follows.
func (p *parser) word(i int, separator byte, regexp bool) (Template, int, error) {
	var t Template
	for depth := 0; i < len(p.in); {
		rest := p.in[i:]
		switch c := rest[0]; {
		case c == '\n':
			return t, -1, nil
		case depth == 0 && (c == '}' || c == separator):
			return t, i, nil
		case strings.HasPrefix(rest, "${"):
			a, err := p.expr(i)
			if err != nil {
				return t, 0, err
			}
			if a.expr != nil {
				t.parts = append(t.parts, part{expr: a.expr})
				i = a.end
				continue
			}
			depth++ // the brace is an ordinary one
			p.text(&t, i, i+2)
			i += 2
		case strings.HasPrefix(rest, "$${"):
			depth++
			p.text(&t, i+1, i+3)
			i += 3
		default:
			n := 1
			switch {
			case c == '{':
				depth++
			case c == '}':
				depth--
			case c == '\\' && regexp && len(rest) > 1 && rest[1] != '\n':
				n = 2
			default: // up to what may have a meaning
				if n = 1 + strings.IndexAny(rest[1:], "\n{}$/:\\"); n == 0 {
					n = len(rest)
				}
			}
			p.text(&t, i, i+n)
			i += n
		}
	}
	return t, -1, nil
}

func (p *parser) fail(at, end int, reason string) error {
	return &SyntaxError{Expr: p.in[at : end+1], Offset: at, Reason: reason}
}
