package kinds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// A Check reports findings about one resource. Positions are pointers to the
// fields of its spec: c.Errorf(&s.MaxAge, …).
type Check struct {
	ID       resource.ID
	Meta     *resource.Metadata
	Values   *decode.Values
	Findings *diag.List
	Place
}

// A Place is what is to be known of where a config is compiled, and what for.
type Place struct {
	// Dir is the folder that relative paths in the config are relative to.
	Dir string
	// OS is the system that the gateway is built for, as GOOS has it; empty if it's for any.
	OS string
	// Embed makes files a part of the binary where the config doesn't say otherwise.
	Embed bool
}

// Errorf reports an error at a field, given by a pointer to it.
func (c *Check) Errorf(field any, code diag.Code, format string, args ...any) {
	if !c.Deferred(field) {
		c.Findings.Errorf(c.Values.Pos(field), code, format, args...)
	}
}

// Warnf reports a warning at a field.
func (c *Check) Warnf(field any, code diag.Code, format string, args ...any) {
	if !c.Deferred(field) {
		c.Findings.Warnf(c.Values.Pos(field), code, format, args...)
	}
}

// Deferred reports whether a scalar field is read from the environment at start, so
// that its value isn't known.
func (c *Check) Deferred(field any) bool { return c.Values.Deferred(field) }

// IsSet reports whether the config sets a field.
func (c *Check) IsSet(field any) bool { return c.Values.IsSet(field) }

// A Lower turns one resource into expressions. What a method is given a pointer
// to is read at start if the config has an environment variable there; of a value
// that the kind reads directly, that is an error.
type Lower struct {
	*Check
	// Role is what the resource is used as here.
	Role Role
	// Fails is set by Try.
	Fails bool
	// Note is a remark for the comment above the component, and Suffix a word for the name
	// of its variable, for kinds with several components.
	Note, Suffix string
	// From is where the resource is declared: "config.yaml:31".
	From string
	// Engine is what servers and clients are to be made of.
	Engine Engine
	Link   Linker
}

// A Linker knows the other resources of the config.
type Linker interface {
	// Use returns the expression for a resource in a role, constructed before l's.
	Use(l *Lower, ref *resource.Ref, role Role) ir.Expr
	// Made returns the expression for a resource that something needs already, or nil.
	Made(ref *resource.Ref) ir.Expr
	// Target returns the resource that ref names, or nil if there is none.
	Target(ref *resource.Ref) *Target
	// Logger returns the logger of metadata.logger, or the default one.
	Logger(l *Lower) ir.Expr
	// Errors returns the error handler of metadata.errorHandler, or the default one.
	Errors(l *Lower) ir.Expr
	// Lifecycles are the components, made so far, of kinds with a lifecycle.
	Lifecycles() []ir.Expr
	// AddRouter registers the router of a server.
	AddRouter(*ir.Router)
	// AddGlobal registers what the binary carries.
	AddGlobal(*ir.Global)
	// AddRunner registers something that runs as long as the gateway does, beside the runners of the Entrypoint, and
	// Runners returns all that have been.
	AddRunner(ir.Expr)
	Runners() []ir.Expr
	// UpstreamStats returns the counts of upstreams, or nil if nobody wants to know them.
	UpstreamStats() ir.Expr
	// AddPlugin registers a package of the user.
	AddPlugin(ir.Plugin)
	// Builtin returns a component that no resource of the config stands for, made once for
	// each base, which is also the name its variable would like to have. note tells what it is.
	Builtin(base, note string, make func() ir.Expr) ir.Expr
	// Part makes a component of its own out of a part of l's resource: something that
	// may fail at start, or that reads better with a name.
	Part(l *Lower, suffix string, fails bool, e ir.Expr) ir.Expr
}

// A Target is a resource that another one refers to.
type Target struct {
	Kind  *Kind
	Spec  Spec
	Check *Check
}

// Call calls a function of the runtime: l.Call("cors.New", …).
func (l *Lower) Call(fun string, args ...ir.Expr) ir.Expr {
	return ir.Call{Fun: ir.Runtime(fun), Args: args}
}

// Try is Call for a constructor that returns an error, too. It must be what Lower returns.
func (l *Lower) Try(fun string, args ...ir.Expr) ir.Expr {
	l.Fails = true
	return l.Call(fun, args...)
}

// Struct is a composite literal of a runtime type: l.Struct("cors.Policy", …).
// Fields that are nil or zero aren't printed.
func (l *Lower) Struct(typ string, fields ...ir.Field) ir.Expr {
	return ir.Struct{Type: ir.Runtime(typ), Fields: fields}
}

// List is a list of a runtime type: l.List("proxy.Balancer", items…).
func (l *Lower) List(elem string, items ...ir.Expr) ir.Expr {
	return ir.List{Elem: ir.Runtime(elem), Items: items}
}

// Use is the component that ref names, nil if ref is unset.
func (l *Lower) Use(ref *resource.Ref, role Role) ir.Expr {
	if ref == nil || ref.IsZero() {
		return nil
	}
	return l.Link.Use(l, ref, role)
}

// Logger is the logger of this resource.
func (l *Lower) Logger() ir.Expr { return l.Link.Logger(l) }

// Chain wraps inner in the middleware that refs name, the first outermost.
func (l *Lower) Chain(refs []resource.Ref, role Role, inner ir.Expr) ir.Expr {
	for i := len(refs) - 1; i >= 0; i-- {
		if m := l.Use(&refs[i], role); m != nil {
			inner = ir.Call{Fun: m, Args: []ir.Expr{inner}}
		}
	}
	return inner
}

// String is the string at p. From the environment it's the default if it's empty and without quotes, as if it weren't there;
// a required one must not be empty.
func (l *Lower) String(p *string) ir.Expr {
	return l.stringOr(p, ir.String(*p))
}

// stringOr is String with a default that isn't the one of the spec.
func (l *Lower) stringOr(p *string, def ir.Expr) ir.Expr {
	method, args := "String", []ir.Expr(nil)
	switch {
	case l.Values.NeverEmpty(p):
	case l.Values.Needed(p):
		method = "Needed"
	case !ir.IsZero(def) && !l.Values.Quoted(p):
		method, args = "StringOr", []ir.Expr{def}
	}
	if e, ok := l.env(p, method, args...); ok {
		return e
	}
	return ir.String(*p)
}

// Strings are the strings of a list. It takes the slice itself: its elements are looked up.
func (l *Lower) Strings(s []string) ir.Expr {
	list := ir.List{Elem: ir.Name{Ident: "string"}}
	for i := range s {
		list.Items = append(list.Items, l.String(&s[i]))
	}
	return list
}

// Fields is a gateway.Header literal of a map, with canonical names.
func (l *Lower) Fields(m decode.Map) ir.Expr {
	list := ir.List{Elem: ir.Runtime("gateway.Field")}
	for i := range m {
		list.Items = append(list.Items, l.Struct("gateway.Field",
			ir.Set("Name", ir.String(canonicalName(m[i].Key))),
			ir.Set("Value", l.String(&m[i].Value))))
	}
	return list
}

// ifSet is e if the config sets field; else the runtime's default holds, which is the config's.
func (l *Lower) ifSet(field any, e ir.Expr) ir.Expr {
	if l.IsSet(field) {
		return e
	}
	return nil
}

// Bool is the bool at p.
func (l *Lower) Bool(p *bool) ir.Expr {
	if e, ok := l.env(p, "Bool", ir.Bool(*p)); ok {
		return e
	}
	return ir.Bool(*p)
}

// Int is the number at p, a pointer to one of the integer types, of Go type int.
func (l *Lower) Int(p any) ir.Expr {
	return l.number(p, "Int", func(n int64) ir.Expr { return ir.Lit{Value: n} })
}

// Int64 is Int for a Go field of type int64.
func (l *Lower) Int64(p any) ir.Expr {
	return l.number(p, "Int64", func(n int64) ir.Expr { return ir.Lit{Value: n} })
}

// Float is the number at p.
func (l *Lower) Float(p *float64) ir.Expr {
	if e, ok := l.env(p, "Float", ir.Lit{Value: *p}); ok {
		return e
	}
	return ir.Lit{Value: *p}
}

// Seconds is the duration of so many seconds as p points to. No negative one means
// something else than another.
func (l *Lower) Seconds(p any) ir.Expr {
	return l.number(p, "Seconds", func(n int64) ir.Expr { return ir.Duration(time.Duration(max(n, -1)) * time.Second) })
}

// Millis is the duration of so many milliseconds as p points to.
func (l *Lower) Millis(p any) ir.Expr {
	return l.number(p, "Millis", func(n int64) ir.Expr { return ir.Duration(time.Duration(max(n, -1)) * time.Millisecond) })
}

// number lowers an integer. From the environment it is read with the default and
// the range that the field has.
func (l *Lower) number(p any, method string, lit func(int64) ir.Expr) ir.Expr {
	n, ok := decode.Integer(p)
	if !ok {
		panic(fmt.Sprintf("kinds: %T isn't a pointer to an integer", p))
	}
	lo, hi := l.Values.Range(p)
	if e, ok := l.env(p, method, lit(n), ir.Lit{Value: lo}, ir.Lit{Value: hi}); ok {
		return e
	}
	return lit(n)
}

func (l *Lower) env(p any, method string, args ...ir.Expr) (ir.Expr, bool) {
	text, pos, ok := l.Values.TakeEnv(p)
	if !ok {
		return nil, false
	}
	return ir.Env{Method: method, Pos: pos, Text: text, Args: args}, true
}

// sortedSet sorts names and drops the doubles.
func sortedSet(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// canonicalName spells a header name as http.CanonicalHeaderKey does.
func canonicalName(name string) string {
	b := []byte(strings.ToLower(name))
	for i := range b {
		if (i == 0 || b[i-1] == '-') && 'a' <= b[i] && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}
