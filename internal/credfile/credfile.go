// Package credfile reads files of credentials: a line for each user, id or key.
//
//	# users
//	alice:$2a$10$…:{"scope":["readonly","update"]}
//	bob:secret
//
// The compiler checks with it what the gateway reads when it starts.
package credfile

import (
	"errors"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
)

// A Credential is one line of a file.
type Credential struct {
	Line int
	// ID is the user, or the id of a key. It is empty in files of keys alone.
	ID     string
	Secret []byte
	Attrs  map[string]any // nil if there are none
}

// An Error is what is wrong with a line. It doesn't quote it.
type Error struct {
	Line int
	Err  error
}

// Error returns "line N: …".
func (e *Error) Error() string { return "line " + strconv.Itoa(e.Line) + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Parse reads a file. Blanks around lines are dropped, empty lines and those that begin with # are
// skipped. A line is ID:SECRET or, in a file of keys alone, SECRET; :ATTRS may follow, a JSON
// object. decode is applied to the secret; nil leaves it as it is.
func Parse(text string, keys bool, decode Decoder) (list []Credential, errs []*Error) {
	n := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		c, err := parseLine(line, keys, decode)
		if err != nil {
			errs = append(errs, &Error{n, err})
			continue
		}
		c.Line = n
		list = append(list, c)
	}
	return list, errs
}

func parseLine(line string, keys bool, decode Decoder) (c Credential, err error) {
	if !keys {
		var ok bool
		if c.ID, line, ok = strings.Cut(line, ":"); !ok {
			return c, errors.New("there is no colon in it; it should be ID:SECRET")
		}
		if c.ID == "" {
			return c, errors.New("there is nothing before the colon; it should be ID:SECRET")
		}
	}
	secret, attrs, more := strings.Cut(line, ":")
	if more {
		v, err := jsonval.Parse(attrs)
		if err != nil {
			return c, errors.New("the attributes behind the secret aren't JSON: " + err.Error() +
				"; a secret itself can't contain a colon")
		}
		var ok bool
		if c.Attrs, ok = v.(map[string]any); !ok {
			return c, errors.New("the attributes behind the secret must be a JSON object")
		}
	}
	c.Secret, err = Secret(secret, decode)
	return c, err
}

// Secret decodes a secret, which must not be empty.
func Secret(text string, decode Decoder) ([]byte, error) {
	if text == "" {
		return nil, errors.New("the secret is empty")
	}
	if decode == nil {
		return []byte(text), nil
	}
	b, err := decode(text)
	switch {
	case err != nil:
		return nil, errors.New("the secret can't be decoded: " + err.Error())
	case len(b) == 0:
		return nil, errors.New("the secret is empty")
	}
	return b, nil
}
