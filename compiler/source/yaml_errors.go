package source

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"go.yaml.in/yaml/v4"
)

// openings are what the parser was about, when it came to the end of a document, and
// what a person calls it.
var openings = map[string]string{
	"while parsing a flow sequence":  "the list that begins here isn't closed",
	"while parsing a flow mapping":   "the mapping that begins here isn't closed",
	"while scanning a quoted scalar": "the quote isn't closed",
}

// hints tell what mostly lies behind a message of the parser.
var hints = []struct{ message, hint string }{
	{"mapping values are not allowed", `is the line indented too far? text with ": " in it needs quotes`},
	{"could not find expected ':'", "is a colon missing?"},
	{"did not find expected key", "is the indent of this line the same as that of its neighbours?"},
	{"did not find expected '-' indicator", "is the indent of this line the same as that of its neighbours?"},
	{"did not find expected alphabetic or numeric character", "text that begins with * or & needs quotes"},
}

// syntax reports why a document ended early, if it did.
func (b *builder) syntax(err error) {
	if err == nil {
		return
	}
	le, ok := errors.AsType[*yaml.LoadError](err)
	if !ok || le.Mark.Line == 0 {
		b.list.Errorf(diag.Pos{File: b.text.file, Line: b.above + 1}, diag.Syntax, "%v", err)
		return
	}
	at := b.text.offset(le.Mark.Line+b.above, le.Mark.Column)
	hasContext := le.ContextMark.Line > 0 && le.ContextMark != le.Mark
	if open := openings[le.ContextMsg]; open != "" && hasContext && at >= b.end {
		b.list.Errorf(b.mark(le.ContextMark), diag.Syntax, "%s", open)
		return
	}
	if _, name, ok := strings.Cut(le.Message, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		b.list.Errorf(b.mark(le.Mark), diag.BadAlias, "there is no anchor &%s before it in this document", name)
		return
	}
	f := b.list.Errorf(b.mark(le.Mark), diag.Syntax, "%s", le.Message)
	if strings.Contains(le.Message, "cannot start any token") {
		explainToken(f, b.text.data[at:])
		return
	}
	for _, h := range hints {
		if strings.Contains(le.Message, h.message) {
			f.Hint = h.hint
		}
	}
	if hasContext && le.ContextMsg != "" {
		f.Notef(b.mark(le.ContextMark), "%s that begins here", le.ContextMsg)
	}
}

// explainToken tells what is wrong with text that begins with a reserved character.
func explainToken(f *diag.Finding, rest string) {
	if strings.HasPrefix(rest, "\t") {
		f.Message, f.Hint = "a tab can't indent", "use spaces"
		return
	}
	r, _ := utf8.DecodeRuneInString(rest)
	f.Message, f.Hint = "text can't begin with "+string(r), "put it in quotes"
}

func (b *builder) mark(m yaml.Mark) diag.Pos {
	at := b.text.offset(m.Line+b.above, m.Column)
	_, size := utf8.DecodeRuneInString(b.text.data[at:])
	return b.text.pos(at, at+size)
}
