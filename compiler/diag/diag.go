// Package diag holds what the compiler finds in a config: positions, findings
// with a code and a severity, and their renderings as text, JSON and SARIF.
//
// A stage takes a [List] and adds what it finds; no stage prints, and none stops
// at the first finding.
package diag

import "strconv"

// A Pos is a place in a source file. Lines and columns count from 1, columns in
// characters (Unicode code points). The zero Pos is no place at all.
type Pos struct {
	File string // as a person would type it: the path to open
	Line int    // 0 if the finding is about the file as a whole
	Col  int
	End  int // the column after the last character on the same line; 0 if unknown
}

// IsZero reports whether p is no place at all.
func (p Pos) IsZero() bool { return p == Pos{} }

// String returns "file:line:col", without the parts that are unknown.
func (p Pos) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Col > 0 {
			s += ":" + strconv.Itoa(p.Col)
		}
	}
	return s
}

// To returns the range from the start of p to the end of q, if both are on one
// line, else p.
func (p Pos) To(q Pos) Pos {
	if p.File == q.File && p.Line == q.Line && q.End > p.Col {
		p.End = q.End
	}
	return p
}

func (p Pos) compare(q Pos) int {
	switch {
	case p.File != q.File && p.File < q.File:
		return -1
	case p.File != q.File:
		return 1
	case p.Line != q.Line:
		return p.Line - q.Line
	}
	return p.Col - q.Col
}

// A Severity tells how bad a finding is.
type Severity uint8

// The severities, the worst first. Nothing is emitted for a config with an Error. A
// Remark is shown as "note".
const (
	Error Severity = iota
	Warning
	Remark
)

// String returns "error", "warning" or "note".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

// A Finding is one thing that the compiler has to say about a config.
type Finding struct {
	Pos      Pos
	Severity Severity
	Code     Code
	Message  string // one sentence without a full stop
	Hint     string // what to do about it, shown after the marked text
	Notes    []Note // other places that belong to it
}

// A Note is another place that a finding is about.
type Note struct {
	Pos     Pos
	Message string
}
