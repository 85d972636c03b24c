package emit

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"

	"github.com/aileron-gateway/aileronc/compiler/ir"
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

// candidates are the names that the variable of a resource, or of a part of it, may have,
// the best first: its own, its kind's if its own says nothing, both, both with the namespace.
func candidates(id resource.ID, base, part string) []string {
	tail := exported(identifier(part))
	own := identifier(base)
	if id.Kind == "" {
		return []string{own + tail, own + "Value"}
	}
	kind := camel(splitKind(id.Kind))
	space := identifier(id.Namespace)
	if own == "" || base == resource.Default || strings.HasPrefix(base, ".") {
		return []string{kind + tail, space + id.Kind + tail}
	}
	list := []string{own + tail}
	if strings.HasPrefix(strings.ToLower(id.Kind), strings.ToLower(own)) {
		list = append(list, kind+tail)
	}
	return append(list, own+id.Kind+tail, space+exported(own)+id.Kind+tail)
}

// identifier makes a Go identifier of a resource's name: "access-log" is accessLog,
// "user-api" is userAPI, "9-lives" is n9Lives.
func identifier(name string) string {
	id := camel(strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }))
	if id != "" && unicode.IsDigit(rune(id[0])) {
		id = "n" + id
	}
	return id
}

// camel joins words, the first in lower case.
func camel(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0:
			b.WriteString(capital(w))
		case strings.ToUpper(w) == w || ir.Initialism(w) != "":
			b.WriteString(strings.ToLower(w))
		default:
			b.WriteString(strings.ToLower(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// exported is an identifier of one that camel has made, with the first word as it is
// within a name: httpServer becomes HTTPServer.
func exported(id string) string {
	end := strings.IndexFunc(id, unicode.IsUpper)
	if end < 0 {
		end = len(id)
	}
	return capital(id[:end]) + id[end:]
}

// capital is a word as it stands within a name: Users, TLS.
func capital(word string) string {
	if s := ir.Initialism(word); s != "" || word == "" {
		return s
	}
	return strings.ToUpper(word[:1]) + word[1:]
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
