package source

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/internal/envexpr"
)

// A ValueError tells why a node can't be the value of a field.
type ValueError struct {
	Code    diag.Code // WrongType, OutOfRange or BadValue
	Message string    // a predicate for the field's name: "must be a whole number, not text"
	Hint    string
}

// Error returns the message.
func (e *ValueError) Error() string { return e.Message }

// Report adds e as an error on the field of that name.
func (e *ValueError) Report(list *diag.List, pos diag.Pos, field string) *diag.Finding {
	return list.Add(diag.Finding{
		Pos: pos, Severity: diag.Error, Code: e.Code, Message: field + " " + e.Message, Hint: e.Hint,
	})
}

func (n *Node) wrongType(want string) *ValueError {
	e := &ValueError{Code: diag.WrongType, Message: "must be " + want + ", not " + n.what()}
	if n.Kind == Scalar && n.Type == String && n.Text != "" {
		e.Message = fmt.Sprintf("must be %s, not %q", want, abridge(n.Text))
	}
	return e
}

// abridge keeps a message readable if the text is a whole file.
func abridge(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Str returns the value for a field that holds text. A date is text as it was
// written; a number, true and false need quotes.
func (n *Node) Str() (string, *ValueError) {
	switch {
	case n.Kind != Scalar:
		return "", n.wrongType("text")
	case n.Type == Binary:
		return decodeBase64(n.Text)
	case n.Type == String, n.Type == Timestamp, n.substituted:
		return n.Text, nil
	}
	e := n.wrongType("text")
	e.Hint = fmt.Sprintf("write %q", n.Text)
	return "", e
}

// Int returns the value for a field that holds a whole number. 1e3 and 5.0 are
// whole numbers, too, and numbers may be quoted.
func (n *Node) Int(min, max int64) (int64, *ValueError) {
	if e := n.number(); e != nil {
		return 0, e
	}
	i, err := envexpr.Int(n.Text)
	switch {
	case err == envexpr.ErrRange || err == nil && (i < min || i > max):
		return 0, outOfRange(n.Text, fmt.Sprint(min), fmt.Sprint(max), min == math.MinInt64, max == math.MaxInt64)
	case err != nil:
		return 0, n.notWhole()
	}
	return i, nil
}

// Uint is Int for numbers from 0 on.
func (n *Node) Uint(max uint64) (uint64, *ValueError) {
	if e := n.number(); e != nil {
		return 0, e
	}
	u, err := envexpr.Uint(n.Text)
	switch {
	case err == envexpr.ErrRange || err == nil && u > max:
		return 0, outOfRange(n.Text, "0", fmt.Sprint(max), false, max == math.MaxUint64)
	case err != nil:
		return 0, n.notWhole()
	}
	return u, nil
}

// Float returns the value for a field that holds a number.
func (n *Node) Float() (float64, *ValueError) {
	if e := n.number(); e != nil {
		return 0, n.wrongType("a number")
	}
	f, err := envexpr.Float(n.Text)
	if err != nil {
		return 0, &ValueError{Code: diag.OutOfRange, Message: "must be a number in decimal that isn't too large, not " + n.Text}
	}
	return f, nil
}

// number refuses what can't be a number. In quotes, only the numbers of JSON can:
// "0644" could mean two things.
func (n *Node) number() *ValueError {
	isNumber := n.Kind == Scalar && (n.Type == Int || n.Type == Float)
	isQuoted := n.Kind == Scalar && n.Type == String && envexpr.IsJSONNumber(n.Text)
	if !isNumber && !isQuoted {
		return n.wrongType("a whole number")
	}
	return nil
}

func (n *Node) notWhole() *ValueError {
	if n.Type == Float {
		return &ValueError{Code: diag.WrongType, Message: "must be a whole number, not " + n.Text}
	}
	return n.wrongType("a whole number")
}

func outOfRange(text, min, max string, noMin, noMax bool) *ValueError {
	e := &ValueError{Code: diag.OutOfRange}
	switch {
	case noMin && noMax:
		e.Message = fmt.Sprintf("is %s; it must fit into 64 bits", text)
	case noMax:
		e.Message = fmt.Sprintf("is %s; it must be %s or more", text, min)
	case noMin:
		e.Message = fmt.Sprintf("is %s; it must be %s or less", text, max)
	default:
		e.Message = fmt.Sprintf("is %s; it must be from %s to %s", text, min, max)
	}
	return e
}

// Bool returns the value for a field that is true or false, without quotes.
func (n *Node) Bool() (bool, *ValueError) {
	if n.Kind == Scalar && (n.Type == Bool || n.substituted) {
		if b, err := envexpr.Bool(n.Text); err == nil {
			return b, nil
		}
	}
	e := n.wrongType("true or false")
	if b, err := envexpr.Bool(n.Text); err == nil {
		e.Hint = fmt.Sprintf("write %t without quotes", b)
	} else if n.Kind == Scalar {
		switch strings.ToLower(n.Text) {
		case "yes", "on", "y", "1":
			e.Hint = "write true"
		case "no", "off", "n", "0":
			e.Hint = "write false"
		}
	}
	return false, e
}

// decodeBase64 decodes a scalar with the tag !!binary, which may have blanks in it.
func decodeBase64(s string) (string, *ValueError) {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return "", &ValueError{Code: diag.BadValue, Message: "is not base64"}
	}
	return string(data), nil
}
