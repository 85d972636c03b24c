package source

import (
	"bytes"
	"encoding/binary"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// A text is the content of a file, and converts between offsets in bytes and
// positions in lines and characters.
type text struct {
	file  string
	data  string
	lines []int // the offset at which each line begins

	// Where the last conversion ended: files are read forwards, and a JSON document
	// may be one very long line.
	last struct{ line, col, offset int }
}

// newText unifies encodings (UTF-16 is what some shells of Windows write), byte order
// marks and line ends.
func newText(file string, data []byte) *text {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		data = decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		data = decodeUTF16(data[2:], binary.BigEndian)
	}
	t := &text{file: file, data: string(data)}
	if strings.Contains(t.data, "\r") {
		t.data = strings.ReplaceAll(strings.ReplaceAll(t.data, "\r\n", "\n"), "\r", "\n")
	}
	t.lines = []int{0}
	for i := range len(t.data) {
		if t.data[i] == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

func decodeUTF16(data []byte, order binary.ByteOrder) []byte {
	var units []uint16
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	return []byte(string(utf16.Decode(units)))
}

// badByte returns the offset of the first byte that is not UTF-8, or is a control
// character that neither YAML (section 5.1) nor JSON allows. It is -1 if there is none.
func (t *text) badByte() int {
	for i, r := range t.data {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(t.data[i:], "\ufffd"):
			return i
		case r < ' ' && r != '\n' && r != '\t', r == 0x7f:
			return i
		}
	}
	return -1
}

// pos returns the position of the text between two offsets. It has no end if that is
// on another line, or where it starts.
func (t *text) pos(start, end int) diag.Pos {
	line := sort.SearchInts(t.lines, start+1)
	begin, col := t.lines[line-1], 1
	if t.last.line == line && t.last.offset <= start {
		begin, col = t.last.offset, t.last.col
	}
	col += utf8.RuneCountInString(t.data[begin:start])
	t.last.line, t.last.col, t.last.offset = line, col, start
	p := diag.Pos{File: t.file, Line: line, Col: col}
	if marked := t.data[start:min(end, len(t.data))]; marked != "" && !strings.Contains(marked, "\n") {
		p.End = col + utf8.RuneCountInString(marked)
	}
	return p
}

// offset returns the offset of a position. A column beyond the line is its end.
func (t *text) offset(line, col int) int {
	if line < 1 {
		return 0
	}
	if line > len(t.lines) {
		return len(t.data)
	}
	at, c := t.lines[line-1], 1
	if t.last.line == line && t.last.col <= col {
		at, c = t.last.offset, t.last.col
	}
	for c < col && at < len(t.data) && t.data[at] != '\n' {
		_, size := utf8.DecodeRuneInString(t.data[at:])
		at += size
		c++
	}
	t.last.line, t.last.col, t.last.offset = line, c, at
	return at
}
