package kinds

import (
	"os"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var bodyLimitMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "BodyLimitMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New:        func() Spec { return &BodyLimitMiddlewareSpec{MaxSize: 4 << 20} },
}

// BodyLimitMiddlewareSpec is the spec of a BodyLimitMiddleware, which refuses requests with a too large body, with 413.
// Bodies of known length are taken in before the handler runs, so that slow clients
// don't occupy an upstream.
//
// A body whose declared length is too large is not read at all. One of unknown length is passed on up to the
// limit; if it goes on then, the handler gets an error and the client 413 (in AILERON Gateway, behind a proxy,
// such a request ends the whole process).
type BodyLimitMiddlewareSpec struct {
	// MaxSize is the largest body, in bytes. 0 stands for the default; with a negative value there is no limit, and the middleware does nothing.
	MaxSize int64 `json:"maxSize"`
	// MemLimit says where bodies are kept: up to so many bytes in memory, longer ones in a temporary file. 0 stands for maxSize. With a negative value all go to a file.
	MemLimit int64 `json:"memLimit"`
	// TempPath is the folder of the temporary files. Empty is that of the system. The files can be read by the user of the gateway only, and have
	// no name while they are in use, where the system allows it.
	TempPath string `json:"tempPath"`
}

// Check warns of a middleware that does nothing, and of a folder that isn't there.
func (s *BodyLimitMiddlewareSpec) Check(c *Check) {
	if info, err := os.Stat(c.path(s.TempPath)); s.TempPath != "" && os.IsNotExist(err) {
		c.Warnf(&s.TempPath, diag.BadFile, "there is no folder %s here; the gateway needs it for bodies that it doesn't keep in memory", s.TempPath)
	} else if err == nil && !info.IsDir() {
		c.Errorf(&s.TempPath, diag.BadFile, "%s isn't a folder", s.TempPath)
	}
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
