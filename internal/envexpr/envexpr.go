// Package envexpr is the expression language on environment variables that scalars
// of a config may hold, such as ${NAME:-default}, and the spellings of numbers.
//
// An expression ends at the brace that matches its first one, on the same line.
// Names and words may hold expressions, to any depth; what they expand to is not
// read again. "$${" is a literal "${". Names of digits only are left alone, since
// ${1} is a group of a regular expression, and so is any text that isn't of one of
// the forms below:
//
//	${P}                         the value of P, or nothing
//	${P:-W} ${P-W}               W if P is empty or unset; if it's unset
//	${P:=W} ${P=W}               the same, and assigns W to P
//	${P:?W} ${P?W}               fails if P is empty or unset; if it's unset
//	${P:+W} ${P+W}               W unless P is empty or unset; unless it's unset
//	${P:N} ${P:N:L}              the characters from the Nth on, L of them
//	${#P}                        the number of characters
//	${!P*} ${!P@}                the names of the variables that begin with P
//	${P#R} ${P##R} ${P%R} ${P%%R}  without the longest prefix, suffix that R matches
//	${P/R/S} ${P//R/S}           the first match of R, all matches, replaced by S
//	${P/#R/S} ${P/%R/S}          the prefix, the suffix that R matches replaced by S
//	${P^R} ${P^^R} ${P,R} ${P,,R}  the first character, all matches in upper, lower case
//	${P@U} ${P@u} ${P@L} ${P@l}  all, the first character in upper, lower case
//
// R is a POSIX regular expression (egrep), not a glob; it may be empty in the forms
// that change case.
package envexpr

import "slices"

import "strings"

// A Template is text with expressions.
type Template struct{ parts []part }

// A part is literal text, or an expression.
type part struct {
	text string
	from int // where text begins in what was parsed
	expr *expr
}

type expr struct {
	op   op
	name Template
	word Template // W, N or R
	with Template // S or L
}

// An op is what an expression does with its variable.
type op uint8

const (
	opValue op = iota
	opDefault
	opDefaultUnset
	opAssign
	opAssignUnset
	opRequire
	opRequireUnset
	opAlternative
	opAlternativeSet
	opFrom
	opFromFor
	opLength
	opNames
	opCutPrefix
	opCutSuffix
	opReplace
	opReplaceAll
	opReplacePrefix
	opReplaceSuffix
	opUpperFirst
	opUpper
	opLowerFirst
	opLower
)

// IsConst reports whether t holds no expression.
func (t Template) IsConst() bool {
	for _, p := range t.parts {
		if p.expr != nil {
			return false
		}
	}
	return true
}

// Text returns the literal text of t, which is all of it if t is constant.
func (t Template) Text() string {
	if len(t.parts) == 1 {
		return t.parts[0].text
	}
	var s strings.Builder
	for _, p := range t.parts {
		s.WriteString(p.text)
	}
	return s.String()
}

// Vars returns the names of the variables that t reads, in order, each once. Names
// that are themselves computed are not among them.
func (t Template) Vars() []string {
	var names []string
	t.walk(func(e *expr) bool {
		if e.op != opNames && e.name.IsConst() {
			names = add(names, e.name.Text())
		}
		return true
	})
	return names
}

// Unguarded returns the names of the variables for which t doesn't say what to do if they
// aren't set.
func (t Template) Unguarded() []string {
	var names []string
	t.walk(func(e *expr) bool {
		guarded := opDefault <= e.op && e.op <= opAlternativeSet
		if !guarded && e.op != opNames && e.name.IsConst() {
			names = add(names, e.name.Text())
		}
		return !guarded // else the word may not be needed
	})
	return names
}

// Required returns the names of the variables without which t fails.
func (t Template) Required() []string {
	var names []string
	t.walk(func(e *expr) bool {
		if e.op == opRequire || e.op == opRequireUnset {
			names = add(names, e.name.Text())
		}
		return e.op > opAlternativeSet // else the word may not be needed
	})
	return names
}

// Assigns returns the names of the variables that t may assign to.
func (t Template) Assigns() []string {
	var names []string
	t.walk(func(e *expr) bool {
		if (e.op == opAssign || e.op == opAssignUnset) && e.name.IsConst() {
			names = add(names, e.name.Text())
		}
		return true
	})
	return names
}

// NeverEmpty reports whether the text of t can't be empty, in whichever environment it can be expanded.
func (t Template) NeverEmpty() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool {
		if p.expr == nil {
			return p.text != ""
		}
		switch p.expr.op {
		case opDefault, opAssign:
			return p.expr.word.NeverEmpty()
		case opRequire:
			return true
		}
		return false
	})
}

// UsesRegexp reports whether t can be expanded only with [Environment.Compile].
func (t Template) UsesRegexp() bool {
	uses := false
	t.walk(func(e *expr) bool {
		uses = uses || e.op >= opCutPrefix && len(e.word.parts) > 0
		return true
	})
	return uses
}

// walk calls f for each expression, and goes into its parts if f returns true.
func (t Template) walk(f func(*expr) bool) {
	for _, p := range t.parts {
		if p.expr != nil && f(p.expr) {
			p.expr.name.walk(f)
			p.expr.word.walk(f)
			p.expr.with.walk(f)
		}
	}
}

func add(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// A SyntaxError is an expression that begins like one of the forms, but isn't one.
type SyntaxError struct {
	Expr   string // the expression, as it is written
	Offset int    // where it begins in the text, in bytes
	Reason string
}

// Error returns "in ${…}: reason".
func (e *SyntaxError) Error() string { return "in " + e.Expr + ": " + e.Reason }

// An ExpandError is an expression that can't be expanded in an environment.
type ExpandError struct {
	Name   string // of the variable
	Reason string // a predicate: "is not set"
}

// Error returns "NAME reason".
func (e *ExpandError) Error() string { return e.Name + " " + e.Reason }
