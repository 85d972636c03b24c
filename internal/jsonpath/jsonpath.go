// Package jsonpath reads paths into JSON documents, in a part of the syntax of gjson: names of
// members and indices of elements, separated by dots.
//
//	user.password     the member password of the member user
//	cards.0.number    the member number of the first element of cards
//	cards.#.number    that of each element
//	*.token           that of each member, of objects and of arrays
//	head?r            a name in which ? is any character, and * any number of them
//	a\.b              the member "a.b"
//
// Where gjson takes the first member that fits, a path here stands for all of them.
package jsonpath

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Path is a list of steps from the document to a value in it.
type Path []Step

// A Step leads from a value to one or several values in it.
type Step struct {
	name    string  // of a member, without escapes
	pattern []token // of a name with wildcards; nil if it has none
	index   int     // of an element, or -1
	each    bool    // element
}

// A token is a character of a name, or a wildcard.
type token struct {
	char rune
	wild byte // '*' or '?'; 0 for a character
}

// Parse reads a path.
func Parse(path string) (Path, error) {
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	var p Path
	for rest, more := path, true; more; {
		var word string
		word, rest, more = cut(rest)
		step, err := parseStep(word)
		if err != nil {
			return nil, err
		}
		p = append(p, step)
	}
	return p, nil
}

// cut splits at the first dot without a backslash.
func cut(path string) (word, rest string, more bool) {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case '.':
			return path[:i], path[i+1:], true
		}
	}
	return path, "", false
}

func parseStep(word string) (s Step, err error) {
	switch {
	case word == "":
		return s, errors.New("a name in the path is empty")
	case word == "#":
		return Step{index: -1, each: true}, nil
	case strings.IndexByte("@!{[", word[0]) >= 0, strings.HasPrefix(word, "#("):
		return s, fmt.Errorf("%q is a query, a modifier or several paths in one; there are names, indices, #, * and ?", word)
	}
	s.index = index(word)
	var name strings.Builder
	wild, escaped := false, false
	for _, r := range word {
		t := token{char: r}
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '|':
			return s, fmt.Errorf("%q has a pipe; there are names, indices, #, * and ?", word)
		case r == '*' || r == '?':
			wild, t.wild = true, byte(r)
		}
		s.pattern = append(s.pattern, t)
		name.WriteRune(r)
	}
	if escaped {
		return s, errors.New("the path ends in a backslash")
	}
	if s.name = name.String(); !wild {
		s.pattern = nil
	}
	return s, nil
}

// index is the number that word is, or -1. No array has more than nine digits of elements.
func index(word string) int {
	if len(word) > 9 || len(word) > 1 && word[0] == '0' {
		return -1
	}
	n := 0
	for i := range len(word) {
		if word[i] < '0' || word[i] > '9' {
			return -1
		}
		n = n*10 + int(word[i]-'0')
	}
	return n
}

// Member reports whether the step leads to the member of that name of an object.
func (s *Step) Member(name string) bool {
	switch {
	case s.each:
		return name == "#"
	case s.pattern != nil:
		return fits(s.pattern, name)
	}
	return s.name == name
}

// Element reports whether the step leads to the n-th element of an array, counted from 0.
func (s *Step) Element(n int) bool {
	switch {
	case s.each:
		return true
	case s.pattern != nil:
		return len(s.pattern) == 1 && s.pattern[0].wild == '*'
	}
	return s.index == n
}

// fits reports whether a name is of that pattern. Only the last star is tried anew: what an
// earlier one could take, it can take, too.
func fits(pattern []token, name string) bool {
	i, star, from := 0, -1, 0
	for k := 0; k < len(name); {
		r, size := utf8.DecodeRuneInString(name[k:])
		switch {
		case i < len(pattern) && pattern[i].wild == '*':
			star, from = i, k
			i++
		case i < len(pattern) && (pattern[i].wild == '?' || pattern[i].wild == 0 && pattern[i].char == r):
			i, k = i+1, k+size
		case star >= 0:
			_, size = utf8.DecodeRuneInString(name[from:])
			from += size
			i, k = star+1, from
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i].wild == '*' {
		i++
	}
	return i == len(pattern)
}
