package env

import (
	"cmp"
	"slices"
	"strings"
)

// A Var is a variable that was found by the beginning of its name.
type Var struct {
	Name   string
	Suffix string // what comes behind the prefix
	Value  string
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
