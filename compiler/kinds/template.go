package kinds

import (
	"slices"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var templateHandler = Kind{
	APIVersion: "core/v1",
	Name:       "TemplateHandler",
	Roles:      []Role{Handler},
	New:        func() Spec { return &TemplateHandlerSpec{} },
}

// TemplateHandlerSpec is the spec of a TemplateHandler, which answers each request with
// one of its contents: the one that the client's Accept header prefers. Weights and wildcards
// count, and a client without an Accept header gets the first (AILERON Gateway refuses it).
// A client that accepts none gets a 406.
//
// Templates know proto, host, method, path and remote, which are texts, and header and
// query, which hold lists of values by name: {{ .header.Get "User-Agent" }}, {{ index .query "id" }}.
// A template that fails gives an empty body, and a line in the log.
type TemplateHandlerSpec struct {
	// Patterns are the paths that the handler wants to be mounted at.
	Patterns []string `json:"patterns" unique:"true"`
	// Methods are the methods that the handler answers. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// MIMEContents are the bodies to choose from, in the order of preference.
	MIMEContents []MIMEContentSpec `json:"mimeContents" alt:"MIMEContents"`
}

// requestTexts and requestLists are what templates of requests can name.
var (
	requestTexts = []string{"proto", "host", "method", "path", "remote"}
	requestLists = []string{"header", "query"}
)

// Route returns where the handler wants to be mounted.
func (s *TemplateHandlerSpec) Route() ([]string, []HTTPMethod) { return s.Patterns, s.Methods }

// Check reports what's wrong with the contents.
func (s *TemplateHandlerSpec) Check(c *Check) {
	if len(s.MIMEContents) == 0 {
		c.Warnf(&s.MIMEContents, diag.NoEffect, "without mimeContents the handler answers each request with 406")
	}
	names := append(slices.Clip(requestTexts), requestLists...)
	for i := range s.MIMEContents {
		s.MIMEContents[i].check(c, names)
	}
}

// Lower returns the handler.
func (s *TemplateHandlerSpec) Lower(l *Lower) ir.Expr {
	return l.Call("tmpl.New", l.Struct("tmpl.Options",
		ir.Set("Contents", lowerContents(l, s.MIMEContents, requestTexts, requestLists)),
		ir.Set("Logger", l.Logger()),
	))
}
