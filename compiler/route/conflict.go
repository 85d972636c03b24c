package route

import (
	"fmt"
	"strings"
)

// A Conflict is why a route can't stand in the tree.
type Conflict struct {
	Kind    ConflictKind
	Route   int    // the index of the route
	Other   int    // the index of the one it conflicts with; -1 if Kind is Invalid
	Message string // a sentence that names both patterns
	Err     error  // what Parse returned, if Kind is Invalid
}

// A ConflictKind says what kind of conflict there is.
type ConflictKind uint8

// The kinds of conflicts.
const (
	Invalid ConflictKind = iota // the pattern doesn't parse
	Equal                       // both patterns match the same requests
	Overlap                     // both match some request, and each matches others
)

// A relation is what the part of a new pattern that was looked at is to the part
// of an old one.
type relation uint8

const (
	equal    relation = 0
	general  relation = 1                  // it matches more
	specific relation = 2                  // it matches less
	overlaps relation = general | specific // it matches more here and less there
)

// conflict finds an entry below the root n with which p conflicts.
//
// It walks down the tree, to all nodes whose paths have something in common with
// the segments of p, and adds up on the way how p relates to them. Where p
// is the more general one already, only a wildcard further down can spoil it, so
// that subtrees without one are passed over: 10,000 routes take some milliseconds.
func (n *Node) conflict(p *Pattern) (*Entry, ConflictKind, bool) {
	c := search{pattern: p}
	c.walk(n, 0, equal)
	return c.found, c.kind, c.found != nil
}

type search struct {
	pattern *Pattern
	found   *Entry
	kind    ConflictKind
}

// at compares with the entry e that p turned out to relate to by rel.
func (c *search) at(e *Entry, rel relation) {
	if e == nil || c.found != nil {
		return
	}
	switch rel {
	case equal:
		c.found, c.kind = e, Equal
	case overlaps:
		c.found, c.kind = e, Overlap
	}
}

func (c *search) walk(n *Node, i int, rel relation) {
	if n == nil || c.found != nil || rel == general && !n.open {
		return
	}
	segs := c.pattern.Segments
	if i == len(segs) {
		c.at(n.Leaf, rel)
		return
	}
	switch segs[i].Kind {
	case Text:
		c.walk(n.literal[segs[i].Text], i+1, rel)
		c.walk(n.Wild, i+1, rel|specific)
		c.at(n.Multi, rel|specific)
	case End:
		c.at(n.End, rel)
		c.at(n.Multi, rel|specific)
	case Wild:
		for _, l := range n.Literals {
			c.walk(l.Node, i+1, rel|general)
		}
		c.walk(n.Wild, i+1, rel)
		c.at(n.Multi, rel|specific)
	case Multi:
		c.at(n.Multi, rel)
		if rel&specific != 0 {
			c.at(n.anyBelow(), overlaps)
		}
	}
}

// anyBelow returns an entry that a path to n and a slash can lead to, if there is one.
func (n *Node) anyBelow() *Entry {
	if n.End != nil {
		return n.End
	}
	for _, l := range n.Literals {
		if e := l.Node.any(); e != nil {
			return e
		}
	}
	if n.Wild != nil {
		return n.Wild.any()
	}
	return nil
}

func (n *Node) any() *Entry {
	if n.Leaf != nil {
		return n.Leaf
	}
	if n.Multi != nil {
		return n.Multi
	}
	return n.anyBelow()
}

// explain says why e conflicts with other, with paths that show it.
func explain(kind ConflictKind, e, other *Entry) string {
	p, q := e.pattern, other.pattern
	if kind == Equal {
		if p.source == q.source {
			return fmt.Sprintf("%q is routed twice", p)
		}
		return fmt.Sprintf("%q matches the same requests as %q", p, q)
	}
	return fmt.Sprintf("%q and %q both match %q, and neither is more specific: only the first matches %q, only the second %q",
		p, q, common(p, q), difference(p, q), difference(q, p))
}

// common returns a path that both p and q match.
func common(p, q *Pattern) string {
	var b strings.Builder
	for i := range max(len(p.Segments), len(q.Segments)) {
		switch {
		case i >= len(p.Segments):
			b.WriteString(q.Segments[i].example())
		case i >= len(q.Segments), p.Segments[i].Kind == Text || p.Segments[i].Kind == End:
			b.WriteString(p.Segments[i].example())
		case q.Segments[i].Kind == Multi:
			b.WriteString(p.Segments[i].example())
		default:
			b.WriteString(q.Segments[i].example())
		}
	}
	return b.String()
}

// difference returns a path that p matches and q doesn't. They must overlap.
func difference(p, q *Pattern) string {
	var b strings.Builder
	for i, s := range p.Segments {
		if i >= len(q.Segments) {
			b.WriteString(s.example())
			continue
		}
		t := q.Segments[i]
		switch {
		case s.Kind == Wild && t.Kind == Text && s.Text == t.Text:
			b.WriteString("/" + escapeSegment(s.Text+"x"))
		case s.Kind == Multi && t.Kind == End:
			b.WriteString("/x")
		default: // if s is a Multi, its example is a slash: no Text or Wild matches that
			b.WriteString(s.example())
		}
	}
	return b.String()
}

// example returns a piece of a path that s matches.
func (s Segment) example() string {
	if s.Kind == Text || s.Kind == Wild {
		return "/" + escapeSegment(s.Text)
	}
	return "/"
}
