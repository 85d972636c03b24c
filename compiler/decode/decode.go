// Package decode reads the tree of a document into the struct of a spec. It reports
// everything that the struct's types and tags forbid, and remembers for each field
// where it stands in the config.
package decode

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/source"
	"github.com/aileron-gateway/aileronc/internal/envexpr"
	"github.com/aileron-gateway/aileronc/internal/envexpr/posix"
)

// A Freezer decides which environment variables are read now, by the compiler,
// instead of at start.
type Freezer struct {
	All    bool
	Names  []string
	Lookup func(name string) (string, bool)
	// Environ are the names of all variables there are, for ${!P*}. Nil is none.
	Environ func() []string
}

func (f *Freezer) freezes(vars []string) bool {
	if f == nil {
		return len(vars) == 0
	}
	return f.All || !slices.ContainsFunc(vars, func(v string) bool { return !slices.Contains(f.Names, v) })
}

// A Decoder decodes the documents of one config.
type Decoder struct {
	List   *diag.List
	Freeze *Freezer
	// Structural are the environment variables that would have to be frozen.
	Structural []string
	// Frozen are those that were read now, in order.
	Frozen []string

	assigned map[string]string // by what is frozen, seen by what stands behind it
}

// Into decodes n, a Map, into spec, a pointer to a struct that holds the defaults.
// what names the owner of unknown fields in messages; doc is the provenance name of
// the document's file.
func (d *Decoder) Into(n *source.Node, spec any, what, doc string) *Values {
	v := newValues(n.Pos, doc)
	w := walker{Decoder: d, values: v, what: what}
	w.object(n, reflect.ValueOf(spec).Elem())
	return v
}

type walker struct {
	*Decoder
	values *Values
	what   string
}

// object decodes a Map into a struct, on top of what the struct holds.
func (w *walker) object(n *source.Node, v reflect.Value) {
	if n.Kind != source.Map {
		w.wrongType(n, "an object")
		return
	}
	w.values.note(v, n, v.Addr().Interface())
	fields := Fields(v.Type())
	seen := make(map[int]*source.Field, len(n.Fields))
	for i := range n.Fields {
		nf := &n.Fields[i]
		at := slices.IndexFunc(fields, func(f Field) bool { return f.Name == nf.Key || f.Alt == nf.Key })
		if at < 0 {
			w.unknownField(nf, v.Type(), fields)
			continue
		}
		f := fields[at]
		if first := seen[at]; first != nil {
			w.List.Errorf(nf.KeyPos, diag.DuplicateKey, "%q and %q are the same field", first.Key, nf.Key).
				Notef(first.KeyPos, "the first one is here")
			continue
		}
		seen[at] = nf
		if nf.Key != f.Name {
			w.List.Warnf(nf.KeyPos, diag.SecondSpelling, "%q is the second spelling of %q", nf.Key, f.Name)
		}
		w.field(nf, v.Field(f.Index), f)
	}
	w.required(n, fields, seen)
	w.oneofs(fields, seen)
}

// field decodes the value of one field and checks it against the field's tags.
func (w *walker) field(nf *source.Field, v reflect.Value, f Field) {
	p := v.Addr().Interface()
	w.values.key(p, nf.KeyPos)
	if nf.Value.Kind == source.Null {
		return
	}
	if why := f.Tag.Get("reject"); why != "" && !isFalse(nf.Value) {
		w.List.Errorf(nf.KeyPos, diag.UnsupportedField, "%s isn't supported: %s", f.Name, why)
		return
	}
	if why := f.Tag.Get("inert"); why != "" && !isFalse(nf.Value) {
		w.List.Warnf(nf.KeyPos, diag.NoEffect, "%s has no effect: %s", f.Name, why)
	}
	w.value(nf.Value, v, f)
	w.values.set[p] = true
	if f.Tag.Get("secret") == "true" {
		w.values.Secrets = append(w.values.Secrets, nf.Value)
	}
}

// isFalse reports whether a value asks for nothing: rejecting it would refuse configs that spell out a default.
func isFalse(n *source.Node) bool {
	switch n.Kind {
	case source.Scalar:
		return n.Text == "" || n.Text == "0" || n.Text == "false"
	case source.List:
		return len(n.Items) == 0
	}
	return false
}

func (w *walker) value(n *source.Node, v reflect.Value, f Field) {
	t := v.Type()
	switch {
	case t == reflect.TypeFor[Map]():
		w.stringMap(n, v, f)
	case t == reflect.TypeFor[resource.Ref]():
		w.ref(n, v, f)
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
			if d, ok := reflect.TypeAssert[Defaulter](v); ok {
				d.SetDefaults()
			}
		}
		w.value(n, v.Elem(), f)
	case t.Kind() == reflect.Struct:
		w.object(n, v)
	case t.Kind() == reflect.Slice:
		w.list(n, v, f)
	default:
		w.scalar(n, v, f)
	}
}

// list replaces the default list by the config's.
func (w *walker) list(n *source.Node, v reflect.Value, f Field) {
	if n.Kind != source.List {
		w.wrongType(n, "a list")
		return
	}
	// At full length from the start: Values remembers elements by their address.
	items := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	v.Set(items)
	w.values.note(v, n, v.Addr().Interface())
	elem := f
	elem.Type = v.Type().Elem()
	for i, item := range n.Items {
		if item.Kind == source.Null {
			w.List.Errorf(item.Pos, diag.WrongType, "an element of %s is empty", f.Name)
			continue
		}
		if d, ok := reflect.TypeAssert[Defaulter](items.Index(i).Addr()); ok {
			d.SetDefaults()
		}
		w.value(item, items.Index(i), elem)
	}
	w.checkList(n, v, f)
}

// A Defaulter is an element of a list, or a struct behind a pointer, with
// defaults other than zero values.
type Defaulter interface{ SetDefaults() }

func (w *walker) stringMap(n *source.Node, v reflect.Value, f Field) {
	if n.Kind != source.Map {
		w.wrongType(n, "an object")
		return
	}
	w.values.note(v, n, v.Addr().Interface())
	m := make(Map, len(n.Fields))
	keys := Field{Name: f.Name, Type: reflect.TypeFor[string](), Tag: reflect.StructTag(`fixed:"true" format:"` + f.Tag.Get("keys") + `"`)}
	for i := range n.Fields {
		nf := &n.Fields[i]
		w.scalar(&source.Node{Kind: source.Scalar, Pos: nf.KeyPos, Text: nf.Key, Quoted: true}, reflect.ValueOf(&m[i].Key).Elem(), keys)
		if nf.Value.Kind == source.Null {
			continue
		}
		w.scalar(nf.Value, reflect.ValueOf(&m[i].Value).Elem(), f)
	}
	v.Set(reflect.ValueOf(m))
}

func (w *walker) ref(n *source.Node, v reflect.Value, f Field) {
	if n.Kind != source.Map {
		w.wrongType(n, "an object with apiVersion, kind, namespace and name")
		return
	}
	r := v.Addr().Interface().(*resource.Ref)
	inner := *w
	inner.what = "a reference"
	before := len(w.values.env)
	inner.object(n, v)
	if len(w.values.env) > before {
		w.values.dropEnv(func(p any) bool { return p == &r.APIVersion || p == &r.Kind || p == &r.Namespace || p == &r.Name },
			func(e *envValue) { w.structural(e, "a reference") })
		return
	}
	w.values.Refs = append(w.values.Refs, RefAt{Ref: r, Role: f.Tag.Get("role"), Pos: n.Pos})
}

// text applies what is frozen of the environment expressions in a scalar. If something
// is left for the start of the program, it returns the template.
func (w *walker) text(n *source.Node) (node *source.Node, template string) {
	if !strings.Contains(n.Text, "${") {
		return n, ""
	}
	t, err := envexpr.Parse(n.Text)
	if err == nil {
		err = t.Check(posix.Compile)
	}
	if err != nil {
		w.List.Errorf(n.Pos, diag.EnvSyntax, "%v", err)
		return n, ""
	}
	vars := t.Vars()
	if t.IsConst() || w.Freeze.freezes(vars) {
		return w.frozen(n, t), ""
	}
	return n, n.Text
}

func (w *walker) frozen(n *source.Node, t envexpr.Template) *source.Node {
	for _, name := range t.Vars() {
		if !slices.Contains(w.Frozen, name) {
			w.Frozen = append(w.Frozen, name)
		}
	}
	lookup := w.lookup
	for _, name := range t.Unguarded() {
		if _, ok := lookup(name); !ok {
			w.List.Warnf(n.Pos, diag.EnvUnset, "%s is to be frozen, but it isn't set", name)
		}
	}
	text, err := t.Expand(&envexpr.Environment{
		Lookup:  lookup,
		Assign:  w.assign,
		Names:   w.names,
		Compile: posix.Compile,
	})
	if err != nil {
		w.List.Errorf(n.Pos, diag.EnvUnset, "%v", err)
	}
	return n.Substitute(text)
}

// lookup returns the value that a variable has now.
func (d *Decoder) lookup(name string) (string, bool) {
	if v, ok := d.assigned[name]; ok {
		return v, true
	}
	if d.Freeze == nil || d.Freeze.Lookup == nil {
		return "", false
	}
	return d.Freeze.Lookup(name)
}

// assign is for ${P:=W}. It changes no environment but that of this config.
func (d *Decoder) assign(name, value string) {
	if d.assigned == nil {
		d.assigned = make(map[string]string)
	}
	d.assigned[name] = value
}

func (d *Decoder) names() []string {
	var names []string
	if d.Freeze != nil && d.Freeze.Environ != nil {
		names = slices.Clone(d.Freeze.Environ())
	}
	for _, name := range slices.Sorted(maps.Keys(d.assigned)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (w *walker) structural(e *envValue, what string) {
	t, err := envexpr.Parse(e.text)
	if err != nil {
		return
	}
	names := t.Vars()
	w.Structural = append(w.Structural, names...)
	flags := make([]string, len(names))
	for i, n := range names {
		flags[i] = "--freeze " + n
	}
	w.List.Errorf(e.node.Pos, diag.EnvStructure, "%s would change the structure of the gateway, so it can't be read at start", what).
		Hintf("resolve it at build: %s", strings.Join(flags, " "))
}
