package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var bodyLimitMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "BodyLimitMiddleware",
	Roles:      []Role{Middleware},
	New:        func() Spec { return &BodyLimitMiddlewareSpec{MaxSize: 4 << 20} },
	Refuses:    true,
}

// BodyLimitMiddlewareSpec is the spec of a BodyLimitMiddleware, which refuses requests with a too large body, with 413.
// Bodies of known length are taken in before the handler runs, so that slow clients
// don't occupy an upstream.
type BodyLimitMiddlewareSpec struct {
	// MaxSize is the largest body, in bytes. 0 stands for the default; with a negative value there is no limit, and the middleware does nothing.
	MaxSize int64 `json:"maxSize"`
	// MemLimit says where bodies are kept: up to so many bytes in memory, longer ones in a temporary file. 0 stands for maxSize. With a negative value all go to a file.
	MemLimit int64 `json:"memLimit"`
	// TempPath is the folder of the temporary files. Empty is that of the system.
	TempPath string `json:"tempPath"`
}

// Check warns of a middleware that does nothing.
func (s *BodyLimitMiddlewareSpec) Check(c *Check) {
	if s.MaxSize < 0 {
		c.Warnf(&s.MaxSize, diag.NoEffect, "with a negative maxSize the middleware does nothing")
	}
}

// Lower returns the middleware.
func (s *BodyLimitMiddlewareSpec) Lower(l *Lower) ir.Expr {
	return l.Call("bodylimit.New", l.Struct("bodylimit.Options",
		ir.Set("MaxSize", l.ifSet(&s.MaxSize, l.Int64(&s.MaxSize))),
		ir.Set("MemLimit", l.Int64(&s.MemLimit)),
		ir.Set("TempDir", l.String(&s.TempPath))))
}
