package route

import "strings"

// A Table is a tree as constant data, for more routes than one wants to compile as
// code. Its size is that of the routes, and finding one takes as many steps as
// the path has segments. Zero stands for none in all of its indexes.
type Table struct {
	// Nodes are those of the tree; the first is the root of Tree.Any.
	Nodes []TableNode
	// Edges lead from node to node, sorted by bucket. Those from node -1 lead from the
	// host names to their roots.
	Edges []TableEdge
	// Buckets[EdgeHash(from, text)%n] is the first edge of that bucket, the element after
	// it the first edge of the next one. There are n+1 of them, n a power of two.
	Buckets []int32
	// Routes are the entries that Nodes speak of. The first is not used.
	Routes []*Entry
}

// A TableNode is a Node by numbers: Wild of a node, the others of routes.
type TableNode struct{ Wild, Leaf, End, Multi int32 }

// A TableEdge leads from one node to the next by a segment of the path, in which / and %
// are written %2F and %25.
type TableEdge struct {
	From int32
	Text string
	To   int32
}

// Table returns t as a table.
func (t *Tree) Table() *Table {
	b := &Table{Routes: []*Entry{nil}}
	any := t.Any
	if any == nil {
		any = &Node{}
	}
	b.addNode(any)
	for _, h := range t.Hosts {
		root := b.addNode(h.Root)
		for _, name := range h.Names {
			b.Edges = append(b.Edges, TableEdge{From: -1, Text: name, To: root})
		}
	}
	b.sortEdges()
	return b
}

func (b *Table) addNode(n *Node) int32 {
	i := int32(len(b.Nodes))
	b.Nodes = append(b.Nodes, TableNode{Leaf: b.addRoute(n.Leaf), End: b.addRoute(n.End), Multi: b.addRoute(n.Multi)})
	for _, l := range n.Literals {
		to := b.addNode(l.Node)
		b.Edges = append(b.Edges, TableEdge{From: i, Text: Canonical(l.Text), To: to})
	}
	if n.Wild != nil {
		wild := b.addNode(n.Wild)
		b.Nodes[i].Wild = wild
	}
	return i
}

func (b *Table) addRoute(e *Entry) int32 {
	if e == nil {
		return 0
	}
	b.Routes = append(b.Routes, e)
	return int32(len(b.Routes) - 1)
}

// sortEdges puts the edges into as many buckets as there are edges, or up to
// twice as many, so that each holds one or two.
func (b *Table) sortEdges() {
	n := 1
	for n < len(b.Edges) {
		n *= 2
	}
	b.Buckets = make([]int32, n+1)
	for _, e := range b.Edges {
		b.Buckets[EdgeHash(e.From, e.Text)%uint32(n)+1]++
	}
	for i := range n {
		b.Buckets[i+1] += b.Buckets[i]
	}
	next := append([]int32(nil), b.Buckets...)
	sorted := make([]TableEdge, len(b.Edges))
	for _, e := range b.Edges {
		k := &next[EdgeHash(e.From, e.Text)%uint32(n)]
		sorted[*k] = e
		*k++
	}
	b.Edges = sorted
}

// EdgeHash is the hash that decides about the bucket of an edge: FNV-1a over the
// text, from a start that depends on the node. The router at run time has the same.
func EdgeHash(from int32, text string) uint32 {
	h := (uint32(from) ^ 2166136261) * 16777619
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h ^ h>>15
}

// Canonical spells a literal segment as routers compare it: as it is, but
// for a slash and a percent sign, which are escaped.
func Canonical(segment string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(segment)
}
