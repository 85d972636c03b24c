// Package headerpolicy keeps, removes, adds and rewrites header fields of requests and
// responses, and refuses requests by media type and declared length.
package headerpolicy

import (
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of the middleware.
type Options struct {
	// AllowMIMEs are the media types that requests may have, without parameters. If there
	// are any, other requests are refused with 415, also those without a Content-Type.
	AllowMIMEs []string
	// MaxContentLength is the longest declared body in bytes; 0 is no limit. Longer ones are
	// refused with 413, requests with a body that declare no length with 411.
	MaxContentLength int64
	// Request is applied before the next handler runs, Response to what it answers, also
	// if it refuses.
	Request, Response Policy
}

// A Policy changes the fields of a message, in the order of its own fields.
type Policy struct {
	// Allow are the names of the fields that stay; empty is all.
	Allow []string
	// Remove are the names of the fields that go. Date in a response stays away then; the
	// other fields that the server adds, Content-Length and Transfer-Encoding, are not
	// subject to a policy.
	Remove []string
	// Add are fields to add to those of the same name.
	Add gateway.Header
	// Set are fields to put in the place of those of the same name. In a request, Host can be
	// set as well.
	Set gateway.Header
	// Rewrite changes the values of fields. Rewrites of the same field see what the ones
	// before made of it. In a request, Host can be rewritten as well.
	Rewrite []Rewrite
}

// A Rewrite changes the value of each field of a name.
type Rewrite struct {
	Name    string
	Replace func(value string) string
}

// New returns the middleware.
func New(o Options) gateway.Middleware {
	h := handler{
		Options:    o,
		host:       hostPolicy(&o.Request),
		noDate:     has(o.Response.Remove, "Date"),
		onRequest:  !o.Request.isEmpty(),
		onResponse: !o.Response.isEmpty(),
	}
	// Host is no field of the list.
	h.Request.Add = withoutHost(o.Request.Add)
	h.Request.Set = withoutHost(o.Request.Set)
	return func(next gateway.Handler) gateway.Handler {
		c := h
		c.next = next
		return &c
	}
}

type handler struct {
	Options
	host                          Policy // what is done to the Host
	noDate, onRequest, onResponse bool
	next                          gateway.Handler
}

// hostPolicy is the part of p that is about the Host. A message has exactly one, so that
// there is nothing to add or remove (RFC 9112, section 3.2).
func hostPolicy(p *Policy) (host Policy) {
	for _, f := range p.Set {
		if gateway.EqualName(f.Name, "Host") {
			host.Set = append(host.Set, f)
		}
	}
	for _, w := range p.Rewrite {
		if gateway.EqualName(w.Name, "Host") {
			host.Rewrite = append(host.Rewrite, w)
		}
	}
	return host
}

func withoutHost(h gateway.Header) gateway.Header {
	h = slices.Clone(h)
	h.Del("Host")
	return h
}

// Serve applies the policies to x.
func (h *handler) Serve(x *gateway.Exchange) error {
	q, r := &x.Request, &x.Response
	if len(h.AllowMIMEs) > 0 && !has(h.AllowMIMEs, mediaType(q.Header.Get("Content-Type"))) {
		return refusal(415, "media type of the request is not allowed")
	}
	if h.MaxContentLength > 0 && q.Body != nil {
		switch {
		case q.ContentLength < 0:
			return refusal(411, "request body has no declared length")
		case q.ContentLength > h.MaxContentLength:
			return refusal(413, "request body is too long")
		}
	}
	if h.onRequest {
		h.Request.apply(&q.Header)
		h.setHost(&q.Host)
	}
	err := h.next.Serve(x)
	if !h.onResponse {
		return err
	}
	if err != nil {
		x.Fail(err)
	}
	h.Response.apply(&r.Header)
	r.NoDate = r.NoDate || h.noDate
	return nil
}

func (p *Policy) isEmpty() bool {
	return len(p.Allow)+len(p.Remove)+len(p.Add)+len(p.Set)+len(p.Rewrite) == 0
}

func (p *Policy) apply(h *gateway.Header) {
	if len(p.Allow) > 0 {
		h.DelFunc(func(f gateway.Field) bool { return !has(p.Allow, f.Name) })
	}
	for _, name := range p.Remove {
		h.Del(name)
	}
	*h = append(*h, p.Add...)
	for _, f := range p.Set {
		h.Set(f.Name, f.Value)
	}
	for _, w := range p.Rewrite {
		for i, f := range *h {
			if gateway.EqualName(f.Name, w.Name) {
				(*h)[i].Value = w.Replace(f.Value)
			}
		}
	}
}

// setHost is apply for the Host.
func (h *handler) setHost(host *string) {
	for _, f := range h.host.Set {
		*host = f.Value
	}
	for _, w := range h.host.Rewrite {
		*host = w.Replace(*host)
	}
}

// mediaType is the value of a Content-Type without its parameters (RFC 9110, section 8.3.1).
func mediaType(value string) string {
	value, _, _ = strings.Cut(value, ";")
	return strings.Trim(value, " \t")
}

// has ignores case: names and media types do.
func has(list []string, value string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return gateway.EqualName(s, value) })
}

func refusal(status int, why string) error {
	return &gateway.Error{Status: status, Code: "E3211", Kind: "AppMiddleHeaderPolicy", Message: why}
}
