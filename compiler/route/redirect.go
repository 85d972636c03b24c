package route

import "slices"

// Redirects returns the nodes where a path that ends there is redirected to the
// same path with a slash behind, because End or Multi match that one, and no other
// route matches the path as it is.
//
// It fails, with ordered false, where that can't be said of a node as a whole:
// with /a/{x}/ and /{y}/b the first of them redirects the path /a/c, but /a/b is a
// match of the second. It fails also if some host has no route for all of its paths, so
// that a path of its can be one of any host. Such a tree has to be
// looked up twice, as Lookup does it.
func (t *Tree) Redirects() (at map[*Node]bool, ordered bool) {
	at, ordered = map[*Node]bool{}, true
	roots := []*Node{t.Any}
	for _, h := range t.Hosts {
		if h.Root.Multi == nil {
			return nil, false
		}
		roots = append(roots, h.Root)
	}
	for _, root := range roots {
		if root == nil {
			continue
		}
		root.eachBelow(nil, func(n *Node, segs []Segment) {
			if n.Leaf != nil || n.End == nil && n.Multi == nil {
				return
			}
			all, some := root.leaves(segs, equal)
			at[n] = !all
			ordered = ordered && (all || !some)
		})
	}
	return at, ordered
}

// eachBelow calls f for the nodes below n with the segments that lead there.
func (n *Node) eachBelow(segs []Segment, f func(*Node, []Segment)) {
	segs = slices.Clip(segs)
	for _, l := range n.Literals {
		below := append(segs, Segment{Kind: Text, Text: l.Text})
		f(l.Node, below)
		l.Node.eachBelow(below, f)
	}
	if n.Wild != nil {
		below := append(segs, Segment{Kind: Wild})
		f(n.Wild, below)
		n.Wild.eachBelow(below, f)
	}
}

// leaves compares the paths that end after segs with the leaves below n, given how
// the segments before relate to those above n: whether one leaf matches all of these paths,
// and whether some leaf that a look-up comes to later matches a part of them. It comes earlier to
// those that have a literal where segs have the first wildcard.
func (n *Node) leaves(segs []Segment, rel relation) (all, some bool) {
	if n == nil || rel == general {
		return false, false
	}
	if len(segs) == 0 {
		return n.Leaf != nil && rel == specific, n.Leaf != nil && rel == overlaps
	}
	follow := func(n *Node, rel relation) {
		a, s := n.leaves(segs[1:], rel)
		all, some = all || a, some || s
	}
	if segs[0].Kind == Text {
		follow(n.literal[segs[0].Text], rel)
		follow(n.Wild, rel|specific)
		return all, some
	}
	for _, l := range n.Literals {
		follow(l.Node, rel|general)
	}
	follow(n.Wild, rel)
	return all, some
}
