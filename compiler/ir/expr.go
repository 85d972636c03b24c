package ir

import (
	"strings"
	"time"
)

// Module is the import path of the compiler's own module. Package paths that
// begin with "runtime/" are relative to it.
const Module = "github.com/aileron-gateway/aileronc"

// An Expr is an expression of the emitted program. The kinds below are all there are.
type Expr interface{ expr() }

// Lit is a literal: a string, bool, int64 or float64.
type Lit struct{ Value any }

// Duration is a length of time, printed as one would write it: 30 * time.Second.
type Duration time.Duration

// A Name is an exported identifier of a package, or a predeclared one if Path is empty.
// Ident may have "*" or "[]" before it in a type, and "&" before a variable.
type Name struct {
	Path  string // import path
	Ident string
}

// A Ref is the variable that holds a component.
type Ref struct{ To *Component }

// A Call calls Fun, a Name or a Ref, with Args.
type Call struct {
	Fun  Expr
	Args []Expr
}

// A Struct is a composite literal. Fields with a zero literal are not printed.
type Struct struct {
	Type    Name
	Pointer bool // &T{…}
	Fields  []Field
}

// A Field is one field of a Struct.
type Field struct {
	Name  string
	Value Expr // nil is left out
}

// A List is a slice literal: []Elem{Items…}.
type List struct {
	Elem  Name
	Items []Expr
}

// A Map is a literal of map[string]Elem, in the order of the config.
type Map struct {
	Elem    Name
	Entries []Entry
}

// An Entry is one entry of a Map.
type Entry struct {
	Key   string
	Value Expr
}

// Env is a value that the program reads from its environment when it starts.
// Method is the method of env.Env that reads it; Text is the scalar as the config
// has it, and Pos where it stands there.
type Env struct {
	Method string
	Pos    string
	Text   string
	Args   []Expr // what Method takes after pos and text
}

// Routes is the router of a server, wired to its handlers.
type Routes struct{ Router *Router }

// Field selects a field or a method of another expression: X.Name.
type Select struct {
	X    Expr
	Name string
}

func (Lit) expr()      {}
func (Duration) expr() {}
func (Name) expr()     {}
func (Ref) expr()      {}
func (Call) expr()     {}
func (Struct) expr()   {}
func (List) expr()     {}
func (Map) expr()      {}
func (Env) expr()      {}
func (Routes) expr()   {}
func (Select) expr()   {}

// String is a string literal.
func String(s string) Expr { return Lit{s} }

// Bool is a bool literal.
func Bool(b bool) Expr { return Lit{b} }

// Int is an integer literal.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32](n T) Expr {
	return Lit{int64(n)}
}

// Strings is a []string literal.
func Strings(items []string) Expr {
	l := List{Elem: Name{Ident: "string"}}
	for _, s := range items {
		l.Items = append(l.Items, Lit{s})
	}
	return l
}

// Runtime is an identifier of a runtime package: Runtime("cors.New"), or
// Runtime("replace/pattern.Regexp") for one in a nested folder.
func Runtime(qualified string) Name {
	pkg, ident, ok := strings.Cut(qualified, ".")
	if !ok {
		return Name{Ident: qualified}
	}
	return Name{Path: Module + "/runtime/" + pkg, Ident: ident}
}

// Std is an identifier of a package of the standard library: Std("crypto/tls.NoClientCert").
func Std(qualified string) Name {
	i := strings.LastIndexByte(qualified, '.')
	return Name{Path: qualified[:i], Ident: qualified[i+1:]}
}

// Set is a field of a Struct.
func Set(name string, value Expr) Field { return Field{name, value} }

// IsZero reports whether e is a literal that equals the zero value of its type,
// or nil: in a composite literal it may be left out.
func IsZero(e Expr) bool {
	switch e := e.(type) {
	case nil:
		return true
	case Lit:
		return e.Value == "" || e.Value == false || e.Value == int64(0) || e.Value == float64(0)
	case Duration:
		return e == 0
	case List:
		return len(e.Items) == 0
	case Map:
		return len(e.Entries) == 0
	}
	return false
}

// Walk calls visit for e and, in the order of evaluation, for all expressions in it.
func Walk(e Expr, visit func(Expr)) {
	if e == nil {
		return
	}
	visit(e)
	switch e := e.(type) {
	case Call:
		Walk(e.Fun, visit)
		for _, a := range e.Args {
			Walk(a, visit)
		}
	case Struct:
		for _, f := range e.Fields {
			Walk(f.Value, visit)
		}
	case List:
		for _, i := range e.Items {
			Walk(i, visit)
		}
	case Map:
		for _, en := range e.Entries {
			Walk(en.Value, visit)
		}
	case Env:
		for _, a := range e.Args {
			Walk(a, visit)
		}
	case Select:
		Walk(e.X, visit)
	case Routes:
		for _, h := range e.Router.Handlers {
			Walk(h.Chain, visit)
		}
	}
}
