package kinds

import "github.com/aileron-gateway/aileronc/compiler/ir"

var echoHandler = Kind{
	APIVersion: "app/v1",
	Name:       "EchoHandler",
	Roles:      []Role{Handler},
	Stateless:  true,
	New:        func() Spec { return &EchoHandlerSpec{} },
}

// EchoHandlerSpec is the spec of an EchoHandler, which answers with a text that
// shows the request: its line, header and body. It's for trying things out.
//
// Bodies of more than 16 MiB aren't shown.
type EchoHandlerSpec struct {
	// Patterns are the paths that the handler wants to be mounted at.
	Patterns []string `json:"patterns"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods"`
}

// Route returns where the handler wants to be mounted.
func (s *EchoHandlerSpec) Route() ([]string, []HTTPMethod) { return s.Patterns, s.Methods }

// Lower returns the handler.
func (s *EchoHandlerSpec) Lower(l *Lower) ir.Expr { return l.Call("echo.New") }
