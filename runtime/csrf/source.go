package csrf

import (
	"errors"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/internal/jsonval"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/query"
	"github.com/aileron-gateway/aileronc/runtime/internal/reread"
)

// A Source returns the token in a request, "" if there is none.
type Source func(x *gateway.Exchange) (string, error)

// FromHeader is the value of a field.
func FromHeader(name string) Source {
	return func(x *gateway.Exchange) (string, error) { return x.Request.Header.Get(name), nil }
}

// FromForm is the first value of a field of a form, which must be sent as application/x-www-form-urlencoded.
func FromForm(name string) Source {
	return func(x *gateway.Exchange) (string, error) {
		body, err := readBody(x, reread.Form)
		if err != nil {
			return "", err
		}
		token, _ := query.Get(body, name)
		return token, nil
	}
}

// FromJSON is a string in a body that is application/json. path are the names of nested objects, and the indexes of
// arrays, with dots between them: "data.tokens.0". A dot behind a backslash belongs to a name.
func FromJSON(path string) Source {
	steps := splitPath(path)
	return func(x *gateway.Exchange) (string, error) {
		body, err := readBody(x, "application/json")
		if err != nil {
			return "", err
		}
		v, err := jsonval.Parse(body)
		if err != nil {
			return "", refused("the body can't be read", err)
		}
		for _, step := range steps {
			v = member(v, step)
		}
		token, _ := v.(string)
		return token, nil
	}
}

// splitPath splits a path at its dots.
func splitPath(path string) (steps []string) {
	var step strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			step.WriteByte(path[i])
		case path[i] == '.':
			steps = append(steps, step.String())
			step.Reset()
		default:
			step.WriteByte(path[i])
		}
	}
	return append(steps, step.String())
}

// member returns a value in an object or array, nil if it isn't there.
func member(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && 0 <= i && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// maxBody is how long a body may be in which there is to be a token.
const maxBody = 1 << 20

// readBody returns the body of x, if it is of a media type, and puts it back.
func readBody(x *gateway.Exchange, mediaType string) (string, error) {
	if !reread.IsMediaType(&x.Request, mediaType) {
		return "", refused("the body isn't "+mediaType, nil)
	}
	b, err := reread.All(&x.Request, maxBody)
	switch {
	case err == reread.ErrTooLong:
		return "", tooLarge(nil)
	case err != nil:
		return "", unreadable(err)
	}
	return string(b), nil
}

func tooLarge(cause error) error {
	return &gateway.Error{Status: 413, Code: "E3209", Kind: "AppMiddleCSRFToken", Message: "the body is too large to look for a token in it", Cause: cause}
}

func unreadable(err error) error {
	switch {
	case errors.Is(err, gateway.ErrTooLarge):
		return tooLarge(err)
	case gateway.IsTimeout(err):
		return &gateway.Error{Status: 408, Code: "E3209", Kind: "AppMiddleCSRFToken", Message: "the body didn't come in time", Cause: err}
	}
	return &gateway.Error{Status: 400, Code: "E3209", Kind: "AppMiddleCSRFToken", Message: "the body can't be read", Cause: err}
}
