package route

import "fmt"

// findUnreachable collects the routes below n that no request comes to.
func (t *Tree) findUnreachable(n *Node) {
	if n == nil {
		return
	}
	if n.Multi != nil && n.Multi.Handler != NotFound && n.covered() {
		t.Unreachable = append(t.Unreachable, Unreachable{Route: n.Multi.Index, Reason: fmt.Sprintf(
			"more specific routes take every path that %q matches", n.Multi.Pattern)})
	}
	for _, e := range []*Entry{n.Leaf, n.End, n.Multi} {
		if e != nil && e.Methods != nil && len(e.Methods) == 0 {
			t.Unreachable = append(t.Unreachable, Unreachable{Route: e.Index, Reason: fmt.Sprintf(
				"no method is left for %q: the methods of its handler and of its virtual host have none in common", e.Pattern)})
		}
	}
	for _, l := range n.Literals {
		t.findUnreachable(l.Node)
	}
	t.findUnreachable(n.Wild)
}

// covered reports whether every path that goes on after n has a route though n.Multi
// were missing: one for the slash alone, one for each single segment, and
// the rest below those.
func (n *Node) covered() bool {
	w := n.Wild
	return n.End != nil && w != nil && w.Leaf != nil && (w.Multi != nil || w.covered())
}
