package wire

import (
	"bytes"
	"strings"
)

// appendLine appends a field line.
func appendLine(b []byte, name, value string) []byte {
	n := len(b)
	end := n + len(name) + len(": ") + len(value) + len("\r\n")
	if end > cap(b) {
		b = append(append(b, name...), ": "...)
		return append(append(b, value...), "\r\n"...)
	}
	b = b[:end]
	n += copy(b[n:], name)
	b[n], b[n+1] = ':', ' '
	n += len(": ")
	n += copy(b[n:], value)
	b[n], b[n+1] = '\r', '\n'
	return b
}

var cr, lf = []byte{'\r'}, []byte{'\n'}

// areLines reports whether b, which was made by as many calls of appendLine, is what a recipient takes for as many lines.
// To look at all of them together is faster than at each.
func areLines(b []byte, lines int) bool {
	return bytes.Count(b, cr) == lines && bytes.Count(b, lf) == lines && bytes.IndexByte(b, 0) < 0
}

// appendField appends a field line. What would end the line early, and is not of the field then, becomes
// a blank; a name that is none has no line.
func appendField(b []byte, name, value string) []byte {
	if !isToken(name) {
		return b
	}
	start := len(b) + len(name) + len(": ")
	b = appendLine(b, name, value)
	if strings.IndexByte(value, '\n') < 0 && strings.IndexByte(value, '\r') < 0 && strings.IndexByte(value, 0) < 0 {
		return b
	}
	for i, c := range b[start : len(b)-len("\r\n")] {
		if c == '\r' || c == '\n' || c == 0 {
			b[start+i] = ' '
		}
	}
	return b
}
