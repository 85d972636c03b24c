package kinds

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// MIMEContentSpec is a body of one media type. Clients choose among several by their
// Accept header, in which weights (q) and wildcards count, as in RFC 9110, section 12.5.1.
type MIMEContentSpec struct {
	// MIMEType is the media type, such as application/json. The charset is UTF-8 always.
	MIMEType string `json:"mimeType" alt:"MIMEType" required:"true" pattern:"^[a-z]+/[0-9a-zA-Z.+-]+$" fixed:"true"`
	// StatusCode is the status of the response. 0 is 200 in a TemplateHandler, and the status of the error in an ErrorHandler.
	StatusCode int32 `json:"statusCode" min:"0" max:"999"`
	// Header are fields that are added to the response.
	Header decode.Map `json:"header" keys:"header-name" format:"header-value"`
	// TemplateType is what the template is: Text, which is sent as it is, GoText, a template of Go's text/template, or GoHTML, one of html/template.
	TemplateType TemplateType `json:"templateType"`
	// Template is the body, or the template that makes it.
	Template string `json:"template"`
	// TemplateFile is a file that holds the template. It's read once, when the gateway starts, and takes precedence over template.
	TemplateFile string `json:"templateFile"`
	// Embed makes the template file, as it is when the gateway is built, a part of the binary. Without it, --embed decides. (AILERON Gateway doesn't know this field.)
	Embed bool `json:"embed" fixed:"true"`

	text string // of the file, if it's to be embedded
}

// TemplateType is a kind of template.
type TemplateType string

// Values lists the types in the order of their numbers.
func (TemplateType) Values() []string { return []string{"Text", "GoText", "GoHTML"} }

// check reports what's wrong with a content. The names are those that the template can use.
func (s *MIMEContentSpec) check(c *Check, names []string) {
	if s.StatusCode > 0 && s.StatusCode < 200 {
		c.Errorf(&s.StatusCode, diag.OutOfRange, "%d isn't the status of a response; it must be 200 or more, or 0 for the default", s.StatusCode)
	}
	if c.Deferred(&s.TemplateFile) {
		return
	}
	if s.TemplateFile == "" {
		if s.Embed {
			c.Warnf(&s.Embed, diag.NoEffect, "there's no templateFile to embed; what template holds is in the binary anyway")
		}
		if !c.Deferred(&s.Template) {
			s.checkTemplate(c, &s.Template, s.Template, names)
		}
		return
	}
	if c.IsSet(&s.Template) {
		c.Warnf(&s.Template, diag.NoEffect, "the template isn't used, because templateFile is set")
	}
	if c.embeds(&s.Embed) {
		var ok bool
		if s.text, ok = c.readEmbedded(&s.TemplateFile); ok {
			s.checkTemplate(c, &s.TemplateFile, s.text, names)
		}
		return
	}
	text, err := os.ReadFile(c.path(s.TemplateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Warnf(&s.TemplateFile, diag.BadFile, "there is no file %s here; the gateway needs it when it starts", s.TemplateFile)
	case err != nil:
		c.Errorf(&s.TemplateFile, diag.BadFile, "the template file can't be read: %v", err)
	default:
		s.checkTemplate(c, &s.TemplateFile, string(text), names)
	}
}

func (s *MIMEContentSpec) checkTemplate(c *Check, field *string, text string, names []string) {
	if s.TemplateType != "GoText" && s.TemplateType != "GoHTML" {
		return
	}
	t, err := parseTemplate(text, s.TemplateType)
	if err != nil {
		c.Errorf(field, diag.BadTemplate, "the template doesn't parse: %v", err)
		return
	}
	for _, name := range t.unknown(names) {
		c.Warnf(field, diag.NoEffect, "the template names .%s, which has no value here; there are %s", name, strings.Join(names, ", "))
	}
}

// path is where a file that the config names is, for the compiler.
func (c *Check) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir, name)
}

// lower returns the content.Content. Of the names that the template can use, texts
// are those that stand for text.
func (s *MIMEContentSpec) lower(l *Lower, texts, others []string) ir.Expr {
	fields := []ir.Field{
		ir.Set("MIMEType", ir.String(strings.ToLower(s.MIMEType))),
		ir.Set("Status", l.Int(&s.StatusCode)),
		ir.Set("Header", l.Fields(s.Header)),
	}
	return l.Struct("content.Content", append(fields, s.body(l, texts, others))...)
}

// body is the field of content.Content that makes the body.
func (s *MIMEContentSpec) body(l *Lower, texts, others []string) ir.Field {
	var engine string
	switch s.TemplateType {
	case "GoText":
		engine = "content/gotext"
	case "GoHTML":
		engine = "content/gohtml"
	}
	switch hasFile := s.TemplateFile != "" || l.Deferred(&s.TemplateFile); {
	case hasFile && l.embeds(&s.Embed): // templateFile from the environment would have to be frozen
		l.String(&s.Template) // not used
		return s.literal(l, engine, s.text, texts, others, func(text string) ir.Expr {
			note := ""
			if text != s.text {
				note = ", with its actions as a content.Pattern has them"
			}
			return l.embedText(s.subtype()+" body", s.TemplateFile, note, text)
		})
	case hasFile:
		l.String(&s.Template)
		if engine == "" {
			return ir.Set("Text", s.part(l, l.Call("content.ReadFile", l.String(&s.TemplateFile))))
		}
		return ir.Set("Template", s.part(l, l.Call(engine+".ParseFile", l.String(&s.TemplateFile))))
	}
	switch {
	case engine == "":
		return ir.Set("Text", l.String(&s.Template))
	case l.Deferred(&s.Template):
		return ir.Set("Template", s.part(l, l.Call(engine+".Parse", l.String(&s.Template))))
	}
	return s.literal(l, engine, s.Template, texts, others, ir.String)
}

// literal is the field for a text that is known, which lit makes an expression of.
func (s *MIMEContentSpec) literal(l *Lower, engine, text string, texts, others []string, lit func(string) ir.Expr) ir.Field {
	if engine == "" {
		return ir.Set("Text", lit(text))
	}
	t, err := parseTemplate(text, s.TemplateType)
	if err != nil {
		return ir.Field{} // reported by check
	}
	switch pattern, kind := t.fold(texts, others); kind {
	case foldedText:
		return ir.Set("Text", lit(pattern))
	case foldedPattern:
		if s.TemplateType == "GoHTML" {
			return ir.Set("Template", l.Call("content.NewHTMLPattern", lit(pattern)))
		}
		return ir.Set("Template", l.Call("content.NewPattern", lit(pattern)))
	}
	return ir.Set("Template", l.Call(engine+".MustParse", lit(text)))
}

func (s *MIMEContentSpec) subtype() string {
	_, subtype, _ := strings.Cut(s.MIMEType, "/")
	return subtype
}

// part makes a component of e, which may fail at start.
func (s *MIMEContentSpec) part(l *Lower, e ir.Expr) ir.Expr {
	return l.Link.Part(l, s.subtype()+" body", true, e)
}
