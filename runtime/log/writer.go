package log

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A writer appends members to a line, as JSON or as text.
type writer struct {
	text bool
	b    []byte
}

func (w *writer) begin() {
	if !w.text {
		w.b = append(w.b, '{')
	}
}

func (w *writer) end() {
	if !w.text {
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, '\n')
}

// member appends a member of the line, as edits want it. It keeps nothing of a.
func (w *writer) member(a *gateway.Attr, edits *node) {
	if !w.text {
		w.jsonMember(a, edits)
		return
	}
	if edits.removes() {
		return
	}
	if len(w.b) > 0 {
		w.b = append(w.b, ' ')
	}
	start := len(w.b)
	w.b = append(w.b, a.Key...)
	w.quote(start)
	w.b = append(w.b, '=')
	start = len(w.b)
	w.textValue(a, edits)
	w.quote(start)
}

// appendMembers appends members that nobody edits.
func appendMembers(b []byte, members []gateway.Attr) []byte {
	for i := range members {
		a := &members[i]
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendJSON(b, a.Key), ':')
		switch a.Kind() {
		case gateway.KindString:
			b = appendJSON(b, a.Text())
		case gateway.KindInt:
			b = strconv.AppendInt(b, a.Number(), 10)
		case gateway.KindBool:
			b = strconv.AppendBool(b, a.Number() != 0)
		case gateway.KindObject:
			b = append(appendMembers(append(b, '{'), a.Members()), '}')
		}
	}
	return b
}

func (w *writer) jsonMember(a *gateway.Attr, edits *node) {
	if edits.removes() {
		return
	}
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = appendJSON(w.b, a.Key)
	w.b = append(w.b, ':')
	switch a.Kind() {
	case gateway.KindString:
		w.b = appendJSON(w.b, edits.edit(a.Text()))
	case gateway.KindInt:
		w.b = strconv.AppendInt(w.b, a.Number(), 10)
	case gateway.KindBool:
		w.b = strconv.AppendBool(w.b, a.Number() != 0)
	case gateway.KindObject:
		w.b = append(w.b, '{')
		members := a.Members()
		for i := range members {
			m := &members[i]
			w.jsonMember(m, edits.child(m.Key))
		}
		w.b = append(w.b, '}')
	}
}

// textValue appends a value; objects look like the maps of package fmt.
func (w *writer) textValue(a *gateway.Attr, edits *node) {
	switch a.Kind() {
	case gateway.KindString:
		w.b = append(w.b, edits.edit(a.Text())...)
	case gateway.KindInt:
		w.b = strconv.AppendInt(w.b, a.Number(), 10)
	case gateway.KindBool:
		w.b = strconv.AppendBool(w.b, a.Number() != 0)
	case gateway.KindObject:
		w.b = append(w.b, "map["...)
		first := true
		members := a.Members()
		for i := range members {
			m := &members[i]
			e := edits.child(m.Key)
			if e.removes() {
				continue
			}
			if !first {
				w.b = append(w.b, ' ')
			}
			first = false
			w.b = append(append(w.b, m.Key...), ':')
			w.textValue(m, e)
		}
		w.b = append(w.b, ']')
	}
}

// quote quotes what stands behind start, if it has to be.
func (w *writer) quote(start int) {
	if raw := w.b[start:]; needsQuotes(raw) {
		w.b = appendQuoted(w.b, raw)
		w.b = append(w.b[:start], w.b[start+len(raw):]...)
	}
}

func needsQuotes(s []byte) bool {
	for i := 0; i < len(s); {
		if c := s[i]; plain[c] && c != ' ' && c != '=' || c == '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == ' ' || r == '"' || r == '=' || r == utf8.RuneError || !unicode.IsPrint(r) {
			return true
		}
		i += size
	}
	return len(s) == 0
}

// appendQuoted appends s as a Go string literal.
func appendQuoted(b, s []byte) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		n := 0
		for n < len(s) && plain[s[n]] {
			n++
		}
		if n > 0 {
			b, s = append(b, s[:n]...), s[n:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hex[s[0]>>4], hex[s[0]&15])
		case unicode.IsPrint(r):
			b = append(b, s[:size]...)
		default: // '\n', '\x7f', '\u00a0'
			var quoted [16]byte
			q := strconv.AppendQuoteRune(quoted[:0], r)
			b = append(b, q[1:len(q)-1]...)
		}
		s = s[size:]
	}
	return append(b, '"')
}

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string to a line that began with [Logger.AppendHead].
func AppendString(line []byte, s string) []byte { return appendJSON(line, s) }

// IsPlain reports whether the texts in a part of a line, which have been appended as they are, need no escapes: there are as many
// quotes as there are around them. To look at all of them together is faster than at each. It may say no for nothing.
func IsPlain(part []byte, quotes int) bool {
	if len(part) < 8 || bytes.Count(part, quote) != quotes || bytes.IndexByte(part, '\\') >= 0 {
		return false
	}
	odd := uint64(0)
	for p := part; len(p) > 0; p = p[8:] {
		if len(p) < 8 {
			p = part[len(part)-8:]
		}
		odd |= oddBytes(binary.LittleEndian.Uint64(p))
	}
	return odd&tops == 0
}

const ones, tops = 0x0101010101010101, 0x8080808080808080

// oddBytes sets the top bits of bytes above 0x7e, or below a space, and of others only if there is such a byte, whose borrow
// that is.
func oddBytes(w uint64) uint64 { return w | (w + ones) | (w - ones*' ') }

var quote = []byte{'"'}

// appendJSON appends s as a JSON string.
func appendJSON(b []byte, s string) []byte { return append(AppendEscaped(append(b, '"'), s), '"') }

// AppendEscaped appends s as it stands in a JSON string (RFC 8259, section 7). Beyond what must be
// escaped are DEL and the C1 controls, because terminals obey them, and the line
// separators of Unicode. Bytes that are no UTF-8 become U+FFFD.
func AppendEscaped(b []byte, s string) []byte {
	i := plainLength(s)
	if i == len(s) {
		return append(b, s...)
	}
	start := 0
	for i < len(s) {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c >= utf8.RuneSelf && !(r == utf8.RuneError && size == 1) && r > 0x9f && r != '\u2028' && r != '\u2029' {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, r)
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

// plainLength is the length of a beginning of s that consists of plain bytes: of all of it if there are no others, or else
// of some words.
func plainLength(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if !plainWord(s[i : i+8]) {
			return i
		}
	}
	if i == len(s) || i > 0 && plainWord(s[len(s)-8:]) {
		return len(s)
	}
	for ; i < len(s) && plain[s[i]]; i++ {
	}
	return i
}

// plainWord reports whether all of eight bytes are plain, as oddBytes does; a quote or a backslash sets its top bit, too.
func plainWord(s string) bool {
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quotes, backslashes := w^ones*'"', w^ones*'\\'
	return (oddBytes(w)|(quotes-ones)|(backslashes-ones))&tops == 0
}

func appendEscaped(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return
}()
