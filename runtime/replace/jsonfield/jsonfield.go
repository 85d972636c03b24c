// Package jsonfield edits values in JSON documents that are about to be logged, and leaves the rest
// of their text as it is.
package jsonfield

import (
	"strings"

	"github.com/aileron-gateway/aileronc/internal/jsonpath"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// An Editor edits the values that one of its paths leads to.
type Editor struct {
	paths []jsonpath.Path
	funcs []replace.Func
}

// New makes an Editor. In a path, names of members and indices of elements are separated by dots; # and * stand
// for all, * and ? in a name for any characters, and a backslash takes the meaning from the
// character behind it. A path leads to all values that fit, of members with one name, too.
//
// The funcs, in order, get the text of a value as it stands in the document, a string with its quotes, and
// what comes out of the last one takes its place: to be JSON, a string needs quotes again.
func New(paths []string, funcs []replace.Func) (*Editor, error) {
	e := &Editor{funcs: funcs}
	for _, path := range paths {
		p, err := jsonpath.Parse(path)
		if err != nil {
			return nil, err
		}
		e.paths = append(e.paths, p)
	}
	return e, nil
}

// maxDepth is how deep values may be within others.
const maxDepth = 1000

// Edit returns doc with its values edited, or false if it isn't JSON (RFC 8259), so that nobody knows what
// is in it, or is more than 1000 levels deep.
func (e *Editor) Edit(doc string) (string, bool) {
	s := scanner{e: e, doc: doc}
	here := make([]place, 0, len(e.paths))
	for i := range e.paths {
		here = append(here, place{i, 0})
	}
	s.blanks()
	if !s.value(here, 0) {
		return "", false
	}
	if s.blanks(); s.i < len(doc) {
		return "", false
	}
	return s.edited(), true
}

// A place is how far on a path a value is.
type place struct{ path, step int }

// A scanner reads a document and writes the edited one.
type scanner struct {
	e      *Editor
	doc    string
	i      int
	out    []byte // what stands for doc up to copied
	copied int
	spare  []place // memory for what next returns
}

// edited is the outcome.
func (s *scanner) edited() string {
	if s.copied == 0 {
		return s.doc
	}
	return string(append(s.out, s.doc[s.copied:]...))
}

// value reads a value that is at these places. It reports false if there is none.
func (s *scanner) value(here []place, depth int) bool {
	target := false
	for _, p := range here {
		target = target || p.step == len(s.e.paths[p.path])
	}
	begin := 0
	if target {
		s.out = append(s.out, s.doc[s.copied:s.i]...)
		s.copied, begin = s.i, len(s.out)
	}
	if s.i == len(s.doc) || !s.anyValue(here, depth) {
		return false
	}
	if target {
		raw := string(append(s.out[begin:], s.doc[s.copied:s.i]...))
		s.out = append(s.out[:begin], replace.Apply(s.e.funcs, raw)...)
		s.copied = s.i
	}
	return true
}

func (s *scanner) anyValue(here []place, depth int) bool {
	switch s.doc[s.i] {
	case '{':
		return depth < maxDepth && s.object(here, depth)
	case '[':
		return depth < maxDepth && s.array(here, depth)
	case '"':
		return s.text()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scanner) object(here []place, depth int) bool {
	s.i++
	if s.blanks(); s.accept('}') {
		return true
	}
	for {
		start := s.i
		if !s.text() {
			return false
		}
		name := s.doc[start:s.i]
		if s.blanks(); !s.accept(':') {
			return false
		}
		s.blanks()
		mark := len(s.spare)
		if len(here) > 0 {
			member := unquote(name)
			s.enter(here, func(step *jsonpath.Step) bool { return step.Member(member) })
		}
		ok := s.value(s.spare[mark:len(s.spare):len(s.spare)], depth+1)
		s.spare = s.spare[:mark]
		if !ok {
			return false
		}
		if s.blanks(); s.accept('}') {
			return true
		}
		if !s.accept(',') {
			return false
		}
		s.blanks()
	}
}

func (s *scanner) array(here []place, depth int) bool {
	s.i++
	if s.blanks(); s.accept(']') {
		return true
	}
	for n := 0; ; n++ {
		mark := len(s.spare)
		s.enter(here, func(step *jsonpath.Step) bool { return step.Element(n) })
		ok := s.value(s.spare[mark:len(s.spare):len(s.spare)], depth+1)
		s.spare = s.spare[:mark]
		if !ok {
			return false
		}
		if s.blanks(); s.accept(']') {
			return true
		}
		if !s.accept(',') {
			return false
		}
		s.blanks()
	}
}

// enter appends to spare the places that a step from here leads to.
func (s *scanner) enter(here []place, fits func(*jsonpath.Step) bool) {
	for _, p := range here {
		if path := s.e.paths[p.path]; p.step < len(path) && fits(&path[p.step]) {
			s.spare = append(s.spare, place{p.path, p.step + 1})
		}
	}
}

func (s *scanner) blanks() {
	for s.i < len(s.doc) && strings.IndexByte(" \t\r\n", s.doc[s.i]) >= 0 {
		s.i++
	}
}

func (s *scanner) accept(c byte) bool {
	if s.i == len(s.doc) || s.doc[s.i] != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) word(word string) bool {
	if !strings.HasPrefix(s.doc[s.i:], word) {
		return false
	}
	s.i += len(word)
	return true
}
