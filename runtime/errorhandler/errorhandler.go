// Package errorhandler turns the errors of an exchange into responses, and logs
// them.
//
// By default the client gets the status and its text, in JSON, XML, YAML or as plain
// text, whichever it prefers, and nothing that tells of the inside of the gateway.
// Messages replace that for errors of certain paths, codes or kinds.
package errorhandler

import (
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

// Options are the options of a Handler. The zero value answers by default bodies
// and logs nothing.
type Options struct {
	// Logger gets a line for each error: at level Error from status 500 on and for
	// panics, else at level Debug. Nil: none.
	Logger gateway.Logger
	// StackAlways adds a stack to the lines of level Debug, too.
	StackAlways bool
	// Messages are tried in order; the first that matches an error makes the response.
	Messages []Message
}

// A Message is a custom response to certain errors. It matches if one of its Paths
// does and one of Codes, Kinds and Messages does. What's empty is no condition: a
// Message with Paths alone matches all errors there, one without any matches all errors.
type Message struct {
	// Paths match the decoded path of the request.
	Paths []match.Matcher
	// Codes and Kinds are shell patterns (see path.Match) of the error's code, "E21*", and kind.
	// An error that has none has empty ones, which "*" matches.
	Codes, Kinds []string
	// Messages match the text of the error: "<code>.<kind> <message> [<cause>]".
	Messages []match.Matcher

	// HeaderTemplate is added to the response. In its values {{status}}, {{statusText}},
	// {{code}} and {{kind}} stand for those of the error.
	HeaderTemplate gateway.Header
	// Contents are the bodies to choose from by the client's Accept field; if it accepts
	// none it gets the first. Templates have the values status, statusText, code and kind. A
	// Status of 0 keeps the error's. Without contents the default body is sent.
	Contents []content.Content
}

// A Handler is a gateway.ErrorHandler.
type Handler struct {
	log         gateway.Logger
	stackAlways bool
	messages    []message
	bodies      [lastStatus - firstStatus + 1]bodies
}

// New returns a Handler.
func New(o Options) *Handler {
	h := &Handler{log: o.Logger, stackAlways: o.StackAlways}
	for _, m := range o.Messages {
		h.messages = append(h.messages, newMessage(m))
	}
	for i := range h.bodies {
		if status := firstStatus + i; gateway.StatusText(status) != "" {
			h.bodies[i] = makeBodies(status)
		}
	}
	return h
}

// HandleError logs err and fills in the response of x. With an error that is for the
// log alone, the response isn't touched.
func (h *Handler) HandleError(x *gateway.Exchange, err error) {
	f := failureOf(err)
	if f.status < 100 {
		h.logError(x, f, f.status)
		return
	}
	if m := h.find(x, f); m != nil {
		h.custom(x, f, m)
		return
	}
	h.logError(x, f, f.status)
	clean(x, f)
	h.sendDefault(x, f.status)
}

// custom answers by a message.
func (h *Handler) custom(x *gateway.Exchange, f failure, m *message) {
	v := m.contents.Choose(x.Request.Header)
	if v == nil {
		v = m.contents.First()
	}
	values := &errorValues{failure: f, shown: f.status}
	if v != nil && v.Status > 0 {
		values.shown = v.Status
	}
	h.logError(x, f, values.shown)
	clean(x, f)
	for i := range m.header {
		x.Response.Header.Add(m.header[i].name, m.header[i].value.String(values))
	}
	if v == nil {
		h.sendDefault(x, values.shown)
		return
	}
	v.Send(x, values.shown, values, h.log)
}

// sendDefault answers by one of the default bodies.
func (h *Handler) sendDefault(x *gateway.Exchange, status int) {
	i := max(negotiate.Best(x.Request.Header, mediaTypes[:]), 0)
	var all bodies
	if firstStatus <= status && status <= lastStatus {
		all = h.bodies[status-firstStatus]
	}
	if all[inJSON] == nil {
		all = makeBodies(status)
	}
	content.Send(x, status, contentTypes[i], all[formats[i]])
}

// clean removes from the response what a handler has left there to describe a body
// that isn't sent, then adds the fields of the error.
func clean(x *gateway.Exchange, f failure) {
	x.Response.Header.DelFunc(func(field gateway.Field) bool { return describesBody(field.Name) })
	if f.err != nil {
		x.Response.Header = append(x.Response.Header, f.err.Header...)
	}
	if c := x.Response.Conn; c != nil {
		_ = c.Close() // an upgrade that has failed half-way
		x.Response.Conn = nil
	}
}

// describesBody reports whether a field is of the representation (RFC 9110, section 8)
// or says how long it may be kept, so that it must not outlive it.
func describesBody(name string) bool {
	for _, n := range bodyFields {
		if gateway.EqualName(n, name) {
			return true
		}
	}
	return false
}

var bodyFields = [...]string{
	"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location",
	"Content-Range", "Content-Disposition", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5",
	"ETag", "Last-Modified", "Accept-Ranges", "Cache-Control", "CDN-Cache-Control", "Expires", "Age", "Pragma", "Trailer",
}

// A failure is what the handler needs to know of an error.
type failure struct {
	error  error
	err    *gateway.Error // nil for an error of another type
	status int
	code   string
	kind   string
}

func failureOf(err error) failure {
	f := failure{error: err, status: 500}
	if e, ok := gateway.AsError(err); ok {
		f.err, f.code, f.kind = e, e.Code, e.Kind
		if e.Status != 0 {
			f.status = e.Status
		}
	}
	return f
}

// text is what messages are matched with.
func (f failure) text() string {
	if f.err != nil {
		return f.err.Error()
	}
	return f.error.Error()
}

// errorValues are the values that templates of a message can name.
type errorValues struct {
	failure
	shown int // the status that the client gets
}

// Text returns a value as text.
func (v *errorValues) Text(name string) (string, bool) {
	switch name {
	case "status":
		return strconv.Itoa(v.shown), true
	case "statusText":
		return gateway.StatusText(v.shown), true
	case "code":
		return v.code, true
	case "kind":
		return v.kind, true
	}
	return "", false
}

// Map returns all values.
func (v *errorValues) Map() map[string]any {
	return map[string]any{"status": v.shown, "statusText": gateway.StatusText(v.shown), "code": v.code, "kind": v.kind}
}
