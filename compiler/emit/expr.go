package emit

import (
	"bytes"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/dave/jennifer/jen"
)

// wide is how many columns a composite literal may have on one line.
const wide = 90

// code prints expressions.
type code struct {
	vars map[*ir.Component]string
	// routers are the types of the routers and the fields of their handlers.
	routers map[*ir.Router]*routerNames
	globals map[*ir.Global]string
	embeds  map[*ir.Embed]string // those of tables
}

type routerNames struct {
	typ    string
	fields []string
}

// expr turns an expression into code. Nothing else calls jen.Lit, which panics on
// what it doesn't know.
func (c *code) expr(e ir.Expr) *jen.Statement {
	switch e := e.(type) {
	case ir.Lit:
		return literal(e.Value)
	case ir.Duration:
		return duration(time.Duration(e))
	case ir.Name:
		return name(e)
	case ir.Ref:
		return jen.Id(c.vars[e.To])
	case ir.Call:
		return c.call(e)
	case ir.Select:
		return c.expr(e.X).Dot(e.Name)
	case ir.Struct:
		return c.structure(e)
	case ir.List:
		return c.list(e)
	case ir.Map:
		return c.mapping(e)
	case ir.Env:
		return jen.Id("vars").Dot(e.Method).Call(append([]jen.Code{jen.Lit(e.Pos), jen.Lit(e.Text)}, c.exprs(e.Args)...)...)
	case ir.Routes:
		return c.routes(e)
	case ir.GlobalRef:
		return jen.Id(c.globals[e.To])
	case ir.Embedded:
		return jen.Id(c.embeds[e.File])
	}
	panic(fmt.Sprintf("emit: unknown expression %T", e))
}

func (c *code) exprs(list []ir.Expr) []jen.Code {
	out := make([]jen.Code, len(list))
	for i, e := range list {
		out[i] = c.expr(e)
	}
	return out
}

// call prints a call. If its arguments are too long for one line, they stand one on a
// line, unless one of them is broken over lines anyway.
func (c *code) call(e ir.Call) *jen.Statement {
	args := make([]jen.Code, len(e.Args))
	width, multi := 0, false
	for i, a := range e.Args {
		arg := c.expr(a)
		text := render1(arg)
		width += len(text) + 2
		multi = multi || strings.Contains(text, "\n")
		args[i] = arg
	}
	if multi || len(args) < 2 || width <= wide {
		return c.expr(e.Fun).Call(args...)
	}
	return c.expr(e.Fun).Custom(jen.Options{Open: "(", Close: ")", Separator: ",", Multi: true}, args...)
}

// limits are the integers that are better known by their names.
var limits = map[int64]string{
	math.MinInt64: "MinInt64", math.MaxInt64: "MaxInt64", math.MinInt32: "MinInt32", math.MaxInt32: "MaxInt32", math.MaxUint32: "MaxUint32",
}

// literal prints a basic value. Integers are untyped constants, as one would write them.
func literal(v any) *jen.Statement {
	switch v := v.(type) {
	case int64:
		if limit := limits[v]; limit != "" {
			return jen.Qual("math", limit)
		}
		return jen.Op(fmt.Sprint(v))
	case string:
		if strings.ContainsAny(v, `"\`) && strconv.CanBackquote(v) {
			return jen.Op("`" + v + "`")
		}
		return jen.Lit(v)
	case bool, float64:
		return jen.Lit(v)
	case nil:
		return jen.Nil()
	}
	panic(fmt.Sprintf("emit: no literal for %T", v))
}

// duration prints 90*time.Second for a minute and a half: the largest unit that has no rest.
func duration(d time.Duration) *jen.Statement {
	units := []struct {
		name string
		size time.Duration
	}{
		{"Hour", time.Hour}, {"Minute", time.Minute}, {"Second", time.Second},
		{"Millisecond", time.Millisecond}, {"Microsecond", time.Microsecond}, {"Nanosecond", 1},
	}
	for _, u := range units {
		if d%u.size != 0 {
			continue
		}
		unit := jen.Qual("time", u.name)
		switch n := d / u.size; n {
		case 0:
			return jen.Op("0")
		case 1:
			return unit
		case -1:
			return jen.Op("-").Add(unit)
		default:
			return jen.Op(fmt.Sprint(int64(n))).Op("*").Add(unit)
		}
	}
	panic("emit: a duration without a unit") // 1 divides everything
}

func name(n ir.Name) *jen.Statement {
	s := &jen.Statement{}
	ident := n.Ident
	for strings.HasPrefix(ident, "[]") || strings.HasPrefix(ident, "*") || strings.HasPrefix(ident, "&") {
		if rest, ok := strings.CutPrefix(ident, "[]"); ok {
			s, ident = s.Index(), rest
			continue
		}
		s, ident = s.Op(ident[:1]), ident[1:]
	}
	if n.Path == "" {
		return s.Id(ident)
	}
	return s.Qual(n.Path, ident)
}

func (c *code) structure(e ir.Struct) *jen.Statement {
	s := &jen.Statement{}
	if e.Pointer {
		s = s.Op("&")
	}
	return s.Add(name(e.Type)).Add(c.fields(e))
}

// fields prints the braces of a struct literal and what is between them.
func (c *code) fields(e ir.Struct) *jen.Statement {
	var items []item
	for _, f := range e.Fields {
		if !ir.IsZero(f.Value) {
			items = append(items, item{jen.Id(f.Name), c.expr(f.Value)})
		}
	}
	return braces(items)
}

func (c *code) list(e ir.List) *jen.Statement {
	var items []item
	for _, i := range e.Items {
		// The type of the elements may be left out of composite ones.
		if s, ok := i.(ir.Struct); ok && s.Type == e.Elem && !s.Pointer {
			items = append(items, item{value: c.fields(s)})
			continue
		}
		items = append(items, item{value: c.expr(i)})
	}
	return jen.Index().Add(name(e.Elem)).Add(braces(items))
}

func (c *code) mapping(e ir.Map) *jen.Statement {
	var items []item
	for _, en := range e.Entries {
		items = append(items, item{jen.Lit(en.Key), c.expr(en.Value)})
	}
	return jen.Map(jen.String()).Add(name(e.Elem)).Add(braces(items))
}

func (c *code) routes(e ir.Routes) *jen.Statement {
	r := c.routers[e.Router]
	var items []item
	for i, h := range e.Router.Handlers {
		items = append(items, item{jen.Id(r.fields[i]), c.expr(h.Chain)})
	}
	return jen.Op("&").Id(r.typ).Add(braces(items))
}

// An item is an element of a composite literal, with or without a key.
type item struct{ key, value *jen.Statement }

func (i item) code() *jen.Statement {
	if i.key == nil {
		return i.value
	}
	return jen.Add(i.key).Op(":").Add(i.value)
}

// braces prints {a, b} on one line if that is short, else one item a line. jen.Dict
// would sort them.
func braces(items []item) *jen.Statement {
	codes := make([]jen.Code, len(items))
	width := 0
	multi := false
	for i, it := range items {
		codes[i] = it.code()
		text := render1(it.value)
		multi = multi || strings.Contains(text, "\n") && !strings.Contains(text, "func(")
		width += len(text) + 2
		if it.key != nil {
			width += len(render1(it.key)) + 2
		}
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: len(items) > 0 && (multi || width > wide)}, codes...)
}

// column prints one item a line.
func column(items ...item) *jen.Statement {
	codes := make([]jen.Code, len(items))
	for i, it := range items {
		codes[i] = it.code()
	}
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: len(items) > 0}, codes...)
}

// render1 is the text of an expression by itself. What jen can't format alone, as the
// braces of an element whose type is left out, it is asked for within a literal.
func render1(s *jen.Statement) string {
	var b bytes.Buffer
	f := jen.NewFile("p")
	f.Var().Id("x").Op("=").Index().Id("t").Values(s)
	if err := f.Render(&b); err != nil {
		return "\n" // too long, to be safe
	}
	_, text, _ := strings.Cut(b.String(), "[]t{")
	return strings.TrimSuffix(strings.TrimSpace(text), "}")
}

// packageName is the name of the package at an import path: all packages that
// generated code uses are called as their folder is, but for versions.
func packageName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath))
	}
	return strings.TrimPrefix(strings.ReplaceAll(base, "-", ""), "go.")
}
