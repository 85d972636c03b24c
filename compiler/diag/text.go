package diag

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// Text writes the findings for a person to read: where and what, the line of the
// source with the place marked, and the hint. sources holds the files by the File
// of their positions; a finding in another file is shown without its line. With
// color, the text has escape sequences for a terminal.
func Text(w io.Writer, l *List, sources map[string][]byte, color bool) error {
	t := &textWriter{w: bufio.NewWriter(w), sources: sources, color: color, lines: make(map[string][]string)}
	for _, f := range l.Findings() {
		t.finding(&f)
	}
	return t.w.Flush()
}

type textWriter struct {
	w       *bufio.Writer
	sources map[string][]byte
	lines   map[string][]string // sources split into lines
	color   bool
}

// Escape sequences of ECMA-48, section 8.3.117 (SGR).
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	cyan   = "\x1b[1;36m"
)

func shade(s Severity) string {
	switch s {
	case Error:
		return red
	case Warning:
		return yellow
	}
	return cyan
}

func (t *textWriter) finding(f *Finding) {
	t.place(f.Pos)
	t.paint(shade(f.Severity), f.Severity.String()+"["+string(f.Code)+"]:")
	t.print(" ")
	t.paint(bold, oneLine(f.Message))
	t.print("\n")
	t.excerpt(f)
	for _, n := range f.Notes {
		t.place(n.Pos)
		t.paint(cyan, "note:")
		t.print(" ", oneLine(n.Message), "\n")
	}
}

func (t *textWriter) place(p Pos) {
	if s := p.String(); s != "" {
		t.paint(bold, oneLine(s)+":")
		t.print(" ")
	}
}

// excerpt shows the line of the source, and below it the carets and the hint.
func (t *textWriter) excerpt(f *Finding) {
	line, ok := t.line(f.Pos)
	if !ok {
		if f.Hint != "" {
			t.print("      ", oneLine(f.Hint), "\n")
		}
		return
	}
	before, marked, after := cut(line, f.Pos)
	number := strconv.Itoa(f.Pos.Line)
	gutter := strings.Repeat(" ", max(0, 5-len(number)))
	t.print(gutter, number, " | ", before, marked, after, "\n")
	if f.Pos.Col == 0 && f.Hint == "" {
		return
	}
	t.print(gutter, strings.Repeat(" ", len(number)), " | ")
	if f.Pos.Col > 0 {
		t.print(blank(before))
		t.paint(shade(f.Severity), strings.Repeat("^", max(1, len([]rune(marked)))))
	}
	if f.Hint != "" {
		if f.Pos.Col > 0 {
			t.print(" ")
		}
		t.paint(shade(f.Severity), oneLine(f.Hint))
	}
	t.print("\n")
}

func (t *textWriter) line(p Pos) (string, bool) {
	source, ok := t.sources[p.File]
	if !ok || p.Line == 0 {
		return "", false
	}
	lines, ok := t.lines[p.File]
	if !ok {
		lines = strings.Split(strings.TrimSuffix(string(source), "\n"), "\n")
		t.lines[p.File] = lines
	}
	if p.Line > len(lines) {
		return "", false
	}
	return strings.TrimSuffix(lines[p.Line-1], "\r"), true
}

// Longer lines, such as a JSON document on one, are cropped around the marked text.
const maxLine = 120

// cut splits a line in what is before, at and after p.
func cut(line string, p Pos) (before, marked, after string) {
	runes := []rune(printable(line))
	from := min(max(p.Col-1, 0), len(runes))
	to := min(max(p.End-1, from), len(runes))
	if p.Col == 0 {
		from, to = 0, 0
	}
	start, end := 0, len(runes)
	if end > maxLine {
		start = max(0, min(from-maxLine/3, end-maxLine))
		end = min(end, start+maxLine)
		to = min(to, end)
	}
	before, marked, after = string(runes[start:from]), string(runes[from:to]), string(runes[to:end])
	if start > 0 {
		before = "…" + before
	}
	if end < len(runes) {
		after += "…"
	}
	return before, marked, after
}

// blank replaces all but the tabs of s by spaces, so that carets stand under the text.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}

// printable replaces the control characters of s: a config can't play with the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func oneLine(s string) string {
	return printable(strings.ReplaceAll(s, "\n", " "))
}

func (t *textWriter) print(parts ...string) {
	for _, s := range parts {
		_, _ = t.w.WriteString(s) // an error stays, and Flush returns it
	}
}

func (t *textWriter) paint(color, s string) {
	if !t.color {
		t.print(s)
		return
	}
	t.print(color, s, plain)
}
