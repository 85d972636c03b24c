package envexpr

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Environment is where expressions get their values from.
type Environment struct {
	Lookup func(name string) (value string, ok bool)
	Assign func(name, value string) // for ${P:=W}
	Names  func() []string          // of all variables, for ${!P*}
	// Compile compiles the regular expressions of templates that use some; see
	// [Template.UsesRegexp]. Package posix has it.
	Compile Compiler
}

// A Compiler compiles a regular expression that matches anywhere or, if atEnd is set,
// at the end of a text.
type Compiler func(pattern string, atEnd bool) (Regexp, error)

// A Regexp is the part of a [*regexp.Regexp] that expressions need.
type Regexp interface {
	FindStringIndex(s string) []int
	ReplaceAllString(src, repl string) string
	ReplaceAllStringFunc(src string, repl func(string) string) string
}

// Expand returns the text of t in an environment. The error is an [*ExpandError].
func (t Template) Expand(env *Environment) (string, error) {
	if t.IsConst() {
		return t.Text(), nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.expr != nil {
			s, err := p.expr.expand(env)
			if err != nil {
				return "", err
			}
			b.WriteString(s)
		}
	}
	return b.String(), nil
}

func (e *expr) expand(env *Environment) (string, error) {
	name, err := e.name.Expand(env)
	if err != nil {
		return "", err
	}
	if e.op == opNames {
		var names []string
		for _, n := range env.Names() {
			if strings.HasPrefix(n, name) {
				names = append(names, n)
			}
		}
		return strings.Join(names, " "), nil
	}
	value, set := env.Lookup(name)
	if !set {
		value = ""
	}
	if e.op <= opAlternativeSet {
		return e.choose(env, name, value, set)
	}
	s, err := e.edit(env, value)
	if err != nil {
		if ee, ok := errors.AsType[*ExpandError](err); ok {
			return "", ee // of an expression in the word
		}
		return "", &ExpandError{name, "can't be expanded: " + err.Error()}
	}
	return s, nil
}

// choose is the forms that give the value or the word.
func (e *expr) choose(env *Environment, name, value string, set bool) (string, error) {
	switch e.op {
	case opDefault, opAssign, opRequire, opAlternative:
		set = value != ""
	}
	switch e.op {
	case opAlternative, opAlternativeSet:
		if set {
			return e.word.Expand(env)
		}
		return "", nil
	case opValue:
		return value, nil
	}
	if set {
		return value, nil
	}
	switch e.op {
	case opRequire:
		return "", &ExpandError{name, "is not set, or empty"}
	case opRequireUnset:
		return "", &ExpandError{name, "is not set"}
	}
	word, err := e.word.Expand(env)
	if err == nil && (e.op == opAssign || e.op == opAssignUnset) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return "", &ExpandError{strconv.Quote(name), "can't be assigned to"}
		}
		env.Assign(name, word)
	}
	return word, err
}

// edit is the forms that change the value.
func (e *expr) edit(env *Environment, value string) (string, error) {
	word, err := e.word.Expand(env)
	if err != nil {
		return "", err
	}
	with, err := e.with.Expand(env)
	if err != nil {
		return "", err
	}
	switch e.op {
	case opLength:
		return strconv.Itoa(utf8.RuneCountInString(value)), nil
	case opFrom, opFromFor:
		if e.op == opFrom {
			with = "-1"
		}
		return substring(value, word, with)
	case opUpperFirst, opUpper, opLowerFirst, opLower:
		if word == "" {
			return e.changeCase(value), nil
		}
	}
	if word == "" {
		return value, nil
	}
	if env.Compile == nil {
		return "", errors.New("regular expressions are not part of this binary")
	}
	re, err := env.Compile(word, e.op == opCutSuffix || e.op == opReplaceSuffix)
	if err != nil {
		return "", err
	}
	return e.match(re, value, with), nil
}

// match is the forms with a regular expression.
func (e *expr) match(re Regexp, value, with string) string {
	switch e.op {
	case opUpper:
		return re.ReplaceAllStringFunc(value, strings.ToUpper)
	case opLower:
		return re.ReplaceAllStringFunc(value, strings.ToLower)
	case opUpperFirst, opLowerFirst:
		_, size := utf8.DecodeRuneInString(value)
		if re.FindStringIndex(value[:size]) == nil {
			return value
		}
		return e.changeCase(value)
	case opReplaceAll:
		return re.ReplaceAllString(value, with)
	}
	m := re.FindStringIndex(value)
	if m == nil {
		return value
	}
	if atStart := e.op == opCutPrefix || e.op == opReplacePrefix; atStart && m[0] > 0 {
		return value // a match at the start would have been found first
	}
	return value[:m[0]] + with + value[m[1]:]
}

func (e *expr) changeCase(value string) string {
	_, size := utf8.DecodeRuneInString(value)
	switch e.op {
	case opUpper:
		return strings.ToUpper(value)
	case opLower:
		return strings.ToLower(value)
	case opUpperFirst:
		return strings.ToUpper(value[:size]) + value[size:]
	}
	return strings.ToLower(value[:size]) + value[size:]
}

// substring returns the characters of value from the one after the first n on, and no more than length.
func substring(value, n, length string) (string, error) {
	from, err := strconv.Atoi(n)
	if err != nil {
		return "", errors.New(strconv.Quote(n) + " is not a number")
	}
	count, err := strconv.Atoi(length)
	if err != nil {
		return "", errors.New(strconv.Quote(length) + " is not a number")
	}
	runes := []rune(value)
	if from < 0 {
		return value, nil
	}
	runes = runes[min(from, len(runes)):]
	if count >= 0 && count < len(runes) {
		runes = runes[:count]
	}
	return string(runes), nil
}
