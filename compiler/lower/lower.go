// Package lower turns the graph of a config into the program to be emitted. Each
// kind lowers itself; this package decides the order, links what refers to each
// other, and makes the default logger and error handler where they are needed.
package lower

import (
	"cmp"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/graph"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/kinds"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

// Program lowers a graph without errors to a gateway that runs on engine. Findings of the
// kinds are added to the list of the graph's decoder.
func Program(g *graph.Graph, engine kinds.Engine) *ir.Program {
	k := &linker{
		graph:      g,
		engine:     engine,
		program:    &ir.Program{Sources: g.Sources()},
		components: make(map[key]ir.Expr),
		builtins:   make(map[string]ir.Expr),
		busy:       make(map[resource.ID]bool),
	}
	l := k.newLower(g.Entrypoint, "")
	k.program.Root = g.Entrypoint.Spec.Lower(l)
	for _, r := range g.Resources {
		if r.Reached {
			g.Decoder.Untaken(r.Values)
		}
	}
	k.program.Meta = meta(g)
	return k.program
}

// linker is the kinds.Linker of one program.
type linker struct {
	graph      *graph.Graph
	engine     kinds.Engine
	program    *ir.Program
	components map[key]ir.Expr
	builtins   map[string]ir.Expr
	runners    []ir.Expr
	lifecycles []ir.Expr
	// busy are the resources that are being lowered. What a default one needs itself can't
	// have it as its default.
	busy map[resource.ID]bool
}

// key identifies a component: role is empty unless the kind needs one for each.
type key struct {
	id   resource.ID
	role kinds.Role
}

func (k *linker) newLower(r *graph.Resource, role kinds.Role) *kinds.Lower {
	return &kinds.Lower{Check: r.Check(), Role: role, Engine: k.engine, Link: k}
}

// Use returns the variable of a resource, or its expression for inline kinds.
func (k *linker) Use(_ *kinds.Lower, ref *resource.Ref, role kinds.Role) ir.Expr {
	return k.use(k.graph.Lookup(ref.ID()), role)
}

func (k *linker) use(r *graph.Resource, role kinds.Role) ir.Expr {
	if r.Kind.Inline {
		return r.Spec.Lower(k.newLower(r, role))
	}
	id := key{id: r.ID}
	if r.Kind.PerRole {
		id.role = role
	}
	e, ok := k.components[id]
	if !ok {
		e = k.construct(r, role)
		k.components[id] = e
	}
	if method := r.Kind.Methods[role]; method != "" {
		e = ir.Select{X: e, Name: method}
	}
	return k.withErrors(r, role, e)
}

// construct makes the component of a resource.
func (k *linker) construct(r *graph.Resource, role kinds.Role) ir.Expr {
	l := k.newLower(r, role)
	l.From = r.Line()
	k.busy[r.ID] = true
	expr := r.Spec.Lower(l) // makes the components that this one needs, before it
	delete(k.busy, r.ID)
	if part, ok := expr.(ir.Ref); ok {
		return part // all there is to it has a variable already
	}
	c := &ir.Component{ID: r.ID, From: l.From, Base: r.ID.Name, Part: l.Suffix, New: expr, Fails: l.Fails, Stateless: r.Kind.Stateless, Note: l.Note}
	k.program.Components = append(k.program.Components, c)
	if s, ok := r.Spec.(kinds.Lifecycled); r.Kind.Lifecycle && (!ok || s.HasLifecycle(l.Check)) {
		k.lifecycles = append(k.lifecycles, ir.Ref{To: c})
	}
	return ir.Ref{To: c}
}

// Lifecycles are the components, made so far, of kinds with a lifecycle.
func (k *linker) Lifecycles() []ir.Expr { return k.lifecycles }

// withErrors gives the errors of a resource to its own error handler, if it has one.
func (k *linker) withErrors(r *graph.Resource, role kinds.Role, e ir.Expr) ir.Expr {
	h := k.ownErrors(r)
	if h == nil {
		return e
	}
	switch role {
	case kinds.Handler:
		return ir.Call{Fun: ir.Runtime("gateway.HandlerWithErrors"), Args: []ir.Expr{h, e}}
	case kinds.Middleware:
		return ir.Call{Fun: ir.Runtime("gateway.WithErrorHandler"), Args: []ir.Expr{h, e}}
	}
	return e
}

func (k *linker) ownErrors(r *graph.Resource) ir.Expr {
	if s, ok := r.Spec.(kinds.ErrorHandled); ok {
		if ref := s.ErrorHandlerRef(); ref != nil && !ref.IsZero() {
			return k.use(k.graph.Lookup(ref.ID()), kinds.ErrorHandler)
		}
	}
	if t := k.graph.Registered(r.Meta.ErrorHandler, kinds.ErrorHandler); t != nil {
		return k.use(t, kinds.ErrorHandler)
	}
	return nil
}

// Made returns the variable of a resource, if it has been made.
func (k *linker) Made(ref *resource.Ref) ir.Expr { return k.components[key{id: ref.ID()}] }

// Target returns the resource that ref names.
func (k *linker) Target(ref *resource.Ref) *kinds.Target {
	r := k.graph.Lookup(ref.ID())
	if r == nil {
		return nil
	}
	return &kinds.Target{Kind: r.Kind, Spec: r.Spec, Check: r.Check()}
}

// Logger returns the logger that the metadata of l's resource names, or the default one.
func (k *linker) Logger(l *kinds.Lower) ir.Expr {
	if t := k.graph.Registered(l.Meta.Logger, kinds.Logger); t != nil {
		return k.use(t, kinds.Logger)
	}
	if ref := &k.entrypoint().DefaultLogger; !ref.IsZero() && !k.busy[ref.ID()] {
		return k.use(k.graph.Lookup(ref.ID()), kinds.Logger)
	}
	return k.builtin("logger", "the default logger", func() ir.Expr { return l.Call("log.Default") })
}

// Errors returns the error handler that the metadata of l's resource names, or the default one.
func (k *linker) Errors(l *kinds.Lower) ir.Expr {
	if t := k.graph.Registered(l.Meta.ErrorHandler, kinds.ErrorHandler); t != nil {
		return k.use(t, kinds.ErrorHandler)
	}
	if ref := &k.entrypoint().DefaultErrorHandler; !ref.IsZero() && !k.busy[ref.ID()] {
		return k.use(k.graph.Lookup(ref.ID()), kinds.ErrorHandler)
	}
	return k.builtin("error-handler", "the default error handler", func() ir.Expr {
		logger := k.defaultLogger(l)
		return l.Call("errorhandler.New", l.Struct("errorhandler.Options", ir.Set("Logger", logger)))
	})
}

// defaultLogger is Logger without regard to the metadata of l's resource.
func (k *linker) defaultLogger(l *kinds.Lower) ir.Expr {
	c := *l.Check
	c.Meta = &resource.Metadata{}
	d := *l
	d.Check = &c
	return k.Logger(&d)
}

func (k *linker) entrypoint() *kinds.EntrypointSpec {
	return k.graph.Entrypoint.Spec.(*kinds.EntrypointSpec)
}

// builtin returns a component that no resource stands for. It's made once.
func (k *linker) builtin(base, note string, make func() ir.Expr) ir.Expr {
	if e, ok := k.builtins[base]; ok {
		return e
	}
	c := &ir.Component{Base: base, Note: note}
	c.New = make()
	k.program.Components = append(k.program.Components, c)
	k.builtins[base] = ir.Ref{To: c}
	return k.builtins[base]
}

// Builtin is builtin for the kinds.
func (k *linker) Builtin(base, note string, make func() ir.Expr) ir.Expr {
	return k.builtin(base, note, make)
}

// Part makes a component of its own out of a part of l's resource.
func (k *linker) Part(l *kinds.Lower, suffix string, fails bool, e ir.Expr) ir.Expr {
	words := strings.Fields(suffix)
	for i, w := range words {
		words[i] = cmp.Or(ir.Initialism(w), w)
	}
	c := &ir.Component{
		ID: l.ID, From: l.From, Base: l.ID.Name, Part: suffix, New: e, Fails: fails, Note: "its " + strings.Join(words, " "),
	}
	k.program.Components = append(k.program.Components, c)
	return ir.Ref{To: c}
}

// AddRouter registers the router of a server.
func (k *linker) AddRouter(r *ir.Router) { k.program.Routers = append(k.program.Routers, r) }

// AddGlobal registers what the binary carries.
func (k *linker) AddGlobal(g *ir.Global) { k.program.Globals = append(k.program.Globals, g) }

// AddRunner registers something that runs beside the runners of the Entrypoint.
func (k *linker) AddRunner(e ir.Expr) { k.runners = append(k.runners, e) }

// Runners returns what AddRunner has registered.
func (k *linker) Runners() []ir.Expr { return k.runners }

// UpstreamStats returns the counts of upstreams, if there are upstreams and somebody shows the counts.
func (k *linker) UpstreamStats() ir.Expr {
	var shown, counted, timed bool
	for _, r := range k.graph.Resources {
		if !r.Reached {
			continue
		}
		meter, ok := r.Spec.(kinds.UpstreamMeter)
		shown = shown || ok && meter.MeasuresUpstreams()
		timer, ok := r.Spec.(kinds.UpstreamTimer)
		timed = timed || ok && timer.TimesUpstreams()
		user, ok := r.Spec.(kinds.UpstreamUser)
		counted = counted || ok && user.UsesUpstreams()
	}
	if !shown || !counted {
		return nil
	}
	return k.builtin("upstream-stats", "what is counted of upstreams", func() ir.Expr {
		return ir.Struct{Type: ir.Runtime("upstreamstats.Set"), Pointer: true, Fields: []ir.Field{ir.Set("Times", ir.Bool(timed))}}
	})
}

// AddPlugin registers a package of the user, once.
func (k *linker) AddPlugin(p ir.Plugin) {
	for _, have := range k.program.Plugins {
		if have.ImportPath == p.ImportPath {
			return
		}
	}
	k.program.Plugins = append(k.program.Plugins, p)
}
