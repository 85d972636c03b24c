package gateway

import "iter"

// A Field is one header or trailer field line (RFC 9110, section 5).
type Field struct{ Name, Value string }

// A Header is the ordered list of the fields of a message. Names keep the
// spelling in which they came; look-ups ignore case (RFC 9110, section 5.1).
// Strings may be kept: nothing in a Header is ever overwritten in place.
type Header []Field

// Get returns the value of the first field of that name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if EqualName(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether there is a field of that name.
func (h Header) Has(name string) bool {
	for i := range h {
		if EqualName(h[i].Name, name) {
			return true
		}
	}
	return false
}

// Values yields the values of all fields of that name, in order.
func (h Header) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range h {
			if EqualName(h[i].Name, name) && !yield(h[i].Value) {
				return
			}
		}
	}
}

// Joined returns the values of all fields of that name, joined by sep, and
// whether there was one. A single value is returned as it is, without a copy.
func (h Header) Joined(name, sep string) (string, bool) {
	joined, found := "", false
	for i := range h {
		switch {
		case !EqualName(h[i].Name, name):
		case found:
			joined += sep + h[i].Value
		default:
			joined, found = h[i].Value, true
		}
	}
	return joined, found
}

// Add appends a field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set replaces the fields of that name by one, in the place of the first.
func (h *Header) Set(name, value string) {
	s := *h
	for i := range s {
		if EqualName(s[i].Name, name) {
			s[i] = Field{name, value}
			rest := s[i+1:]
			rest.Del(name)
			*h = s[:i+1+len(rest)]
			return
		}
	}
	*h = append(s, Field{name, value})
}

// Del removes all fields of that name.
func (h *Header) Del(name string) {
	h.DelFunc(func(f Field) bool { return EqualName(f.Name, name) })
}

// DelFunc removes the fields for which remove returns true.
func (h *Header) DelFunc(remove func(Field) bool) {
	s := *h
	k := 0
	for i := range s {
		if remove(s[i]) {
			continue
		}
		if k != i {
			s[k] = s[i]
		}
		k++
	}
	clear(s[k:])
	*h = s[:k]
}

// Tokens yields the elements of the comma-separated lists in all fields of that
// name, without the blanks around them; empty elements are skipped (RFC 9110,
// section 5.6.1).
func (h Header) Tokens(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range h {
			if !EqualName(h[i].Name, name) {
				continue
			}
			for t := range SplitList(h[i].Value) {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// HasToken reports whether token is an element of the comma-separated lists in
// the fields of that name, case ignored.
func (h Header) HasToken(name, token string) bool {
	for t := range h.Tokens(name) {
		if EqualName(t, token) {
			return true
		}
	}
	return false
}

// SplitList yields the elements of a comma-separated list (RFC 9110, section 5.6.1).
func SplitList(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(list) > 0 {
			end := 0
			for end < len(list) && list[end] != ',' {
				end++
			}
			if t := trimOWS(list[:end]); t != "" && !yield(t) {
				return
			}
			if end == len(list) {
				return
			}
			list = list[end+1:]
		}
	}
}

func trimOWS(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// EqualName reports whether two field names, or tokens, are the same in ASCII,
// case ignored.
func EqualName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	if a == b { // the common case: both canonical
		return true
	}
	for i := range len(a) {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}

var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return
}()

// CanonicalName spells a field name as Go and most servers do: the first letter
// and each letter after a hyphen in upper case, the rest in lower case.
func CanonicalName(name string) string {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			return canonicalise(name)
		}
		upper = c == '-'
	}
	return name
}

func canonicalise(name string) string {
	b := []byte(name)
	upper := true
	for i, c := range b {
		c = lower[c]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b[i] = c
		upper = c == '-'
	}
	return string(b)
}
