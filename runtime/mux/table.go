package mux

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Table is a decision tree as constant data. Routers that have hundreds of routes have one
// in place of code. Zero stands for none in its indexes. It is emitted, never written
// by hand.
type Table struct {
	// Nodes are the points of the tree; the first is where paths of any host begin.
	Nodes []TableNode
	// Edges lead from node to node by the next segment, in the form that Router
	// gets it. Those from node -1 lead from host names to where their paths begin. They are
	// sorted by bucket.
	Edges []TableEdge
	// Buckets[h] is the first edge with the hash h, Buckets[h+1] is where they end. There is
	// one more than a power of two.
	Buckets []int32
	// Routes are what Leaf, End and Multi of nodes refer to. The first is not used.
	Routes []TableRoute
}

// A TableNode says how a path can go on.
type TableNode struct {
	Wild  int32 // the node after any one segment
	Leaf  int32 // the route if the path ends here
	End   int32 // the route if it ends with a slash
	Multi int32 // the route for a slash and whatever follows
}

// A TableEdge is a step from one node to another.
type TableEdge struct {
	From int32
	Text string
	To   int32
}

// A TableRoute is what to do with the requests that match.
type TableRoute struct {
	// Handler is the index of the handler, or -1 if there is none.
	Handler int32
	// Params are the names of the wildcards, with blanks between.
	Params string
	// Allow lists the methods as Allow does, "" for all of them. NoMethod stands for none.
	Allow Allow
}

// NoMethod is the Allow of a TableRoute that has no methods at all.
const NoMethod Allow = ","

// Find returns the number of the handler that is to serve x, or -1 and what Router.Route
// returns instead of a handler. The host is that of x, or "" if no route has one.
func (t *Table) Find(x *gateway.Exchange, host, path string) (int32, gateway.Handler) {
	root := int32(0)
	if host != "" {
		root = t.find(-1, host)
	}
	m := match{t: t, values: x.Request.Params[:0]}
	route := m.find(root, path)
	other := route == 0 && root != 0 // not the host's, so maybe one of any host
	if other {
		route = m.find(0, path)
	}
	if !m.leaf && path[len(path)-1] != '/' {
		// What leaves something to the rest of the path yields to the redirect to a subtree.
		s := match{t: t, slash: true}
		if s.find(root, path) != 0 || other && s.find(0, path) != 0 {
			return -1, AddSlash{}
		}
	}
	x.Request.Params = m.values[:0]
	if route == 0 || t.Routes[route].Handler < 0 {
		return -1, nil
	}
	r := &t.Routes[route]
	switch {
	case r.Allow == NoMethod:
		return -1, Allow("")
	case r.Allow != "" && !r.Allow.has(x.Request.Method):
		return -1, r.Allow
	}
	if r.Params != "" {
		x.Request.Params = m.params(r.Params)
	}
	return r.Handler, nil
}

// has reports whether method is in the list.
func (a Allow) has(method string) bool {
	for list := string(a); ; {
		n := len(method)
		if len(list) >= n && list[:n] == method && (len(list) == n || list[n] == ',') {
			return true
		}
		i := 0
		for i < len(list) && list[i] != ' ' {
			i++
		}
		if i == len(list) {
			return false
		}
		list = list[i+1:]
	}
}

// A match is the way of one path down the tree.
type match struct {
	t *Table
	// slash asks for the path with a slash behind, and only for a route that leaves nothing to
	// the rest of it.
	slash  bool
	leaf   bool            // the route is that of a node where the path ends
	values []gateway.Field // of the wildcards so far
	rest   string          // the rest of the path
}

// find returns the route of a path, which is empty or begins with a slash, from node on.
// A literal is more specific than a wildcard, which is more specific than the rest.
func (m *match) find(node int32, path string) int32 {
	n := &m.t.Nodes[node]
	if path == "" {
		if m.slash {
			return max(n.End, n.Multi)
		}
		m.leaf = n.Leaf != 0
		return n.Leaf
	}
	if path == "/" && n.End != 0 {
		return n.End
	}
	end := 1
	for end < len(path) && path[end] != '/' {
		end++
	}
	if to := m.t.find(node, path[1:end]); to != 0 {
		if r := m.find(to, path[end:]); r != 0 {
			return r
		}
	}
	if n.Wild != 0 && end > 1 {
		k := len(m.values)
		if !m.slash {
			m.values = append(m.values, gateway.Field{Value: path[1:end]})
		}
		if r := m.find(n.Wild, path[end:]); r != 0 {
			return r
		}
		m.values = m.values[:k]
	}
	if n.Multi == 0 || m.slash {
		return 0
	}
	m.leaf = false
	m.rest = path[1:]
	return n.Multi
}

// params names the values that were met on the way. One name more is that of the rest.
func (m *match) params(names string) []gateway.Field {
	for i := 0; ; i++ {
		name, others, more := strings.Cut(names, " ")
		if i == len(m.values) {
			return append(m.values, gateway.Field{Name: name, Value: unescape(m.rest)})
		}
		m.values[i] = gateway.Field{Name: name, Value: unescape(m.values[i].Value)}
		if !more {
			return m.values
		}
		names = others
	}
}

// find returns the node that an edge leads to, or 0.
func (t *Table) find(from int32, text string) int32 {
	h := edgeHash(from, text) & uint32(len(t.Buckets)-2)
	for i := t.Buckets[h]; i < t.Buckets[h+1]; i++ {
		if e := &t.Edges[i]; e.From == from && e.Text == text {
			return e.To
		}
	}
	return 0
}

// edgeHash is FNV-1a over the text, from a start that depends on the node. The compiler
// has the same.
func edgeHash(from int32, text string) uint32 {
	h := (uint32(from) ^ 2166136261) * 16777619
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h ^ h>>15
}
