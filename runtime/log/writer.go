package log

import (
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

// appendJSON appends s as a JSON string.
func appendJSON(b []byte, s string) []byte { return append(AppendEscaped(append(b, '"'), s), '"') }

// AppendEscaped appends s as it stands in a JSON string (RFC 8259, section 7). Beyond what must be
// escaped are DEL and the C1 controls, because terminals obey them, and the line
// separators of Unicode. Bytes that are no UTF-8 become U+FFFD.
func AppendEscaped(b []byte, s string) []byte {
	start := len(b)
	b = append(b, s...)
	if isPlain(b[start:]) { // nearly always
		return b
	}
	b = b[:start]
	start = 0
	for i := 0; i < len(s); {
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

// isPlain reports whether all bytes are plain.
func isPlain(p []byte) bool {
	if len(p) < 8 {
		for _, c := range p {
			if !plain[c] {
				return false
			}
		}
		return true
	}
	odd := oddBytes(binary.LittleEndian.Uint64(p[len(p)-8:]))
	for ; len(p) > 8; p = p[8:] {
		odd |= oddBytes(binary.LittleEndian.Uint64(p))
	}
	return odd == 0
}

// oddBytes sets the top bits of bytes that aren't plain: above 0x7e, below a space, quotes and backslashes. It sets that of others only
// if there is such a byte, whose borrow or carry that is.
func oddBytes(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	return (w | (w + ones) | (w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) & tops
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
