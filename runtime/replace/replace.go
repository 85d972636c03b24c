// Package replace edits short texts that are about to be logged or sent on: it
// masks, cuts and trims the values of header fields, queries and log members.
//
// What needs regular expressions, encodings or cryptography is in the packages
// below this one, so that who masks with a fixed text links none of them. They
// compose: pattern.Each(re, digest.Hash(digest.SHA256, encode.Base64)) hashes
// every match of re.
//
// A character is a code point. The functions whose name ends in Bytes are for
// bodies, which may be no text at all: there, a character is a byte.
package replace

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Func returns the replacement of s. It is safe for concurrent use.
type Func func(s string) string

// Apply runs fs over s, one after another.
func Apply(fs []Func, s string) string {
	for _, f := range fs {
		s = f(s)
	}
	return s
}

// Fixed replaces everything by value.
func Fixed(value string) Func {
	return func(string) string { return value }
}

// Value replaces each occurrence of each key by its value: the longest key first,
// those of one length in alphabetical order, each on the outcome of the one
// before. Empty keys are skipped.
func Value(fromTo map[string]string) Func {
	type pair struct{ from, to string }
	var pairs []pair
	for from, to := range fromTo {
		if from != "" {
			pairs = append(pairs, pair{from, to})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(len(b.from), len(a.from)), cmp.Compare(a.from, b.from))
	})
	return func(s string) string {
		for _, p := range pairs {
			s = strings.ReplaceAll(s, p.from, p.to)
		}
		return s
	}
}

// Left replaces each of the first n characters by char, or fewer if there are no
// more. An empty char cuts them off.
func Left(char string, n int) Func {
	return func(s string) string {
		end, count := 0, 0
		for count < n && end < len(s) {
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
			count++
		}
		return strings.Repeat(char, count) + s[end:]
	}
}

// Right replaces each of the last n characters by char, or fewer if there are no
// more. An empty char cuts them off.
func Right(char string, n int) Func {
	return func(s string) string {
		start, count := len(s), 0
		for count < n && start > 0 {
			_, size := utf8.DecodeLastRuneInString(s[:start])
			start -= size
			count++
		}
		return s[:start] + strings.Repeat(char, count)
	}
}

// LeftBytes is Left for bytes.
func LeftBytes(char string, n int) Func {
	return func(s string) string {
		k := min(n, len(s))
		return strings.Repeat(char, k) + s[k:]
	}
}

// RightBytes is Right for bytes.
func RightBytes(char string, n int) Func {
	return func(s string) string {
		k := min(n, len(s))
		return s[:len(s)-k] + strings.Repeat(char, k)
	}
}
