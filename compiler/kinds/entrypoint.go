package kinds

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/compiler/resource"
)

var entrypoint = Kind{
	APIVersion: "core/v1",
	Name:       "Entrypoint",
	New:        func() Spec { return &EntrypointSpec{} },
}

// EntrypointSpec is the spec of the Entrypoint, which says what the gateway runs, and which
// loggers and error handlers all resources may name in their metadata. A config has exactly one, and what it doesn't reach isn't part of the gateway.
//
// All initializers run before the runners start, and all finalizers, in
// reverse, after the last runner has ended, also if the start failed. Log files of the loggers that are
// named here are archived then.
type EntrypointSpec struct {
	// DefaultLogger is the logger of resources that name none. Unset is JSON lines on the standard output.
	DefaultLogger resource.Ref `json:"defaultLogger" role:"Logger"`
	// Loggers are loggers that metadata.logger of any resource can name.
	Loggers []resource.Ref `json:"loggers" role:"Logger"`
	// DefaultErrorHandler answers what resources refuse that name no error handler.
	DefaultErrorHandler resource.Ref `json:"defaultErrorHandler" role:"ErrorHandler"`
	// ErrorHandlers are error handlers that metadata.errorHandler of any resource can name.
	ErrorHandlers []resource.Ref `json:"errorHandlers" role:"ErrorHandler"`
	// Runners are what the gateway runs, servers above all. When one of them ends, the gateway does.
	Runners []resource.Ref `json:"runners" role:"Runner"`
	// Initializers run once, in order, before the runners.
	Initializers []resource.Ref `json:"initializers" role:"Initializer"`
	// Finalizers run once, in reverse order, after the runners.
	Finalizers []resource.Ref `json:"finalizers" role:"Finalizer"`
}

// Check warns of a gateway that does nothing: it ends at once, with success.
func (s *EntrypointSpec) Check(c *Check) {
	if len(s.Runners) == 0 {
		c.Findings.Warnf(c.Values.Pos(&s.Runners), diag.NoRunner, "the Entrypoint has no runners, so the gateway ends at once").
			Hintf("list an HTTPServer in spec.runners")
	}
}

// Lower returns the gateway as a whole.
func (s *EntrypointSpec) Lower(l *Lower) ir.Expr {
	logger := l.Logger()
	runners := l.each("app.Runner", s.Runners, Runner)
	initializers := l.each("app.Initializer", s.Initializers, Initializer)
	finalizers := s.finalizers(l) // the last of those that use resources
	runners.Items = append(runners.Items, l.Link.Runners()...)
	initializers.Items = append(slices.Clone(l.Link.Lifecycles()), initializers.Items...) // what others need comes first
	return ir.Struct{Type: ir.Runtime("app.Gateway"), Pointer: true, Fields: []ir.Field{
		ir.Set("Logger", logger),
		ir.Set("Runners", runners),
		ir.Set("Initializers", initializers),
		ir.Set("Finalizers", finalizers),
	}}
}

// finalizers are the loggers that have something to do at the end, what others need, and those of the config. They run in
// reverse, so the default logger, which tells of the others, is the last.
func (s *EntrypointSpec) finalizers(l *Lower) ir.Expr {
	list := ir.List{Elem: ir.Runtime("app.Finalizer")}
	add := func(e ir.Expr) {
		if e != nil && !slices.ContainsFunc(list.Items, func(have ir.Expr) bool { return ir.Key(have) == ir.Key(e) }) {
			list.Items = append(list.Items, e)
		}
	}
	loggers := []*resource.Ref{&s.DefaultLogger}
	for i := range s.Loggers {
		loggers = append(loggers, &s.Loggers[i])
	}
	for _, ref := range loggers {
		if t := l.Link.Target(ref); t == nil {
			continue
		} else if f, ok := t.Spec.(Finalized); ok && f.Finalizes() {
			add(l.Link.Made(ref))
		}
	}
	var own []ir.Expr
	for i := range s.Finalizers {
		own = append(own, l.Use(&s.Finalizers[i], Finalizer))
	}
	for _, e := range append(slices.Clone(l.Link.Lifecycles()), own...) {
		add(e)
	}
	return list
}

func (l *Lower) each(elem string, refs []resource.Ref, role Role) ir.List {
	list := ir.List{Elem: ir.Runtime(elem)}
	for i := range refs {
		list.Items = append(list.Items, l.Use(&refs[i], role))
	}
	return list
}
