package ir

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// one has all kinds of expressions in it.
func one(c *Component, s string) Expr {
	return Call{Fun: Ref{To: c}, Args: []Expr{
		Struct{Type: Runtime("a.B"), Fields: []Field{
			Set("L", List{Elem: Name{Ident: "string"}, Items: []Expr{String(s)}}),
			Set("M", Map{Elem: Name{Ident: "int"}, Entries: []Entry{{"k", Int(int32(1))}}}),
			Set("E", Env{Method: "Int", Text: "${N}", Pos: "a:1", Args: []Expr{Int(0)}}),
			Set("N", nil),
			Set("S", Select{X: Std("time.UTC"), Name: "String"}),
			Set("D", Duration(time.Second)),
		}},
		Routes{Router: &Router{Handlers: []RouteHandler{{Chain: Bool(true)}}}},
	}}
}

func TestWalk(t *testing.T) {
	kinds := make(map[string]int)
	Walk(one(&Component{}, "x"), func(e Expr) {
		switch e.(type) {
		case Lit:
			kinds["Lit"]++
		case Name:
			kinds["Name"]++
		case Ref:
			kinds["Ref"]++
		case Duration:
			kinds["Duration"]++
		default:
			kinds["composite"]++
		}
	})
	if d := cmp.Diff(map[string]int{"Lit": 4, "Name": 1, "Ref": 1, "Duration": 1, "composite": 7}, kinds); d != "" {
		t.Error(d)
	}
}

func TestRewrite(t *testing.T) {
	c, other := &Component{}, &Component{}
	e := one(c, "x")
	before := Key(e)
	got := Rewrite(e, func(e Expr) Expr {
		switch x := e.(type) {
		case Ref:
			return Ref{To: other}
		case Lit:
			if x.Value == "x" {
				return String("y")
			}
		}
		return e
	})
	want := one(other, "y").(Call)
	want.Args[1] = e.(Call).Args[1] // routers keep their identity
	if Key(got) != Key(want) {
		t.Errorf("got %s", Key(got))
	}
	if Key(e) != before {
		t.Error("the original has changed")
	}
}

func TestKey(t *testing.T) {
	c := &Component{}
	different := []Expr{
		Lit{nil}, String(""), String("0"), Int(0), Bool(false), Duration(0), Name{Ident: "a"}, Name{Path: "p", Ident: "a"}, Ref{To: c}, Ref{To: &Component{}},
		Call{Fun: Ref{To: c}}, Call{Fun: Ref{To: c}, Args: []Expr{Int(0)}}, Call{Fun: Ref{To: c}, Args: []Expr{Int(0), Int(0)}},
		Struct{Type: Name{Ident: "T"}}, Struct{Type: Name{Ident: "T"}, Pointer: true}, Struct{Type: Name{Ident: "T"}, Fields: []Field{Set("A", Int(1))}},
		Struct{Type: Name{Ident: "T"}, Fields: []Field{Set("B", Int(1))}}, List{Elem: Name{Ident: "T"}}, List{Elem: Name{Ident: "T"}, Items: []Expr{Int(1)}},
		Map{Elem: Name{Ident: "T"}, Entries: []Entry{{"a", Int(1)}}}, Map{Elem: Name{Ident: "T"}, Entries: []Entry{{"b", Int(1)}}},
		Env{Method: "Int", Text: "${A}"}, Env{Method: "String", Text: "${A}"}, Env{Method: "Int", Text: "${B}"}, Select{X: Int(1), Name: "A"}, Select{X: Int(1), Name: "B"},
	}
	seen := make(map[string]int)
	for i, e := range different {
		if first, ok := seen[Key(e)]; ok {
			t.Errorf("%#v and %#v have the same key", different[first], e)
		}
		seen[Key(e)] = i
	}
	a, b := one(c, "x").(Call).Args[0], one(c, "x").(Call).Args[0]
	if Key(a) != Key(b) {
		t.Error("equal expressions have different keys")
	}
}

func TestIsZero(t *testing.T) {
	for _, e := range []Expr{nil, Lit{""}, Lit{false}, Int(0), Lit{float64(0)}, Duration(0), List{}, Map{}} {
		if !IsZero(e) {
			t.Errorf("%#v isn't zero", e)
		}
	}
	for _, e := range []Expr{String("0"), Bool(true), Int(math.MinInt32), Struct{}, Lit{nil}, Env{}, Strings([]string{""})} {
		if IsZero(e) {
			t.Errorf("%#v is zero", e)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[Name]Name{
		Runtime("cors.New"):               {Module + "/runtime/cors", "New"},
		Runtime("replace/pattern.Regexp"): {Module + "/runtime/replace/pattern", "Regexp"},
		Runtime("true"):                   {"", "true"},
		Std("crypto/tls.NoClientCert"):    {"crypto/tls", "NoClientCert"},
	} {
		if got != want {
			t.Errorf("%v, not %v", got, want)
		}
	}
	for word, want := range map[string]string{"tls": "TLS", "Html": "HTML", "oauth": "OAuth", "user": "", "": ""} {
		if got := Initialism(word); got != want {
			t.Errorf("%q is %q, not %q", word, got, want)
		}
	}
}
