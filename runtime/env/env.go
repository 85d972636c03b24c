// Package env gives a gateway the values that its config takes from the
// environment when it starts.
//
// Generated code reads each of them by the method for its type, with the
// position and the text that the config has:
//
//	addr := vars.String("config.yaml:7:9", "${HOST:-0.0.0.0}:${PORT}")
//
// No method fails: what is wrong is collected, so that [Env.Err] can tell all of it at
// once. The expressions are those of AILERON Gateway's configs.
package env

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/internal/envexpr"
)

// An Env is a set of environment variables. It is for one goroutine.
type Env struct {
	names  []string // in order
	vars   map[string]string
	setenv func(name, value string) error // passes changes on; may be nil
	expand envexpr.Environment
	errs   []error
}

// New returns the variables of environ, which has the form of [os.Environ]. What is
// set later stays in the Env.
func New(environ []string) *Env {
	e := &Env{vars: make(map[string]string, len(environ))}
	for _, kv := range environ {
		// On Windows, names of hidden variables begin with "=".
		if i := strings.IndexByte(kv, '='); i > 0 {
			e.set(kv[:i], kv[i+1:])
		}
	}
	e.expand = envexpr.Environment{
		Lookup: e.Lookup,
		Assign: e.assign,
		Names:  func() []string { return e.names },
	}
	return e
}

// OS returns the variables of the process. What is set later is set in the process,
// too: the proxy of the HTTP client, for one, is looked up there.
func OS() *Env {
	e := New(os.Environ())
	e.setenv = os.Setenv
	return e
}

// SetCompiler makes the expressions with regular expressions, such as ${P#R}, work.
// Package regexps calls it; a gateway without such expressions doesn't link one.
func (e *Env) SetCompiler(c envexpr.Compiler) { e.expand.Compile = c }

// Lookup returns the value of a variable, and whether it is set.
func (e *Env) Lookup(name string) (value string, ok bool) {
	value, ok = e.vars[name]
	return value, ok
}

func (e *Env) set(name, value string) {
	if _, ok := e.vars[name]; !ok {
		e.names = append(e.names, name)
	}
	e.vars[name] = value
}

// assign sets a variable, also in the process.
func (e *Env) assign(name, value string) {
	e.set(name, value)
	if e.setenv == nil {
		return
	}
	if err := e.setenv(name, value); err != nil {
		e.errs = append(e.errs, fmt.Errorf("set %s: %w", name, err))
	}
}

// Err returns all that went wrong so far, one line each, or nil.
func (e *Env) Err() error { return errors.Join(e.errs...) }

func (e *Env) fail(pos, reason string) {
	e.errs = append(e.errs, errors.New(pos+": "+reason))
}

// text expands the expressions in text.
func (e *Env) text(pos, text string) (value string, ok bool) {
	t, err := envexpr.Parse(text)
	if err == nil {
		value, err = t.Expand(&e.expand)
	}
	if err != nil {
		e.fail(pos, err.Error())
		return "", false
	}
	return value, true
}

// Names are the names of all variables, in the order in which they were set.
func (e *Env) Names() []string { return e.names }

// Assign makes the assignments in text, as in ${P:=W}, for others that stand before it in the program. What is wrong with text
// is found when it's read.
func (e *Env) Assign(text string) {
	if t, err := envexpr.Parse(text); err == nil {
		_, _ = t.Expand(&e.expand)
	}
}

// String returns the value of text.
func (e *Env) String(pos, text string) string {
	s, _ := e.text(pos, text)
	return s
}

// StringOr returns the value of text; def if it's empty.
func (e *Env) StringOr(pos, text, def string) string {
	if s, ok := e.text(pos, text); ok && s != "" {
		return s
	}
	return def
}

// Needed returns the value of text, which must not be empty.
func (e *Env) Needed(pos, text string) string {
	s, ok := e.text(pos, text)
	if !ok || s != "" {
		return s
	}
	reasons := []string{text + " is empty, and a value is needed here"}
	if t, err := envexpr.Parse(text); err == nil {
		for _, name := range t.Vars() {
			if _, set := e.vars[name]; !set {
				reasons = append(reasons, name+" is not set")
			}
		}
	}
	e.fail(pos, strings.Join(reasons, "; "))
	return ""
}

// Bool returns the value of text as a truth value; def if it's empty.
func (e *Env) Bool(pos, text string, def bool) bool {
	s, ok := e.text(pos, text)
	if !ok || strings.TrimSpace(s) == "" {
		return def
	}
	b, err := envexpr.Bool(s)
	if err != nil {
		e.fail(pos, fmt.Sprintf("%s is %q; it must be true or false", text, s))
		return def
	}
	return b
}

// Int64 returns the value of text as a number from min to max; def if it's empty.
func (e *Env) Int64(pos, text string, def, min, max int64) int64 {
	if n, ok := e.number(pos, text, min, max); ok {
		return n
	}
	return def
}

// Int is Int64 for options of type int.
func (e *Env) Int(pos, text string, def int, min, max int64) int {
	if n, ok := e.number(pos, text, min, max); ok {
		return int(n)
	}
	return def
}

// Float returns the value of text as a number; def if it's empty.
func (e *Env) Float(pos, text string, def float64) float64 {
	s, ok := e.text(pos, text)
	if !ok || strings.TrimSpace(s) == "" {
		return def
	}
	f, err := envexpr.Float(s)
	if err != nil {
		e.fail(pos, fmt.Sprintf("%s is %q; it must be a number", text, s))
		return def
	}
	return f
}

// Seconds returns the value of text as a number of seconds from min to max; def if it's empty.
func (e *Env) Seconds(pos, text string, def time.Duration, min, max int64) time.Duration {
	return e.duration(pos, text, def, time.Second, min, max)
}

// Millis is Seconds for milliseconds.
func (e *Env) Millis(pos, text string, def time.Duration, min, max int64) time.Duration {
	return e.duration(pos, text, def, time.Millisecond, min, max)
}

func (e *Env) duration(pos, text string, def, unit time.Duration, min, max int64) time.Duration {
	const longest = 1<<63 - 1
	n, ok := e.number(pos, text, min, max)
	switch {
	case !ok:
		return def
	case n > longest/int64(unit):
		return longest
	case n < -longest/int64(unit):
		return -longest
	}
	return time.Duration(n) * unit
}

// number returns the value of text, if it has one that fits.
func (e *Env) number(pos, text string, min, max int64) (n int64, ok bool) {
	s, ok := e.text(pos, text)
	if !ok || strings.TrimSpace(s) == "" {
		return 0, false
	}
	n, err := envexpr.Int(s)
	switch {
	case err == envexpr.ErrRange, err == nil && (n < min || n > max):
		e.fail(pos, fmt.Sprintf("%s is %q; it must be from %d to %d", text, s, min, max))
		return 0, false
	case err != nil:
		e.fail(pos, fmt.Sprintf("%s is %q; it must be a whole number", text, s))
		return 0, false
	}
	return n, true
}
