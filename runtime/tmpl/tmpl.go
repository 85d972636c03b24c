// Package tmpl is the template handler: it answers every request with one of a few
// contents, of which the client chooses by its Accept field.
//
// A client that accepts none of them gets a 406. A template can name the values
// proto, host, method, path and remote, which are text, and header and query,
// which hold the values by name:
//
//	{{ .method }} {{ .path }} {{ .header.Get "User-Agent" }} {{ index .query "id" }}
//
// The request's body isn't read.
package tmpl

import (
	"net/url"

	"github.com/aileron-gateway/aileronc/runtime/content"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the options of a Handler.
type Options struct {
	// Contents are what clients may choose from, in the order of preference. A Status of
	// 0 is 200. Without contents every request is refused.
	Contents []content.Content
	// Logger is told of templates that fail; the client then gets no body. Nil: none.
	Logger gateway.Logger
}

// A Handler is a gateway.Handler.
type Handler struct {
	contents content.Set
	log      gateway.Logger
}

// New returns a Handler.
func New(o Options) *Handler { return &Handler{contents: content.NewSet(o.Contents), log: o.Logger} }

// errNotAcceptable has no code: it's no fault of the gateway.
var errNotAcceptable = &gateway.Error{Status: 406, Message: "none of the contents is acceptable to the client"}

// Serve answers with the content that the client prefers.
func (h *Handler) Serve(x *gateway.Exchange) error {
	v := h.contents.Choose(x.Request.Header)
	if v == nil {
		return errNotAcceptable
	}
	status := v.Status
	if status == 0 {
		status = 200
	}
	v.Send(x, status, (*values)(&x.Request), h.log)
	return nil
}

// values are what templates can name.
type values gateway.Request

// Text returns a value that is text.
func (v *values) Text(name string) (string, bool) {
	switch name {
	case "proto":
		return v.Proto, true
	case "host":
		return v.Host, true
	case "method":
		return v.Method, true
	case "path":
		return v.Path, true
	case "remote":
		return v.RemoteAddr, true
	}
	return "", false
}

// Map returns all values.
func (v *values) Map() map[string]any {
	header := make(Fields, len(v.Header))
	for _, f := range v.Header {
		name := gateway.CanonicalName(f.Name)
		header[name] = append(header[name], f.Value)
	}
	query, _ := url.ParseQuery(v.RawQuery) // what is malformed is left out
	return map[string]any{
		"proto": v.Proto, "host": v.Host, "method": v.Method, "path": v.Path, "remote": v.RemoteAddr,
		"header": header, "query": query,
	}
}

// Fields are the values of the request's header fields, by their names in canonical
// spelling.
type Fields map[string][]string

// Get returns the first value of a field, or "". Case doesn't matter.
func (f Fields) Get(name string) string {
	if v := f[gateway.CanonicalName(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns all values of a field. Case doesn't matter.
func (f Fields) Values(name string) []string { return f[gateway.CanonicalName(name)] }
