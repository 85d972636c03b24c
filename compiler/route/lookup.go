package route

import (
	"net/url"
	"slices"
	"strings"
)

// A Match is what Lookup finds.
type Match struct {
	// Entry is the route that was taken; nil if there is none, and for redirects.
	Entry *Entry
	// Values are those of the wildcards in Entry.Params, unescaped.
	Values []string
	// Redirect is the path to go to instead, percent-encoded as the request's was,
	// or "" if the request's path is fine.
	Redirect string
	// Allowed reports whether the route has the request's method.
	Allowed bool
}

// Lookup finds the route of a request by its method, its Host field and its
// percent-encoded path. It is the meaning of a tree, told as plainly as can be; what is
// emitted does the same faster.
func (t *Tree) Lookup(method, host, escapedPath string) Match {
	clean := escapedPath
	if method != "CONNECT" { // the path of a CONNECT is not cleaned
		clean = cleanPath(escapedPath)
	}
	m, exact := t.match(host, clean)
	if !exact && !strings.HasSuffix(clean, "/") {
		if _, exact := t.match(host, clean+"/"); exact {
			return Match{Redirect: cleanPath(clean + "/")}
		}
	}
	if clean != escapedPath {
		return Match{Redirect: clean}
	}
	m.Allowed = m.Entry != nil && m.Entry.allows(method)
	return m
}

func (e *Entry) allows(method string) bool {
	if e.Methods == nil {
		return true
	}
	return slices.Contains(e.Methods, method)
}

// match finds the route of a path, and tells whether no rest of the path was left to a
// Multi.
func (t *Tree) match(host, path string) (m Match, exact bool) {
	if !strings.HasPrefix(path, "/") {
		return Match{}, false
	}
	segs := split(path)
	e, values := t.byName[NormalHost(host)].match(segs, nil)
	if e == nil {
		e, values = t.Any.match(segs, nil)
	}
	if e == nil {
		return Match{}, false
	}
	own := e.pattern.Segments
	return Match{Entry: e, Values: values}, own[len(own)-1].Kind != Multi || len(own) == len(segs) && segs[len(segs)-1] == ""
}

// split returns the escaped segments of a path. That of a trailing slash is empty.
func split(path string) []string { return strings.Split(path[1:], "/") }

// match goes down the tree. A literal is more specific than a wildcard, which is more
// specific than the rest of the path.
func (n *Node) match(segs, values []string) (*Entry, []string) {
	if n == nil {
		return nil, nil
	}
	if len(segs) == 0 {
		return n.Leaf, values
	}
	if e, v := n.literal[unescape(segs[0])].match(segs[1:], values); e != nil {
		return e, v
	}
	if segs[0] != "" {
		if e, v := n.Wild.match(segs[1:], append(slices.Clip(values), unescape(segs[0]))); e != nil {
			return e, v
		}
	}
	if n.End != nil && len(segs) == 1 && segs[0] == "" {
		return n.End, values
	}
	if n.Multi != nil && n.Multi.Rest() {
		values = append(slices.Clip(values), unescape(strings.Join(segs, "/")))
	}
	return n.Multi, values
}

// escapeSegment percent-encodes what can't stand in a segment of a path as it is.
func escapeSegment(s string) string { return url.PathEscape(s) }
