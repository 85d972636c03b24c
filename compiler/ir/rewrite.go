package ir

import (
	"fmt"
	"strings"
)

// Rewrite returns e with f applied to each expression in it, the inner ones first. The
// chains of routers are left alone: they belong to the Router.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	switch x := e.(type) {
	case Call:
		x.Fun, x.Args = Rewrite(x.Fun, f), mapAll(x.Args, f)
		return f(x)
	case Struct:
		fields := make([]Field, len(x.Fields))
		for i, field := range x.Fields {
			fields[i] = Field{field.Name, Rewrite(field.Value, f)}
		}
		x.Fields = fields
		return f(x)
	case List:
		x.Items = mapAll(x.Items, f)
		return f(x)
	case Map:
		entries := make([]Entry, len(x.Entries))
		for i, en := range x.Entries {
			entries[i] = Entry{en.Key, Rewrite(en.Value, f)}
		}
		x.Entries = entries
		return f(x)
	case Select:
		x.X = Rewrite(x.X, f)
		return f(x)
	}
	return f(e)
}

func mapAll(list []Expr, f func(Expr) Expr) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = Rewrite(e, f)
	}
	return out
}

// Key is a text that is the same for expressions that are: the same calls with the
// same values, referring to the same components.
func Key(e Expr) string {
	var b strings.Builder
	Walk(e, func(e Expr) {
		switch e := e.(type) {
		case Ref:
			fmt.Fprintf(&b, "ref %p;", e.To)
		case Routes:
			fmt.Fprintf(&b, "routes %p;", e.Router)
		case GlobalRef:
			fmt.Fprintf(&b, "global %p;", e.To)
		case Embedded:
			fmt.Fprintf(&b, "embedded %p;", e.File)
		case Call:
			fmt.Fprintf(&b, "call/%d;", len(e.Args))
		case Struct:
			fmt.Fprintf(&b, "struct %v %t", e.Type, e.Pointer)
			for _, f := range e.Fields {
				fmt.Fprintf(&b, " %s:%t", f.Name, f.Value != nil)
			}
			b.WriteByte(';')
		case List:
			fmt.Fprintf(&b, "list %v/%d;", e.Elem, len(e.Items))
		case Map:
			fmt.Fprintf(&b, "map %v", e.Elem)
			for _, en := range e.Entries {
				fmt.Fprintf(&b, " %q", en.Key)
			}
			b.WriteByte(';')
		case Env:
			fmt.Fprintf(&b, "env %s %q %s/%d;", e.Method, e.Text, e.Pos, len(e.Args))
		case Select:
			fmt.Fprintf(&b, "select %s;", e.Name)
		default:
			fmt.Fprintf(&b, "%T %#v;", e, e)
		}
	})
	return b.String()
}
