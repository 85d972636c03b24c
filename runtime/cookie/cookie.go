// Package cookie reads the cookies of requests and writes those of responses (RFC 6265, and its
// revision draft-ietf-httpbis-rfc6265bis).
package cookie

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Get returns the value of the first cookie of that name in the Cookie fields of h.
func Get(h gateway.Header, name string) (value string, ok bool) {
	for i := range h {
		if !gateway.EqualName(h[i].Name, "Cookie") {
			continue
		}
		for list := h[i].Value; list != ""; {
			var n string
			if n, value, list = next(list); n == name {
				return value, true
			}
		}
	}
	return "", false
}

// All yields the cookies of h, in order. Nothing of them is known to be valid.
func All(h gateway.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range h {
			if !gateway.EqualName(h[i].Name, "Cookie") {
				continue
			}
			for list := h[i].Value; list != ""; {
				var name, value string
				if name, value, list = next(list); !yield(name, value) {
					return
				}
			}
		}
	}
}

// next splits off the first pair of a list. A value in quotes comes without them.
func next(list string) (name, value, rest string) {
	pair, rest, _ := strings.Cut(list, ";")
	name, value, _ = strings.Cut(pair, "=")
	name, value = trim(name), trim(value)
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return name, value, rest
}

func trim(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// Without returns h without the cookies for whose names remove returns true. h itself doesn't change.
func Without(h gateway.Header, remove func(name string) bool) gateway.Header {
	var out gateway.Header
	for i := range h {
		f := h[i]
		if gateway.EqualName(f.Name, "Cookie") {
			value, changed := without(f.Value, remove)
			if changed && out == nil {
				out = append(make(gateway.Header, 0, len(h)), h[:i]...)
			}
			if f.Value = value; changed && value == "" {
				continue
			}
		}
		if out != nil {
			out = append(out, f)
		}
	}
	if out == nil {
		return h
	}
	return out
}

func without(list string, remove func(name string) bool) (kept string, changed bool) {
	for rest := list; rest != ""; {
		pair, after, _ := strings.Cut(rest, ";")
		name, _, _ := strings.Cut(pair, "=")
		if rest = after; remove(trim(name)) {
			changed = true
		} else if pair = trim(pair); kept == "" {
			kept = pair
		} else {
			kept += "; " + pair
		}
	}
	if !changed {
		return list, false
	}
	return kept, true
}

// SameSite says with which requests across sites a browser sends a cookie.
type SameSite uint8

// The values of SameSite. SameSiteDefault leaves it to the browser.
const (
	SameSiteDefault SameSite = iota
	SameSiteLax
	SameSiteStrict
	SameSiteNone
)

// Attributes say where and how long a cookie is valid. The zero value is one for the
// path of the request and until the browser ends.
type Attributes struct {
	Path, Domain string
	// ExpiresIn is in what time it expires, by the attribute Expires; 0 sends none.
	ExpiresIn time.Duration
	// MaxAge is the same by the attribute Max-Age; 0 sends none, and a negative value deletes the cookie.
	MaxAge   time.Duration
	Secure   bool // only over TLS
	HTTPOnly bool // not for scripts
	SameSite SameSite
}

// Set returns the value of a Set-Cookie field. name and value must be of the characters
// that cookies may have: see [Valid].
func Set(name, value string, a *Attributes) string {
	b := make([]byte, 0, len(name)+len(value)+128)
	b = append(b, name...)
	b = append(b, '=')
	b = append(b, value...)
	if a.Path != "" {
		b = append(append(b, "; Path="...), a.Path...)
	}
	if a.Domain != "" {
		b = append(append(b, "; Domain="...), a.Domain...)
	}
	if a.ExpiresIn != 0 {
		b = append(b, "; Expires="...)
		b = time.Now().Add(a.ExpiresIn).UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	if a.MaxAge != 0 {
		b = append(b, "; Max-Age="...)
		b = strconv.AppendInt(b, max(int64(a.MaxAge/time.Second), 0), 10)
	}
	if a.HTTPOnly {
		b = append(b, "; HttpOnly"...)
	}
	if a.Secure {
		b = append(b, "; Secure"...)
	}
	switch a.SameSite {
	case SameSiteLax:
		b = append(b, "; SameSite=Lax"...)
	case SameSiteStrict:
		b = append(b, "; SameSite=Strict"...)
	case SameSiteNone:
		b = append(b, "; SameSite=None"...)
	}
	return string(b)
}

// Delete returns the value of a Set-Cookie field that deletes what Set with the same name and attributes has set.
func Delete(name string, a *Attributes) string {
	gone := *a
	gone.MaxAge, gone.ExpiresIn = -time.Second, 0
	return Set(name, "", &gone)
}

// Valid reports whether s can be the value of a cookie without quotes (RFC 6265, section 4.1.1).
func Valid(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\' {
			return false
		}
	}
	return true
}
