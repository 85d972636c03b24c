package emit

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"

	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// names gives out identifiers, each once.
type names map[string]bool

// newNames reserves what generated code can't, or shouldn't, redeclare: keywords,
// predeclared identifiers, and the names in reserved.
func newNames(reserved ...string) names {
	n := make(names)
	for _, name := range types.Universe.Names() {
		n[name] = true
	}
	for _, name := range reserved {
		n[name] = true
	}
	return n
}

// pick takes the first candidate that is free, or the last one with a number behind it.
func (n names) pick(candidates ...string) string {
	for _, c := range candidates {
		if n.free(c) {
			n[c] = true
			return c
		}
	}
	last := candidates[len(candidates)-1]
	for i := 2; ; i++ {
		if c := last + strconv.Itoa(i); n.free(c) {
			n[c] = true
			return c
		}
	}
}

func (n names) free(name string) bool { return name != "" && !token.IsKeyword(name) && !n[name] }

// candidates are the names that a resource's variable may have, the best first: its
// own, its kind's if its own says nothing, both, both with the namespace.
func candidates(id resource.ID, base string) []string {
	kind := lowerCamel(splitKind(id.Kind))
	own := identifier(base)
	if id.Kind == "" {
		return []string{own, own + "Value"}
	}
	if own == "" || base == resource.Default || strings.HasPrefix(base, ".") {
		return []string{kind, identifier(id.Namespace) + id.Kind}
	}
	list := []string{own}
	if strings.HasPrefix(strings.ToLower(id.Kind), strings.ToLower(own)) {
		list = append(list, kind)
	}
	return append(list, own+id.Kind, identifier(id.Namespace)+upperFirst(own)+id.Kind)
}

// identifier makes a Go identifier of a resource's name: "access-log" is accessLog,
// "9-lives" is n9Lives, "default-TLS" is httpServerTLS's part of the name.
func identifier(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	id := lowerCamel(words)
	if id != "" && unicode.IsDigit(rune(id[0])) {
		id = "n" + id
	}
	return id
}

func lowerCamel(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0:
			b.WriteString(upperFirst(w))
		case strings.ToUpper(w) == w:
			b.WriteString(strings.ToLower(w))
		default:
			b.WriteString(strings.ToLower(w[:1]) + w[1:])
		}
	}
	return b.String()
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// splitKind splits the name of a kind into words: "CORSMiddleware" is CORS and Middleware.
func splitKind(kind string) []string {
	var words []string
	start := 0
	for i := 1; i < len(kind); i++ {
		upper := unicode.IsUpper(rune(kind[i]))
		afterLower := upper && !unicode.IsUpper(rune(kind[i-1]))
		beforeLower := upper && i+1 < len(kind) && unicode.IsLower(rune(kind[i+1]))
		if afterLower || beforeLower {
			words = append(words, kind[start:i])
			start = i
		}
	}
	return append(words, kind[start:])
}
