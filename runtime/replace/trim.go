package replace

import "strings"

// Trim strips the characters of a cut set from both ends. The sets are tried in
// order until one changes something.
func Trim(cutSets ...string) Func { return first(cutSets, strings.Trim) }

// TrimLeft is Trim for the start only.
func TrimLeft(cutSets ...string) Func { return first(cutSets, strings.TrimLeft) }

// TrimRight is Trim for the end only.
func TrimRight(cutSets ...string) Func { return first(cutSets, strings.TrimRight) }

// TrimPrefix removes, once, the first of the prefixes that s starts with.
func TrimPrefix(prefixes ...string) Func { return first(prefixes, strings.TrimPrefix) }

// TrimSuffix removes, once, the first of the suffixes that s ends in.
func TrimSuffix(suffixes ...string) Func { return first(suffixes, strings.TrimSuffix) }

// TrimBytes is Trim for bytes.
func TrimBytes(cutSets ...string) Func {
	return first(cutSets, func(s, set string) string { return cutRight(cutLeft(s, set), set) })
}

// TrimLeftBytes is TrimLeft for bytes.
func TrimLeftBytes(cutSets ...string) Func { return first(cutSets, cutLeft) }

// TrimRightBytes is TrimRight for bytes.
func TrimRightBytes(cutSets ...string) Func { return first(cutSets, cutRight) }

// first applies cut with one argument after another until s gets shorter.
func first(args []string, cut func(s, arg string) string) Func {
	return func(s string) string {
		for _, arg := range args {
			if t := cut(s, arg); len(t) < len(s) {
				return t
			}
		}
		return s
	}
}

func cutLeft(s, set string) string {
	for len(s) > 0 && strings.IndexByte(set, s[0]) >= 0 {
		s = s[1:]
	}
	return s
}

func cutRight(s, set string) string {
	for len(s) > 0 && strings.IndexByte(set, s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}
