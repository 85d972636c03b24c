package log

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// A node says what happens to one member. The nodes form a tree like the members of
// a line do, so a line is edited while it is written, without a copy of anything.
// A nil node changes nothing.
type node struct {
	name   string
	remove bool
	funcs  []replace.Func
	kids   []*node
}

// newTree returns the root, or nil if there is nothing to do.
func newTree(rs []FieldReplacer) *node {
	root := new(node)
	for _, r := range rs {
		if r.Field == "" || r.Field == "time" || r.Field == "level" && r.Replace != nil {
			continue
		}
		n := root
		for name := range strings.SplitSeq(r.Field, ".") {
			n = n.grow(name)
		}
		if r.Replace == nil {
			n.remove = true
		} else {
			n.funcs = append(n.funcs, r.Replace)
		}
	}
	if len(root.kids) == 0 {
		return nil
	}
	return root
}

func (n *node) grow(name string) *node {
	if kid := n.child(name); kid != nil {
		return kid
	}
	kid := &node{name: name}
	n.kids = append(n.kids, kid)
	return kid
}

func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, kid := range n.kids {
		if kid.name == name {
			return kid
		}
	}
	return nil
}

func (n *node) removes() bool { return n != nil && n.remove }

func (n *node) edit(s string) string {
	if n == nil {
		return s
	}
	return replace.Apply(n.funcs, s)
}
