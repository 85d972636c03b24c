package envexpr

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// The errors of conversions.
var (
	ErrSyntax = errors.New("not a whole number")
	ErrRange  = errors.New("out of range")
)

// Int converts a whole number in one of the spellings of YAML: 8080, 0x1f90, 0o17,
// 1_000, and 1e3 and 5.0, too. Blanks around it don't matter.
func Int(s string) (int64, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	i, err := strconv.ParseInt(s, 0, 64)
	if err == nil {
		return i, nil
	}
	f, err := whole(s, err)
	if err != nil {
		return 0, err
	}
	if f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, ErrRange
	}
	return int64(f), nil
}

// Float converts a finite number, in decimal.
func Float(s string) (float64, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	if s == "" || strings.Trim(s, "+-.0123456789eE") != "" { // neither NaN nor hexadecimal floats
		return 0, ErrSyntax
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrRange
	case err != nil:
		return 0, ErrSyntax
	}
	return f, nil
}

// Uint is Int for numbers from 0 on.
func Uint(s string) (uint64, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "")
	u, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 0, 64)
	if err == nil {
		return u, nil
	}
	f, err := whole(s, err)
	if err != nil {
		return 0, err
	}
	if f < 0 || f >= math.MaxUint64 {
		return 0, ErrRange
	}
	return uint64(f), nil
}

// whole reads what strconv has refused as an integer, with err.
func whole(s string, err error) (float64, error) {
	if errors.Is(err, strconv.ErrRange) {
		return 0, ErrRange
	}
	if strings.Trim(s, "+-.0123456789eE") != "" { // neither NaN nor hexadecimal floats
		return 0, ErrSyntax
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrRange
	case err != nil || f != math.Trunc(f):
		return 0, ErrSyntax
	}
	return f, nil
}

// IsJSONNumber reports whether s is a number in JSON (RFC 8259, section 6).
func IsJSONNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, rest := digits(s)
	if whole == "" || whole[0] == '0' && len(whole) > 1 {
		return false
	}
	if fraction, ok := strings.CutPrefix(rest, "."); ok {
		whole, rest = digits(fraction)
		if whole == "" {
			return false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		whole, rest = digits(rest)
		return whole != "" && rest == ""
	}
	return rest == ""
}

// digits splits s after its leading digits.
func digits(s string) (digits, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(rest)], rest
}

// Bool converts true and false, which YAML takes in lower case, upper case and with
// a capital. Blanks around it don't matter.
func Bool(s string) (bool, error) {
	switch strings.TrimSpace(s) {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("not true or false")
}
