package diag

import "strings"

// Suggest returns the word among those that word may be a misspelling of, or "" if
// none is near. Case doesn't matter; of equally near words the first one wins.
func Suggest(word string, among []string) string {
	n := len([]rune(word))
	best, limit := "", min(n/3+1, n-1)
	for _, candidate := range among {
		if candidate == word {
			continue // it's not what is wrong
		}
		if d := distance(strings.ToLower(word), strings.ToLower(candidate), limit); d <= limit {
			best, limit = candidate, d-1 // only a nearer one is better
		}
	}
	return best
}

// distance is the number of insertions, deletions, substitutions and transpositions
// of neighbours that turn a into b (the optimal string alignment), or something
// above limit if it is more than that.
func distance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) > limit || len(t)-len(s) > limit {
		return limit + 1
	}
	older, old, now := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range now {
		now[j] = j
	}
	for i := 1; i <= len(s); i++ {
		older, old, now = old, now, older
		now[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			now[j] = min(old[j]+1, now[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				now[j] = min(now[j], older[j-2]+1)
			}
		}
	}
	return now[len(t)]
}
