// Package route turns the routes of one server into a decision tree.
//
// Patterns are those of net/http's ServeMux without the method: a host, which
// may be missing, and a path whose segments are literals or wildcards. Of the
// patterns that match a request the most specific one wins, one with a host
// before one without; patterns of which neither is more specific, though both
// match some path, conflict. Methods are looked at when the path has matched.
//
// Four things differ from ServeMux, all of them on purpose. Host names compare
// without regard to case and without a final dot. A slash that is written %2F in a
// segment of its own is an ordinary segment: there {$} doesn't match it, and
// {x} does. Patterns that could never match, because their path isn't clean or
// their host has a port, are refused. And where ServeMux redirects, it escapes
// the new location a second time, or decodes an escaped slash; this package
// keeps the escapes as they came.
package route

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Route sends what matches a pattern to a handler.
type Route struct {
	// Pattern is a host, which may be missing, and a path.
	Pattern string
	// Methods are those that the handler answers, exactly as listed: GET doesn't
	// imply HEAD. Nil stands for all of them, an empty list for none.
	Methods []string
	// Handler is the caller's index of the handler, or NotFound.
	Handler int
	// From says where the route was declared, like "config.yaml:12".
	From string
}

// NotFound is the Handler of a route that answers not found. It yields to any
// other route of the same pattern.
const NotFound = -1

// A Tree is the decision tree over the routes of a server.
type Tree struct {
	// Hosts are the trees of the host names, in the order of their first routes.
	Hosts []Host
	// Any is the tree for the requests that no host's tree matches.
	Any *Node
	// Unreachable are the routes that no request can come to, in order.
	Unreachable []Unreachable

	byName map[string]*Node
}

// A Host is a tree that one host name has, or several names with the same routes.
type Host struct {
	Names []string // lower case, sorted
	Root  *Node
}

// An Unreachable route is never taken.
type Unreachable struct {
	Route  int    // its index
	Reason string // a sentence
}

// A Node is a point in the tree: what of the path is matched so far. The root has
// matched nothing; a path continues with a slash, or ends.
type Node struct {
	// Leaf matches if the path ends here.
	Leaf *Entry
	// Literals are the next segments spelled out, sorted by their text.
	Literals []*Literal
	// Wild is where any next segment leads that isn't empty.
	Wild *Node
	// End matches a slash that ends the path.
	End *Entry
	// Multi matches a slash and whatever follows.
	Multi *Entry

	literal map[string]*Node
	open    bool // there is a wildcard below
}

// A Literal is an edge of the tree.
type Literal struct {
	Text string // unescaped
	Node *Node
}

// An Entry is a route in its place in the tree.
type Entry struct {
	Route // Methods are sorted, each once
	// Index is that of the route in the list given to Build.
	Index int
	// Params are the names of its wildcards, in the order of the path. An unnamed rest
	// of the path, after a trailing slash, is not among them.
	Params []string

	pattern *Pattern
}

// Rest reports whether the last of Params stands for the rest of the path.
func (e *Entry) Rest() bool {
	last := e.pattern.Segments[len(e.pattern.Segments)-1]
	return last.Kind == Multi && last.Text != ""
}

// Build makes the tree of routes. Routes that conflict with an earlier one, and
// those whose pattern is invalid, are reported and left out.
func Build(routes []Route) (*Tree, []Conflict) {
	b := builder{tree: &Tree{byName: map[string]*Node{}}}
	var handled, missing []*Entry
	for i, r := range routes {
		p, err := Parse(r.Pattern)
		if err != nil {
			b.conflicts = append(b.conflicts, Conflict{Kind: Invalid, Route: i, Other: -1, Message: err.Error(), Err: err})
			continue
		}
		e := &Entry{Route: r, Index: i, Params: p.params(), pattern: p}
		if r.Methods != nil {
			e.Methods = append([]string{}, r.Methods...) // not nil, even if there are none
			slices.Sort(e.Methods)
			e.Methods = slices.Compact(e.Methods)
		}
		if r.Handler == NotFound {
			missing = append(missing, e)
			continue
		}
		handled = append(handled, e)
	}
	for _, e := range handled {
		b.add(e)
	}
	for _, e := range missing {
		b.add(e) // last, so that any other route has taken its place before
	}
	slices.SortFunc(b.conflicts, func(x, y Conflict) int { return cmp.Compare(x.Route, y.Route) })

	t := b.tree
	for _, root := range b.roots() {
		t.findUnreachable(root)
	}
	slices.SortFunc(t.Unreachable, func(x, y Unreachable) int { return cmp.Compare(x.Route, y.Route) })
	t.mergeHosts(b.hosts)
	return t, b.conflicts
}

type builder struct {
	tree      *Tree
	hosts     []string // in order of appearance
	conflicts []Conflict
}

func (b *builder) root(host string) *Node {
	if host == "" {
		if b.tree.Any == nil {
			b.tree.Any = &Node{}
		}
		return b.tree.Any
	}
	n := b.tree.byName[host]
	if n == nil {
		n = &Node{}
		b.tree.byName[host] = n
		b.hosts = append(b.hosts, host)
	}
	return n
}

func (b *builder) roots() []*Node {
	var roots []*Node
	for _, h := range b.hosts {
		roots = append(roots, b.tree.byName[h])
	}
	if b.tree.Any != nil {
		roots = append(roots, b.tree.Any)
	}
	return roots
}

func (b *builder) add(e *Entry) {
	root := b.root(e.pattern.Host)
	if other, kind, found := root.conflict(e.pattern); found {
		if e.Handler == NotFound && kind == Equal {
			return
		}
		b.conflicts = append(b.conflicts, Conflict{
			Kind: kind, Route: e.Index, Other: other.Index, Message: explain(kind, e, other),
		})
		return
	}
	root.insert(e.pattern.Segments, e)
}

func (n *Node) insert(segs []Segment, e *Entry) {
	for i, s := range segs {
		n.open = n.open || e.pattern.wildFrom(i)
		switch s.Kind {
		case End:
			n.End = e
			return
		case Multi:
			n.Multi = e
			return
		case Wild:
			if n.Wild == nil {
				n.Wild = &Node{}
			}
			n = n.Wild
		case Text:
			n = n.child(s.Text)
		}
	}
	n.Leaf = e
}

func (n *Node) child(text string) *Node {
	if c := n.literal[text]; c != nil {
		return c
	}
	if n.literal == nil {
		n.literal = map[string]*Node{}
	}
	c := &Node{}
	n.literal[text] = c
	n.Literals = append(n.Literals, &Literal{Text: text, Node: c})
	return c
}

// mergeHosts sorts the trees and lets hosts share one if their routes are the same.
func (t *Tree) mergeHosts(names []string) {
	if t.Any != nil {
		t.Any.sort()
	}
	seen := map[string]int{}
	for _, name := range names {
		root := t.byName[name]
		root.sort()
		var sig strings.Builder
		root.signature(&sig)
		if i, ok := seen[sig.String()]; ok {
			t.Hosts[i].Names = append(t.Hosts[i].Names, name)
			t.byName[name] = t.Hosts[i].Root
			continue
		}
		seen[sig.String()] = len(t.Hosts)
		t.Hosts = append(t.Hosts, Host{Names: []string{name}, Root: root})
	}
	for i := range t.Hosts {
		slices.Sort(t.Hosts[i].Names)
	}
}

func (n *Node) sort() {
	slices.SortFunc(n.Literals, func(a, b *Literal) int { return strings.Compare(a.Text, b.Text) })
	for _, l := range n.Literals {
		l.Node.sort()
	}
	if n.Wild != nil {
		n.Wild.sort()
	}
}

// signature writes a text that two trees share if they do the same.
func (n *Node) signature(w *strings.Builder) {
	for _, e := range []*Entry{n.Leaf, n.End, n.Multi} {
		if e == nil {
			w.WriteByte('-')
			continue
		}
		fmt.Fprintf(w, "%d %q %t %q", e.Handler, e.Methods, e.Methods == nil, e.Params)
	}
	for _, l := range n.Literals {
		fmt.Fprintf(w, "%q{", l.Text)
		l.Node.signature(w)
		w.WriteByte('}')
	}
	if n.Wild != nil {
		w.WriteString("*{")
		n.Wild.signature(w)
		w.WriteByte('}')
	}
}

// Len returns the number of routes in the tree; hosts with the same routes count once.
func (t *Tree) Len() int {
	n := t.Any.Len()
	for _, h := range t.Hosts {
		n += h.Root.Len()
	}
	return n
}

// Len returns the number of routes at n and below.
func (n *Node) Len() int {
	count := 0
	for range n.All() {
		count++
	}
	return count
}

// All yields the routes at n and below.
func (n *Node) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) { n.each(yield) }
}

func (n *Node) each(yield func(*Entry) bool) bool {
	if n == nil {
		return true
	}
	for _, e := range []*Entry{n.Leaf, n.End, n.Multi} {
		if e != nil && !yield(e) {
			return false
		}
	}
	for _, l := range n.Literals {
		if !l.Node.each(yield) {
			return false
		}
	}
	return n.Wild.each(yield)
}

// Open reports whether a wildcard or the rest of a path follows after n.
func (n *Node) Open() bool { return n.open }
