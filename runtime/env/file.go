package env

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aileron-gateway/aileronc/internal/envexpr"
)

// Load sets the variables that a file has, one NAME=VALUE after the other.
//
//   - Blanks around a line are dropped, as are empty lines, lines that begin with #,
//     "export " before a name, and # after a blank with all that follows.
//   - '…' and "…" protect blanks, # and line ends; they may be mixed.
//   - \\, \', \" and \# are the character, \n in quotes is a line feed. Any other
//     backslash but the last character of the value is dropped.
//   - Expressions, as in configs, see the variables set before them, in quotes, too.
//     Their values are taken as they are.
//
// The last one of a name wins, also over the environment of the process.
func (e *Env) Load(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	return e.parse(file, text)
}

// parse sets the variables of text; file is for errors.
func (e *Env) parse(file, text string) error {
	s := &scanner{env: e, rest: text, line: 1}
	for s.rest != "" {
		line := s.line
		if err := s.statement(); err != nil {
			return fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
	return nil
}

type scanner struct {
	env  *Env
	rest string
	line int
}

const blanks = " \t\f\r"

// statement reads a line, and those that an open quote takes in.
func (s *scanner) statement() error {
	line, _, _ := strings.Cut(s.rest, "\n")
	if trimmed := strings.Trim(line, blanks); trimmed == "" || trimmed[0] == '#' {
		s.skip(len(line) + 1)
		return nil
	}
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("there is no = in the line; it should be NAME=VALUE")
	}
	s.skip(len(name) + 1)
	name = strings.TrimLeft(name, blanks)
	if word, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(word, blanks) != word {
		name = strings.TrimLeft(word, blanks)
	}
	if name == "" || strings.Trim(name, nameBytes) != "" {
		return fmt.Errorf("%q is not a name: it should be letters, digits and underscores", name)
	}
	value, err := s.value()
	if err == nil {
		s.env.assign(name, value)
	}
	return err
}

const nameBytes = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (s *scanner) skip(n int) {
	n = min(n, len(s.rest))
	s.line += strings.Count(s.rest[:n], "\n")
	s.rest = s.rest[n:]
}

// value reads what is behind the equals sign, up to the end of a line.
func (s *scanner) value() (string, error) {
	var value []byte
	keep := 0 // so much of value stays even if it's blanks
	quote, last := byte(0), byte(0)
	for s.rest != "" {
		c := s.rest[0]
		n := 1
		switch {
		case c == '\n' && quote == 0, c == '#' && quote == 0 && last != 0 && strings.IndexByte(blanks, last) >= 0:
			end := strings.IndexByte(s.rest, '\n') + 1
			if end == 0 {
				end = len(s.rest)
			}
			s.skip(end)
			return trim(value, keep), nil
		case c == quote:
			quote, keep = 0, len(value)
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '\\':
			var text string
			text, n = unescape(s.rest, quote != 0)
			value = append(value, text...)
			keep = len(value)
		case c == '$':
			text, size, err := s.dollar()
			if err != nil {
				return "", err
			}
			value = append(value, text...)
			keep, n = len(value), size
		default:
			value = append(value, c)
		}
		last = s.rest[n-1]
		s.skip(n)
	}
	if quote != 0 {
		return "", fmt.Errorf("the quote %c is not closed", quote)
	}
	return trim(value, keep), nil
}

// trim drops the blanks behind the first keep bytes.
func trim(value []byte, keep int) string {
	return string(value[:max(keep, len(strings.TrimRight(string(value), blanks)))])
}

// unescape reads a backslash and what is behind it.
func unescape(s string, quoted bool) (text string, n int) {
	switch {
	case len(s) == 1 || s[1] == '\n': // the last character of the line
		return "\\", 1
	case s[1] == 'n' && quoted:
		return "\n", 2
	}
	return s[1:2], 2
}

// dollar reads an expression, or text that isn't one.
func (s *scanner) dollar() (text string, n int, err error) {
	if strings.HasPrefix(s.rest, "$${") {
		return "${", 3, nil
	}
	t, n, err := envexpr.ParseExpr(s.rest)
	if err != nil {
		return "", 0, err
	}
	if n == 0 {
		return "$", 1, nil
	}
	files := s.env.expand
	files.Compile = nil // so that what works doesn't depend on the config
	text, err = t.Expand(&files)
	return text, n, err
}
