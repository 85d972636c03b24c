package errorhandler

import (
	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/match"
)

// A message is a Message that is ready for use.
type message struct {
	paths    []match.Matcher
	codes    match.Matcher
	kinds    match.Matcher
	texts    []match.Matcher
	any      bool // no codes, kinds, texts
	header   []headerPattern
	contents content.Set
}

type headerPattern struct {
	name  string
	value *content.Pattern
}

func newMessage(m Message) message {
	made := message{
		paths:    m.Paths,
		codes:    match.Path(m.Codes...),
		kinds:    match.Path(m.Kinds...),
		texts:    m.Messages,
		any:      len(m.Codes)+len(m.Kinds)+len(m.Messages) == 0,
		contents: content.NewSet(m.Contents),
	}
	for _, f := range m.HeaderTemplate {
		made.header = append(made.header, headerPattern{f.Name, content.NewPattern(f.Value)})
	}
	return made
}

// find returns the first message for a failure, or nil.
func (h *Handler) find(x *gateway.Exchange, f failure) *message {
	for i := range h.messages {
		m := &h.messages[i]
		if (len(m.paths) == 0 || one(m.paths, x.Request.Path)) && m.matches(f) {
			return m
		}
	}
	return nil
}

func (m *message) matches(f failure) bool {
	return m.any || m.codes.Match(f.code) || m.kinds.Match(f.kind) || len(m.texts) > 0 && one(m.texts, f.text())
}

func one(matchers []match.Matcher, s string) bool {
	for _, m := range matchers {
		if m.Match(s) {
			return true
		}
	}
	return false
}
