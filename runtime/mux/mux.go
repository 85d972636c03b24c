// Package mux is what the emitted routers of servers have in common: cleaning
// the path and redirecting to it, wildcards, and the answers for requests without
// a handler. The patterns themselves are code, in the method Route of each router.
//
// It behaves as net/http's ServeMux does, with these differences: host names compare
// without regard to case, a wildcard matches a segment that is just an escaped
// slash, and a redirect keeps the escapes of the path as they came.
package mux

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Router picks handlers by path.
type Router interface {
	// Route returns the handler of x, AddSlash, an Allow, or nil if there is none. The path is
	// clean, and percent-encoded only where a segment has a slash (%2F) or a
	// percent sign (%25) in it, so that it can be compared as it is.
	Route(x *gateway.Exchange, path string) gateway.Handler
}

// Serve lets the handler that r picks serve x. A path that isn't clean is redirected to
// its clean form; but that of a CONNECT request stays as it is.
func Serve(x *gateway.Exchange, r Router) error {
	x.Request.Params = x.Request.Params[:0]
	path := x.Request.RawPath
	if !plain(path) {
		return serveOdd(x, r)
	}
	h := r.Route(x, path)
	if h == nil {
		return NotFound(x)
	}
	return h.Serve(x)
}

// serveOdd is Serve for paths that have escapes or may not be clean.
func serveOdd(x *gateway.Exchange, r Router) error {
	raw := x.Request.RawPath
	clean := raw
	switch {
	case raw == "*":
		// Only OPTIONS may ask for it, of the server and not of a handler (RFC 9110,
		// section 9.3.7). A server that answers it doesn't let it through to here.
		return refuse(400, "no path to route in the request target *", nil)
	case x.Request.Method != "CONNECT":
		clean = Clean(raw)
	case raw == "" || raw[0] != '/':
		return NotFound(x)
	}
	h := r.Route(x, canonical(clean))
	if _, ok := h.(AddSlash); ok {
		return h.Serve(x)
	}
	if clean != raw {
		redirect(x, clean)
		return nil
	}
	if h == nil {
		return NotFound(x)
	}
	return h.Serve(x)
}

// NotFound returns the error for a path that no route matches.
func NotFound(x *gateway.Exchange) error {
	return refuse(404, "handler not found for "+x.Request.Path, nil)
}

// An Allow answers a request of another method than the route has. It lists those that
// the route has, sorted, as the Allow field does (RFC 9110, section 10.2.1).
type Allow string

// Serve returns an error of status 405 (Method Not Allowed).
func (a Allow) Serve(x *gateway.Exchange) error {
	return refuse(405, "method "+x.Request.Method+" not allowed for "+x.Request.Path,
		gateway.Header{{Name: "Allow", Value: string(a)}})
}

func refuse(status int, message string, header gateway.Header) error {
	return &gateway.Error{Status: status, Code: "E2131", Kind: "CoreServerNotFound", Message: message, Header: header}
}

// An AddSlash redirects to the path with a slash behind: from /tree to the root of the
// routes below /tree/.
type AddSlash struct{}

// Serve fills in the redirect.
func (AddSlash) Serve(x *gateway.Exchange) error {
	redirect(x, Clean(x.Request.RawPath+"/"))
	return nil
}

// redirect answers with 307 (Temporary Redirect), which keeps method and body (RFC 9110,
// section 15.4.8). The path begins with one slash, never two, so that it can't
// name another host.
func redirect(x *gateway.Exchange, path string) {
	location := escapePath(path)
	if q := x.Request.RawQuery; q != "" {
		location += "?" + escapeQuery(q)
	}
	x.Response.Status = 307
	x.Response.Header.Set("Location", location)
	if m := x.Request.Method; m == "GET" || m == "HEAD" {
		// A note with a link, for those who don't follow (RFC 9110, section 15.4). Of what
		// HTML reads, the location can hold ampersands and apostrophes: the rest is escaped.
		x.Response.Header.Set("Content-Type", "text/html; charset=utf-8")
		link := strings.ReplaceAll(strings.ReplaceAll(location, "&", "&amp;"), "'", "&#39;")
		x.Response.Bytes = []byte(`<a href="` + link + `">Temporary Redirect</a>.` + "\n\n")
	}
}

// Param sets the value of a wildcard.
func Param(x *gateway.Exchange, name, value string) {
	x.Request.Params = append(x.Request.Params, gateway.Field{Name: name, Value: unescape(value)})
}
