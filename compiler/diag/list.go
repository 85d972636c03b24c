package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// A List collects findings. The zero List is empty and ready for use.
type List struct {
	findings []*Finding
	ignored  map[Code]bool
	sources  map[string][]byte
}

// AddSource adds a file that findings are in, though it's none of the config's: a policy, for instance. Its lines are shown then.
func (l *List) AddSource(file string, content []byte) {
	if l.sources == nil {
		l.sources = make(map[string][]byte)
	}
	l.sources[file] = content
}

// Sources are the files that AddSource has added.
func (l *List) Sources() map[string][]byte { return l.sources }

// Add adds a finding. The result may be edited until the list is read.
func (l *List) Add(f Finding) *Finding {
	l.findings = append(l.findings, &f)
	return &f
}

// Errorf adds an error.
func (l *List) Errorf(pos Pos, code Code, format string, args ...any) *Finding {
	return l.Add(Finding{Pos: pos, Severity: Error, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Warnf adds a warning.
func (l *List) Warnf(pos Pos, code Code, format string, args ...any) *Finding {
	return l.Add(Finding{Pos: pos, Severity: Warning, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Remarkf adds a remark.
func (l *List) Remarkf(pos Pos, code Code, format string, args ...any) *Finding {
	return l.Add(Finding{Pos: pos, Severity: Remark, Code: code, Message: fmt.Sprintf(format, args...)})
}

// Hintf sets the hint of f, and returns f.
func (f *Finding) Hintf(format string, args ...any) *Finding {
	f.Hint = fmt.Sprintf(format, args...)
	return f
}

// Suggest hints at the word among those that word may be a misspelling of, if there
// is one, and returns f.
func (f *Finding) Suggest(word string, among []string) *Finding {
	if s := Suggest(word, among); s != "" {
		f.Hint = fmt.Sprintf("did you mean %q?", s)
	}
	return f
}

// Notef adds a note to f, and returns f.
func (f *Finding) Notef(pos Pos, format string, args ...any) *Finding {
	f.Notes = append(f.Notes, Note{Pos: pos, Message: fmt.Sprintf(format, args...)})
	return f
}

// Len is how many findings have been added.
func (l *List) Len() int { return len(l.findings) }

// Soften makes the errors among the findings from one length of the list to another warnings.
func (l *List) Soften(from, to int) {
	for _, f := range l.findings[from:to] {
		f.Severity = max(f.Severity, Warning)
	}
}

// Ignore leaves out the warnings and remarks of these codes, those already found, too.
// Errors can't be ignored.
func (l *List) Ignore(codes ...Code) {
	if l.ignored == nil {
		l.ignored = make(map[Code]bool)
	}
	for _, c := range codes {
		l.ignored[c] = true
	}
}

// Findings returns what was found, sorted by position, then by severity, each finding once.
func (l *List) Findings() []Finding {
	var all []Finding
	for _, f := range l.findings {
		if f.Severity == Error || !l.ignored[f.Code] {
			all = append(all, *f)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(a.Pos.compare(b.Pos), cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(all, func(a, b Finding) bool {
		return a.Pos.compare(b.Pos) == 0 && a.Severity == b.Severity && a.Code == b.Code && a.Message == b.Message
	})
}

// Count returns how many findings of that severity there are.
func (l *List) Count(s Severity) int {
	n := 0
	for _, f := range l.Findings() {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// HasErrors reports whether there is an error among the findings.
func (l *List) HasErrors() bool {
	return slices.ContainsFunc(l.findings, func(f *Finding) bool { return f.Severity == Error })
}
