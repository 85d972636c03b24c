package source

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/internal/envexpr"
	"go.yaml.in/yaml/v4"
)

// A Kind tells what a Node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Scalar
	List
	Map
)

// A Type is what a scalar resolves to by the rules of YAML. A quoted scalar is a
// String.
type Type uint8

// The types of scalars.
const (
	String Type = iota
	Int
	Float
	Bool
	Timestamp
	Binary
)

// A Node is a value in a document. Nodes that aliases stand for are shared: the
// tree is read-only.
type Node struct {
	Kind   Kind
	Pos    diag.Pos
	Fields []Field // of a Map, in order; what was merged in comes last
	Items  []*Node // of a List

	Text   string // of a Scalar: quotes and escapes resolved, else as it was written
	Type   Type   // of a Scalar
	Quoted bool   // of a Scalar: in quotes, or a block scalar

	substituted bool
}

// A Field is a key of a Map and its value.
type Field struct {
	Key    string
	KeyPos diag.Pos
	Value  *Node
}

// Get returns the field of a Map with that key, or nil.
func (n *Node) Get(key string) *Field {
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return &n.Fields[i]
		}
	}
	return nil
}

// Span is the range from the key to the end of the value, if that is on one line.
func (f *Field) Span() diag.Pos { return f.KeyPos.To(f.Value.Pos) }

// Substitute returns a copy of the scalar n with another text, as if it had been
// written so: text that isn't quoted is resolved anew, and is Null if it's empty. A
// field that holds text takes it whatever it looks like.
func (n *Node) Substitute(text string) *Node {
	c := *n
	c.Text, c.substituted = text, true
	if n.Quoted {
		return &c
	}
	c.Type = String
	switch strings.TrimSpace(text) {
	case "", "~", "null", "Null", "NULL":
		c.Kind = Null
		return &c
	}
	if _, err := envexpr.Bool(text); err == nil {
		c.Type = Bool
	} else if _, err := envexpr.Int(text); err != envexpr.ErrSyntax {
		c.Type = Int
	}
	return &c
}

// typeOf resolves a scalar. Tags that aren't YAML's own say nothing about the type.
func typeOf(n *yaml.Node) (Kind, Type) {
	switch n.ShortTag() {
	case "!!null":
		return Null, String
	case "!!int":
		return Scalar, Int
	case "!!float":
		return Scalar, Float
	case "!!bool":
		return Scalar, Bool
	case "!!timestamp":
		return Scalar, Timestamp
	case "!!binary":
		return Scalar, Binary
	}
	return Scalar, String
}

// what names what n is.
func (n *Node) what() string {
	switch n.Kind {
	case Null:
		return "null"
	case List:
		return "a list"
	case Map:
		return "a mapping"
	}
	switch n.Type {
	case Int, Float:
		return "a number"
	case Bool:
		return n.Text
	}
	return "text"
}
