package decode

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

func (w *walker) scalar(n *source.Node, v reflect.Value, f Field) {
	if n.Kind != source.Scalar {
		w.wrongType(n, typeName(v.Type()))
		return
	}
	p := v.Addr().Interface()
	n, template := w.text(n)
	w.values.at[p] = n.Pos
	if template != "" {
		e := &envValue{text: template, node: n}
		switch {
		case f.Tag.Get("fixed") == "true" || EnumValues(v.Type()) != nil:
			w.structural(e, f.Name)
			w.values.unknown[p] = true
		default:
			w.values.putEnv(p, template, n, f.Tag.Get("required") == "true")
			if isInteger(v.Kind()) {
				lo, hi := bounds(v.Type(), f)
				w.values.rng[p] = [2]int64{lo, hi}
			}
		}
		return
	}
	if n.Text == "" && !n.Quoted { // a variable that is frozen and empty: as if it weren't there
		return
	}
	switch {
	case EnumValues(v.Type()) != nil:
		w.enum(n, v, f)
	case v.Kind() == reflect.String:
		s, err := n.Str()
		if err != nil {
			err.Report(w.List, n.Pos, f.Name)
			return
		}
		v.SetString(s)
		w.checkText(n.Pos, s, f)
	case v.Kind() == reflect.Bool:
		b, err := n.Bool()
		if err != nil {
			err.Report(w.List, n.Pos, f.Name)
			return
		}
		v.SetBool(b)
	case v.CanFloat():
		x, err := n.Float()
		if err != nil {
			err.Report(w.List, n.Pos, f.Name)
			return
		}
		v.SetFloat(x)
	default:
		w.integer(n, v, f)
	}
}

func (w *walker) enum(n *source.Node, v reflect.Value, f Field) {
	values := EnumValues(v.Type())
	if n.Type == source.Int && !n.Quoted {
		if i, err := strconv.Atoi(n.Text); err == nil && 0 <= i && i < len(values) {
			v.SetString(values[i])
			return
		}
	} else if slices.Contains(values, n.Text) {
		v.SetString(n.Text)
		return
	}
	w.List.Errorf(n.Pos, diag.UnknownValue, "%q is no value of %s", n.Text, f.Name).Suggest(n.Text, values)
}

func isInteger(k reflect.Kind) bool { return reflect.Int <= k && k <= reflect.Uint64 }

func (w *walker) integer(n *source.Node, v reflect.Value, f Field) {
	lo, hi := bounds(v.Type(), f)
	i, err := n.Int(lo, hi)
	if err != nil {
		err.Report(w.List, n.Pos, f.Name)
		return
	}
	if v.CanInt() {
		v.SetInt(i)
	} else {
		v.SetUint(uint64(i))
	}
}

// bounds is the range of the type, cut with the min and max of the field. 64-bit
// unsigned fields hold half of their range, which none of the config's quantities exceeds.
func bounds(t reflect.Type, f Field) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	switch t.Kind() {
	case reflect.Int32:
		lo, hi = math.MinInt32, math.MaxInt32
	case reflect.Uint32:
		lo, hi = 0, math.MaxUint32
	case reflect.Uint64:
		lo = 0
	}
	if s := f.Tag.Get("min"); s != "" {
		n, _ := strconv.ParseInt(s, 10, 64)
		lo = max(lo, n)
	}
	if s := f.Tag.Get("max"); s != "" {
		n, _ := strconv.ParseInt(s, 10, 64)
		hi = min(hi, n)
	}
	return lo, hi
}

// checkText holds a string against the minlen, pattern and format of its field.
func (w *walker) checkText(pos diag.Pos, s string, f Field) {
	if f.Tag.Get("minlen") != "" && s == "" {
		w.List.Errorf(pos, diag.OutOfRange, "%s must not be empty", f.Name)
	}
	if p := f.Tag.Get("pattern"); p != "" && !pattern(p).MatchString(s) {
		w.List.Errorf(pos, diag.BadValue, "%q can't be the value of %s: it must match %s", s, f.Name, p)
	}
	if name := f.Tag.Get("format"); name != "" {
		if err := formats[name].check(s); err != nil {
			w.List.Errorf(pos, formats[name].code, "%s: %v", f.Name, err)
		}
	}
}

var patterns sync.Map // string -> *regexp.Regexp

// pattern compiles the regular expression of a tag, once.
func pattern(p string) *regexp.Regexp {
	if re, ok := patterns.Load(p); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(p)
	patterns.Store(p, re)
	return re
}

func (w *walker) checkList(n *source.Node, v reflect.Value, f Field) {
	if f.Tag.Get("unique") != "true" {
		return
	}
	seen := make(map[any]int)
	for i := range v.Len() {
		if v.Index(i).Kind() != reflect.String || w.values.Deferred(v.Index(i).Addr().Interface()) {
			continue
		}
		key := v.Index(i).String()
		if first, ok := seen[key]; ok {
			w.List.Errorf(n.Items[i].Pos, diag.DuplicateValue, "%s has %q twice", f.Name, key).
				Notef(n.Items[first].Pos, "the first one is here")
			continue
		}
		seen[key] = i
	}
}

func (w *walker) required(n *source.Node, fields []Field, seen map[int]*source.Field) {
	for i, f := range fields {
		if f.Tag.Get("required") != "true" {
			continue
		}
		if nf := seen[i]; nf == nil || nf.Value.Kind == source.Null {
			pos := n.Pos
			if nf != nil {
				pos = nf.KeyPos
			}
			w.List.Errorf(pos, diag.MissingField, "%s is missing", f.Name)
		}
	}
}

// oneofs reports fields that exclude each other.
func (w *walker) oneofs(fields []Field, seen map[int]*source.Field) {
	first := make(map[string]*source.Field)
	for i, f := range fields {
		group, nf := f.Tag.Get("oneof"), seen[i]
		if group == "" || nf == nil || nf.Value.Kind == source.Null {
			continue
		}
		if other := first[group]; other != nil {
			w.List.Errorf(nf.KeyPos, diag.ConflictingFields, "%s and %s exclude each other", other.Key, nf.Key).
				Notef(other.KeyPos, "the other one is here")
			continue
		}
		first[group] = nf
	}
}

func (w *walker) unknownField(nf *source.Field, t reflect.Type, fields []Field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	what := w.what
	if what == "" {
		what = t.Name()
	}
	w.List.Errorf(nf.KeyPos, diag.UnknownField, "%s has no field %q", ownerName(what, t), nf.Key).Suggest(nf.Key, names)
}

// ownerName is the kind for the fields of its spec, else the name of the part.
func ownerName(what string, t reflect.Type) string {
	part, ok := PartName(t)
	if !ok {
		return what
	}
	return part + " of " + what
}

func (w *walker) wrongType(n *source.Node, want string) {
	got := map[source.Kind]string{source.Map: "an object", source.List: "a list", source.Scalar: "a plain value", source.Null: "nothing"}[n.Kind]
	w.List.Errorf(n.Pos, diag.WrongType, "%s must stand here, not %s", want, got)
}

func typeName(t reflect.Type) string {
	switch {
	case EnumValues(t) != nil || t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a number"
}
