package kinds

import (
	"regexp/syntax"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// lowerSearches returns the match.Matchers, of which one has to match, for RE2
// expressions that are looked for anywhere in a string. Those that only look for a
// text become plain comparisons, "^/foo" that of a prefix, so that a gateway
// without others needs no regular expressions.
func lowerSearches(l *Lower, patterns []string) ir.Expr {
	order := []string{"match.Exact", "match.Prefix", "match.Suffix", "match.Contains", "match/rematch.Regex"}
	byFunc := make(map[string][]ir.Expr)
	for _, p := range patterns {
		fun, text := simplify(p)
		byFunc[fun] = append(byFunc[fun], ir.String(text))
	}
	var matchers []ir.Expr
	for _, fun := range order {
		if args := byFunc[fun]; len(args) > 0 {
			matchers = append(matchers, l.Call(fun, args...))
		}
	}
	return l.List("match.Matcher", matchers...)
}

// simplify returns the function of package match, and its argument, for an expression.
func simplify(pattern string) (fun, arg string) {
	const regex = "match/rematch.Regex"
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return regex, pattern
	}
	parts := flatten(parsed, nil)
	fromStart := len(parts) > 0 && parts[0].Op == syntax.OpBeginText
	if fromStart {
		parts = parts[1:]
	}
	toEnd := len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText
	if toEnd {
		parts = parts[:len(parts)-1]
	}
	// What may be empty at an open end doesn't decide whether there is a match.
	for !fromStart && len(parts) > 0 && mayBeEmpty(parts[0]) {
		parts = parts[1:]
	}
	for !toEnd && len(parts) > 0 && mayBeEmpty(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	var text strings.Builder
	for _, p := range parts {
		if p.Op != syntax.OpLiteral || p.Flags&syntax.FoldCase != 0 {
			return regex, pattern
		}
		text.WriteString(string(p.Rune))
	}
	switch {
	case fromStart && toEnd:
		return "match.Exact", text.String()
	case fromStart:
		return "match.Prefix", text.String()
	case toEnd:
		return "match.Suffix", text.String()
	}
	return "match.Contains", text.String()
}

// flatten lists the parts of an expression, without the groups around them.
func flatten(re *syntax.Regexp, parts []*syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			parts = flatten(sub, parts)
		}
		return parts
	case syntax.OpEmptyMatch:
		return parts
	}
	return append(parts, re)
}

func mayBeEmpty(re *syntax.Regexp) bool { return re.Op == syntax.OpStar || re.Op == syntax.OpQuest }
