package kinds

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/decode"
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var errorHandler = Kind{
	APIVersion: "core/v1",
	Name:       "ErrorHandler",
	Roles:      []Role{ErrorHandler},
	New:        func() Spec { return &ErrorHandlerSpec{} },
}

// ErrorHandlerSpec is the spec of an ErrorHandler, which turns errors into responses
// and logs them. By default a client gets the status and its text, as JSON, XML, YAML or plain
// text, whichever its Accept header prefers (weights count; AILERON Gateway looks at the
// first item only), JSON if it accepts none.
//
// Each error is logged once, as "serve http error. status=N" with its code, kind, message
// and stack: at level Error from status 500 on, otherwise at Debug.
// A client of gRPC (content type application/grpc, but not gRPC-Web) gets a status of gRPC instead, whatever the messages say.
// An error of the server stays at level Error even if a message shows another status to the client.
type ErrorHandlerSpec struct {
	// StackAlways logs a stack with client errors, too.
	StackAlways bool `json:"stackAlways"`
	// ErrorMessages are responses to certain errors in place of the default one. The first that matches is used.
	ErrorMessages []ErrorMessageSpec `json:"errorMessages"`
}

// ErrorMessageSpec is a response to certain errors. It matches if one of paths does,
// and one of codes, kinds and messages. What's empty is no condition: paths alone match all
// errors there, and without any condition all errors match (AILERON Gateway never matches then).
type ErrorMessageSpec struct {
	// Paths are regular expressions (RE2) that the path of the request must match anywhere.
	Paths []string `json:"paths" unique:"true" format:"regexp" fixed:"true"`
	// Codes are shell patterns of the code of the error, such as E2131 or E21*. "*" matches errors without a code, too.
	Codes []string `json:"codes" unique:"true" minlen:"1" format:"glob" fixed:"true"`
	// Kinds are shell patterns of the kind of the error, such as CoreServerNotFound.
	Kinds []string `json:"kinds" unique:"true" minlen:"1" format:"glob" fixed:"true"`
	// Messages are regular expressions (RE2) that the text of the error must match anywhere. The text is "CODE.KIND message [cause]".
	Messages []string `json:"messages" unique:"true" minlen:"1" format:"regexp" fixed:"true"`
	// HeaderTemplate are fields that are added to the response. In their values {{status}}, {{statusText}}, {{code}} and {{kind}} stand for those of the error.
	HeaderTemplate decode.Map `json:"headerTemplate" keys:"header-name" format:"header-value"`
	// MIMEContents are the bodies to choose from. A client that accepts none of them gets the first. Their templates know status, statusText, code and kind.
	// Without them the default body is sent, with the fields of headerTemplate (AILERON Gateway ignores the message then).
	MIMEContents []MIMEContentSpec `json:"mimeContents" alt:"MIMEContents"`
}

// errorValues are what templates of errors can name.
var errorValues = []string{"status", "statusText", "code", "kind"}

var templateTag = regexp.MustCompile(`{{(.*?)}}`)

// Check reports messages that do nothing, and what's wrong with their contents.
func (s *ErrorHandlerSpec) Check(c *Check) {
	all := -1 // the message that takes all errors
	for i := range s.ErrorMessages {
		m := &s.ErrorMessages[i]
		switch {
		case m.isEmpty():
			c.Warnf(m, diag.NoEffect, "a message without mimeContents and headerTemplate changes nothing, so it is left out")
		case all >= 0:
			c.Warnf(m, diag.NoEffect, "errors never get to this message, because message %d of the list matches them all", all+1)
		case m.matchesAll():
			all = i
		}
		for k := range m.HeaderTemplate {
			checkTags(c, &m.HeaderTemplate[k].Value)
		}
		for k := range m.MIMEContents {
			m.MIMEContents[k].check(c, errorValues)
		}
	}
}

func (m *ErrorMessageSpec) isEmpty() bool {
	return len(m.MIMEContents) == 0 && len(m.HeaderTemplate) == 0
}

func (m *ErrorMessageSpec) matchesAll() bool {
	return len(m.Paths) == 0 &&
		(len(m.Codes)+len(m.Kinds)+len(m.Messages) == 0 || slices.Contains(m.Codes, "*") || slices.Contains(m.Kinds, "*"))
}

func checkTags(c *Check, value *string) {
	for _, tag := range templateTag.FindAllStringSubmatch(*value, -1) {
		if name := strings.TrimSpace(tag[1]); !slices.Contains(errorValues, name) {
			c.Warnf(value, diag.NoEffect, "%q has no value here; there are %s", tag[0], strings.Join(errorValues, ", "))
		}
	}
}

// Lower returns the error handler.
func (s *ErrorHandlerSpec) Lower(l *Lower) ir.Expr {
	var messages []ir.Expr
	for i := range s.ErrorMessages {
		if m := &s.ErrorMessages[i]; !m.isEmpty() {
			messages = append(messages, m.lower(l))
		}
	}
	return l.Call("errorhandler.New", l.Struct("errorhandler.Options",
		ir.Set("Logger", l.Logger()),
		ir.Set("StackAlways", l.Bool(&s.StackAlways)),
		ir.Set("Messages", l.List("errorhandler.Message", messages...)),
	))
}

func (m *ErrorMessageSpec) lower(l *Lower) ir.Expr {
	return l.Struct("errorhandler.Message",
		ir.Set("Paths", lowerSearches(l, m.Paths)),
		ir.Set("Codes", ir.Strings(m.Codes)),
		ir.Set("Kinds", ir.Strings(m.Kinds)),
		ir.Set("Messages", lowerSearches(l, m.Messages)),
		ir.Set("HeaderTemplate", l.Fields(m.HeaderTemplate)),
		ir.Set("Contents", lowerContents(l, m.MIMEContents, errorValues, nil)),
	)
}

// lowerContents returns a []content.Content.
func lowerContents(l *Lower, contents []MIMEContentSpec, texts, others []string) ir.Expr {
	var items []ir.Expr
	for i := range contents {
		items = append(items, contents[i].lower(l, texts, others))
	}
	return l.List("content.Content", items...)
}
