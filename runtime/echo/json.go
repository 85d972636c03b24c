package echo

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// appendHeader appends h as a JSON object of lists, with the canonical names in order,
// an indent of two blanks, and the characters escaped that mean something in HTML.
func appendHeader(b []byte, h gateway.Header) []byte {
	if len(h) == 0 {
		return append(b, "{}\n"...)
	}
	sorted := make(gateway.Header, len(h))
	for i, f := range h {
		sorted[i] = gateway.Field{Name: gateway.CanonicalName(f.Name), Value: f.Value}
	}
	slices.SortStableFunc(sorted, func(a, b gateway.Field) int { return strings.Compare(a.Name, b.Name) })
	b = append(b, "{\n"...)
	for i, f := range sorted {
		if i == 0 || sorted[i-1].Name != f.Name {
			b = append(b, "  "...)
			b = appendString(b, f.Name)
			b = append(b, ": [\n"...)
		}
		b = append(b, "    "...)
		b = appendString(b, f.Value)
		switch {
		case i+1 == len(sorted):
			b = append(b, "\n  ]\n"...)
		case sorted[i+1].Name == f.Name:
			b = append(b, ",\n"...)
		default:
			b = append(b, "\n  ],\n"...)
		}
	}
	return append(b, "}\n"...)
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259, section 7).
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(b, `\ufffd`...)
			case r == '\u2028' || r == '\u2029': // line ends in JavaScript
				b = append(b, `\u202`...)
				b = append(b, hex[r&0xf])
			default:
				b = append(b, s[i:i+n]...)
			}
			i += n
			continue
		}
		i++
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '<', '>', '&':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			if c < ' ' {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
