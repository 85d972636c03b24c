package env

import (
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

// MustLoad … see Load.
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
