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
// reverse, after the last runner has ended, also if the start failed.
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
	finalizers := l.each("app.Finalizer", s.Finalizers, Finalizer)
	// What others need comes first, and goes last.
	auto := l.Link.Lifecycles()
	initializers.Items = append(slices.Clone(auto), initializers.Items...)
	finalizers.Items = append(slices.Clone(auto), finalizers.Items...)
	return ir.Struct{Type: ir.Runtime("app.Gateway"), Pointer: true, Fields: []ir.Field{
		ir.Set("Logger", logger),
		ir.Set("Runners", runners),
		ir.Set("Initializers", initializers),
		ir.Set("Finalizers", finalizers),
	}}
}

func (l *Lower) each(elem string, refs []resource.Ref, role Role) ir.List {
	list := ir.List{Elem: ir.Runtime(elem)}
	for i := range refs {
		list.Items = append(list.Items, l.Use(&refs[i], role))
	}
	return list
}
