// Package query looks up values in the query of a URL without parsing all of it.
package query

import (
	"net/url"
	"strings"
)

// Get returns the first value of key, and whether there is one. It reads a query as
// [net/url.ParseQuery] does: a malformed pair is as good as absent.
func Get(rawQuery, key string) (value string, ok bool) {
	value, _, ok = next(rawQuery, key)
	return value, ok
}

// Joined returns the values of key, joined by sep, and whether there is one.
func Joined(rawQuery, key, sep string) (joined string, ok bool) {
	joined, rest, ok := next(rawQuery, key)
	for ok {
		value, after, more := next(rest, key)
		if !more {
			break
		}
		joined, rest = joined+sep+value, after
	}
	return joined, ok
}

// next returns the first value of key and what comes after it.
func next(rawQuery, key string) (value, rest string, ok bool) {
	for rawQuery != "" {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		name, raw, _ := strings.Cut(pair, "=")
		if pair == "" || !equal(name, key) || strings.Contains(pair, ";") {
			continue
		}
		if value, err := unescape(raw); err == nil {
			return value, rawQuery, true
		}
	}
	return "", "", false
}

func equal(raw, key string) bool {
	if raw == key && !escaped(raw) {
		return true
	}
	if len(raw) < len(key) || !escaped(raw) {
		return false
	}
	name, err := url.QueryUnescape(raw)
	return err == nil && name == key
}

func unescape(raw string) (string, error) {
	if !escaped(raw) {
		return raw, nil
	}
	return url.QueryUnescape(raw)
}

func escaped(s string) bool { return strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 }
