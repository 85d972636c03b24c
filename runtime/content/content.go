// Package content holds what error responses and the template handler have in
// common: bodies in several media types, of which the client chooses one by its
// Accept field.
//
// A body is fixed text, a [Pattern] of text and named values, or a Go template. The
// latter live in packages of their own, gotext and gohtml, so that a gateway without
// them doesn't link the template engines.
package content

import (
	"fmt"
	"os"
	"slices"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

// A Content is a body in one media type, with the status and the fields that go
// with it.
type Content struct {
	// MIMEType is the media type, without parameters: "application/json". The
	// charset of all contents is UTF-8. Empty is text/plain.
	MIMEType string
	// Status is the status to answer with. 0 leaves it to the user of the content:
	// 200 for a template handler, the status of the error for an error handler.
	Status int
	// Header is added to the response.
	Header gateway.Header
	// Text is the body, sent as it is. It's not used if there is a Template.
	Text string
	// Template makes the body out of the values of the exchange.
	Template Template
}

// A Template makes a body out of named values.
type Template interface {
	Render(v Values) ([]byte, error)
}

// Values are what a template can name.
type Values interface {
	// Text returns the value of that name as text, and whether there is one.
	Text(name string) (string, bool)
	// Map returns all values, for the template engines.
	Map() map[string]any
}

// A Set is a list of contents to choose from. Its zero value is empty.
type Set struct {
	offers   []string
	variants []Variant
}

// A Variant is a content that is ready to be sent.
type Variant struct {
	Status      int
	header      gateway.Header
	contentType string
	text        []byte
	template    Template
}

// ReadFile reads a text from a file.
func ReadFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading content: %w", err)
	}
	return string(text), nil
}

// NewSet prepares contents. Their order is that of preference.
func NewSet(contents []Content) Set {
	var s Set
	for _, c := range contents {
		if c.MIMEType == "" {
			c.MIMEType = "text/plain"
		}
		s.offers = append(s.offers, c.MIMEType)
		s.variants = append(s.variants, Variant{
			Status:      c.Status,
			header:      c.Header,
			contentType: c.MIMEType + "; charset=utf-8",
			text:        []byte(c.Text),
			template:    c.Template,
		})
	}
	return s
}

// Choose returns the content that the client prefers, or nil if it accepts none.
func (s *Set) Choose(accept gateway.Header) *Variant {
	if i := negotiate.Best(accept, s.offers); i >= 0 {
		return &s.variants[i]
	}
	return nil
}

// First returns the first content, or nil.
func (s *Set) First() *Variant {
	if len(s.variants) == 0 {
		return nil
	}
	return &s.variants[0]
}

// Send makes v the response of x. If its template fails the body is empty, the
// status is the same, and log, if it isn't nil, is told why.
func (v *Variant) Send(x *gateway.Exchange, status int, values Values, log gateway.Logger) {
	body := v.text
	if v.template != nil {
		var err error
		if body, err = v.template.Render(values); err != nil {
			body = nil
			logFailure(x, log, err)
		}
	}
	x.Response.Header = append(x.Response.Header, v.header...)
	Send(x, status, v.contentType, body)
}

func logFailure(x *gateway.Exchange, log gateway.Logger, err error) {
	if log == nil || !log.Enabled(gateway.LevelError) {
		return
	}
	log.Log(x, gateway.LevelError, "template failed", gateway.Object("error",
		gateway.String("code", "E0000"), gateway.String("kind", "Undefined"),
		gateway.String("msg", "E0000.Undefined  ["+err.Error()+"]"), gateway.String("stack", "")))
}

// Send makes a negotiated body the response of x, in place of the one it may have.
// The bytes are shared: whoever wants others replaces the slice.
func Send(x *gateway.Exchange, status int, contentType string, body []byte) {
	r := &x.Response
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Content-Type-Options", "nosniff")
	if !r.Header.HasToken("Vary", "Accept") {
		r.Header.Add("Vary", "Accept")
	}
	r.Status, r.Body, r.Trailer = status, nil, nil
	r.Bytes, r.ContentLength = slices.Clip(body), int64(len(body))
	switch {
	case status == 204 || status == 304: // they have no content (RFC 9110, section 6.4.1)
		r.Header.Del("Content-Type")
		r.Bytes, r.ContentLength = nil, -1
	case x.Request.Method == "HEAD":
		r.Bytes = nil
	}
}
