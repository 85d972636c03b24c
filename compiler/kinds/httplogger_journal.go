package kinds

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/internal/jsonpath"
)

// LogBodySpec is how bodies of one media type are edited before they are logged.
type LogBodySpec struct {
	// MIME is the media type.
	MIME string `json:"mime" required:"true"`
	// Replacers edit the body, in order. Characters are bytes here.
	Replacers []ReplacerSpec `json:"replacers"`
	// JSONFields are the paths of what to edit in a JSON body, instead of all of it: names of members and indices of elements, separated by dots, such as user.password or cards.0.number. # is
	// each element, * each member or element; * and ? in a name stand for any characters, and a backslash takes the meaning from what follows. All that fit are edited, each by all replacers (in AILERON Gateway the first, and
	// the last replacer counts). A replacer gets JSON, a string with its quotes, and what comes out of the last one stands in the log: to be JSON, a fixed text needs quotes.
	JSONFields []string `json:"jsonFields" alt:"JSONFields"`
}

// textTypes are the media types of bodies that people can read.
func textTypes() []string {
	return []string{
		"application/json", "application/x-www-form-urlencoded", "application/xml", "application/soap+xml",
		"application/graphql+json", "text/plain", "text/html", "text/xml",
	}
}

// journalFields are the fields that only the journal needs.
func (s *LoggingSpec) journalFields() []namedField {
	return []namedField{
		{"bodies", &s.Bodies}, {"bodyOutputPath", &s.BodyOutputPath}, {"base64", &s.Base64},
		{"maxContentLength", &s.MaxContentLength}, {"mimes", &s.MIMEs},
	}
}

// checkBodies reports what does nothing, and secrets that get into files.
func (s *LoggingSpec) checkBodies(c *Check, journal bool) {
	for i := range s.Bodies {
		s.Bodies[i].check(c)
	}
	if !journal {
		for _, f := range s.journalFields() {
			if c.asks(f.p) {
				c.Warnf(f.p, diag.NoEffect, "%s does nothing without journal", f.name)
			}
		}
		return
	}
	files := s.BodyOutputPath != "" || c.Deferred(&s.BodyOutputPath)
	switch {
	case len(s.MIMEs) == 0:
		c.Warnf(&s.MIMEs, diag.NoEffect, "without mimes no body is logged")
	case s.MaxContentLength <= 0 && !files:
		c.Warnf(&s.MaxContentLength, diag.NoEffect, "with a maxContentLength of %d no body is logged", s.MaxContentLength)
	}
	for i := range s.MIMEs {
		if m := &s.MIMEs[i]; strings.Count(*m, "/") != 1 || strings.ContainsAny(*m, "*; ") {
			c.Warnf(m, diag.NoEffect, "no body has the media type %q; there are no wildcards, nor parameters", *m)
		}
	}
	masked := false
	for i := range s.Bodies {
		b := &s.Bodies[i]
		if !c.Deferred(&b.MIME) && !slices.ContainsFunc(s.MIMEs, func(m string) bool { return strings.EqualFold(m, b.MIME) }) && !s.hasDeferredTypes(c) {
			c.Warnf(&b.MIME, diag.NoEffect, "bodies of type %s aren't logged, because mimes doesn't have it", b.MIME)
			continue
		}
		masked = masked || len(b.Replacers) > 0
	}
	if masked && files {
		c.Warnf(&s.BodyOutputPath, diag.Insecure, "the files get bodies as they are: replacers are not for them")
	}
}

func (s *LoggingSpec) hasDeferredTypes(c *Check) bool {
	for i := range s.MIMEs {
		if c.Deferred(&s.MIMEs[i]) {
			return true
		}
	}
	return false
}

func (s *LogBodySpec) check(c *Check) {
	checkReplacers(c, s.Replacers)
	if len(s.Replacers) == 0 {
		c.Warnf(s, diag.NoEffect, "without replacers bodies of this type are logged as they are")
	}
	for i := range s.JSONFields {
		p := &s.JSONFields[i]
		if c.Deferred(p) {
			continue
		}
		if _, err := jsonpath.Parse(*p); err != nil {
			c.Errorf(p, diag.BadValue, "jsonFields: %v", err)
		}
	}
	if len(s.JSONFields) == 0 || len(s.Replacers) == 0 {
		return
	}
	if last := s.Replacers[len(s.Replacers)-1].Fixed; last != nil && !json.Valid([]byte(last.Value)) {
		c.Warnf(&last.Value, diag.BadValue, "%q takes the place of a value in JSON, which it isn't; a text needs quotes in the quotes: '\"***\"'", last.Value)
	}
}

// errors is the error handler for bodies that can't be logged, nil for the server's.
func (s *HTTPLoggerSpec) errors(l *Lower) ir.Expr {
	switch {
	case !s.ErrorHandler.IsZero():
		return l.Use(&s.ErrorHandler, ErrorHandler)
	case l.Meta.ErrorHandler != "":
		return l.Link.Errors(l)
	}
	return nil
}

// lowerBodies returns the journal.Bodies, nil for none.
func (s *LoggingSpec) lowerBodies(l *Lower) ir.Expr {
	if len(s.MIMEs) == 0 {
		l.ignore(s.journalFields())
		return nil
	}
	edits := ir.List{Elem: ir.Runtime("journal.Edit")}
	for i := range s.Bodies {
		b := &s.Bodies[i]
		if len(b.Replacers) == 0 {
			l.ignore([]namedField{{"mime", &b.MIME}, {"jsonFields", &b.JSONFields}})
			continue
		}
		edits.Items = append(edits.Items, l.Struct("journal.Edit",
			ir.Set("MIME", l.String(&b.MIME)),
			ir.Set("Replacers", lowerReplacers(l, b.Replacers, (*ReplacerSpec).lowerBytes)),
			ir.Set("JSONFields", l.Strings(b.JSONFields)),
		))
	}
	types := l.Strings(s.MIMEs)
	if slices.Equal(s.MIMEs, textTypes()) {
		types = l.Call("journal.TextTypes")
	}
	return l.Struct("journal.Bodies",
		ir.Set("MIMEs", types),
		ir.Set("MaxBytes", l.Int64(&s.MaxContentLength)),
		ir.Set("Edits", edits),
		ir.Set("Base64", l.Bool(&s.Base64)),
		ir.Set("Dir", l.String(&s.BodyOutputPath)),
	)
}
