package decode

import (
	"math"
	"reflect"
	"strconv"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/source"
	"github.com/aileron-gateway/aileronc/internal/envexpr"
)

// Values knows of each field of a decoded spec where it stands in the config. A
// field is named by a pointer to it, or to an element of its list.
type Values struct {
	// Refs are the references in the spec, in the order of the config.
	Refs []RefAt
	// Secrets are the nodes of fields that --config must not show.
	Secrets []*source.Node

	doc   string
	pos   diag.Pos
	at    map[any]diag.Pos // the value's position
	keys  map[any]diag.Pos // the key's
	set   map[any]bool
	env   map[any]*envValue
	order []any // of env
	rng   map[any][2]int64
	// unknown are the fields whose value would have to be frozen: it isn't known.
	unknown map[any]bool
}

// A RefAt is a reference in a spec.
type RefAt struct {
	Ref  *resource.Ref
	Role string // the role tag of the field
	Pos  diag.Pos
}

type envValue struct {
	text   string
	node   *source.Node
	needed bool // its field is required
	taken  bool
}

func newValues(pos diag.Pos, doc string) *Values {
	return &Values{
		doc: doc, pos: pos,
		at: make(map[any]diag.Pos), keys: make(map[any]diag.Pos), set: make(map[any]bool),
		env: make(map[any]*envValue), rng: make(map[any][2]int64), unknown: make(map[any]bool),
	}
}

// NewValues is for a resource without a spec: everything stands at pos.
func NewValues(pos diag.Pos, doc string) *Values { return newValues(pos, doc) }

// Pos is where the value of a field stands; for a field that the config doesn't set, where the spec does.
func (v *Values) Pos(field any) diag.Pos {
	if p, ok := v.at[field]; ok {
		return p
	}
	if p, ok := v.keys[field]; ok {
		return p
	}
	return v.pos
}

// Provenance is Pos as "config.yaml:31:7", with the name of the file that doesn't depend on the machine.
func (v *Values) Provenance(field any) string {
	p := v.Pos(field)
	return v.doc + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Line is Provenance without the column.
func (v *Values) Line(field any) string { return v.doc + ":" + strconv.Itoa(v.Pos(field).Line) }

// IsSet reports whether the config sets a field.
func (v *Values) IsSet(field any) bool { return v.set[field] }

// Deferred reports whether the value of a field isn't known, since it is read at start
// or would have to be frozen.
func (v *Values) Deferred(field any) bool { return v.env[field] != nil || v.unknown[field] }

// TakeEnv returns the text of a field that is read at start, and its provenance.
func (v *Values) TakeEnv(field any) (text, pos string, ok bool) {
	e, ok := v.env[field]
	if !ok {
		return "", "", false
	}
	e.taken = true
	return e.text, v.Provenance(field), true
}

// Needed reports whether a field that is read at start must not be empty.
func (v *Values) Needed(field any) bool { return v.env[field] != nil && v.env[field].needed }

// NeverEmpty reports whether a field that is read at start has a text that can't turn out to be empty.
func (v *Values) NeverEmpty(field any) bool {
	if v.env[field] == nil {
		return false
	}
	t, err := envexpr.Parse(v.env[field].text)
	return err == nil && t.NeverEmpty()
}

// Quoted reports whether a field that is read at start stands in quotes, so that it's text even if it's empty.
func (v *Values) Quoted(field any) bool { return v.env[field] != nil && v.env[field].node.Quoted }

// EnvTexts are the scalars that are read at start, with their provenance, and whether they are needed.
func (v *Values) EnvTexts(visit func(text, pos string, needed bool)) {
	for _, p := range v.order {
		if e, ok := v.env[p]; ok {
			visit(e.text, v.Provenance(p), e.needed)
		}
	}
}

// Untaken reports each value from the environment that nobody asked TakeEnv for: it
// was used to shape the program.
func (d *Decoder) Untaken(v *Values) {
	w := walker{Decoder: d, values: v}
	for _, p := range v.order {
		if e, ok := v.env[p]; ok && !e.taken {
			w.structural(e, "this value")
		}
	}
}

// Range is the range of the numbers that a field may hold.
func (v *Values) Range(field any) (lo, hi int64) {
	if r, ok := v.rng[field]; ok {
		return r[0], r[1]
	}
	return math.MinInt64, math.MaxInt64
}

func (v *Values) note(_ reflect.Value, n *source.Node, p any) { v.at[p] = n.Pos }

func (v *Values) key(p any, pos diag.Pos) { v.keys[p] = pos }

func (v *Values) putEnv(p any, text string, n *source.Node, needed bool) {
	v.env[p] = &envValue{text: text, node: n, needed: needed}
	v.order = append(v.order, p)
	v.at[p] = n.Pos
}

func (v *Values) dropEnv(which func(any) bool, report func(*envValue)) {
	for p, e := range v.env {
		if which(p) {
			report(e)
			delete(v.env, p)
		}
	}
}

// Adopt takes the positions of the metadata, which was decoded by itself, into v.
func (v *Values) Adopt(head *Values, from, to *resource.Metadata) {
	for _, p := range [][2]any{{&from.Namespace, &to.Namespace}, {&from.Name, &to.Name}, {&from.Logger, &to.Logger}, {&from.ErrorHandler, &to.ErrorHandler}} {
		if pos, ok := head.at[p[0]]; ok {
			v.at[p[1]] = pos
		}
		if head.set[p[0]] {
			v.set[p[1]] = true
		}
	}
}

// Integer returns the number that p, a pointer to an integer, points to.
func Integer(p any) (int64, bool) {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer {
		return 0, false
	}
	v = v.Elem()
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), true
	}
	return 0, false
}
