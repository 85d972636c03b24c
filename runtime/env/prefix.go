package env

import (
	"cmp"
	"slices"
	"strings"
)

// A Var is a variable that was found by its name, or the beginning of it.
type Var struct {
	Name   string
	Suffix string // what comes behind the prefix
	Value  string
}

// Named returns the variables whose names are the words of the value of text, in that order, as far as they are set.
func (e *Env) Named(pos, text string) []Var {
	names, ok := e.text(pos, text)
	if !ok {
		return nil
	}
	var found []Var
	for name := range strings.FieldsSeq(names) {
		if value, ok := e.Lookup(name); ok {
			found = append(found, Var{Name: name, Value: value})
		}
	}
	return found
}

// Prefixed returns the variables whose names begin with the value of text, in alphabetical order.
func (e *Env) Prefixed(pos, text string) []Var {
	prefix, ok := e.text(pos, text)
	if !ok {
		return nil
	}
	var found []Var
	for _, name := range e.names {
		if suffix, ok := strings.CutPrefix(name, prefix); ok {
			found = append(found, Var{name, suffix, e.vars[name]})
		}
	}
	slices.SortFunc(found, func(a, b Var) int { return cmp.Compare(a.Name, b.Name) })
	return found
}
