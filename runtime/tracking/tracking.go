// Package tracking gives requests an id, and hands it and the id of the trace to
// upstreams and log lines.
package tracking

import (
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// RequestID is the id of the request, for whatever comes after the middleware.
var RequestID ID

// An ID is kept in exchanges.
type ID struct{ slot gateway.Slot[*state] }

// Get returns the id of x, if the middleware has given it one.
func (id *ID) Get(x *gateway.Exchange) (string, bool) {
	s, ok := id.slot.Get(x)
	if !ok {
		return "", false
	}
	return s.request, true
}

// A state is what an exchange keeps, in one piece.
type state struct {
	request string
	attrs   [2]gateway.Attr
}

// Options are the settings of the middleware.
type Options struct {
	// RequestHeader and TraceHeader are the fields in which upstreams get the ids. They
	// replace what the client sent. Empty sends none.
	RequestHeader, TraceHeader string
	// ExtractHeader is the field of the request that holds the trace id. Without it, or if
	// its value is not one (up to 256 characters of those that ids and the headers of the
	// usual propagation formats are made of), the trace id is the request id.
	ExtractHeader string
}

// New returns the middleware. A request that has an id already keeps it.
func New(o Options) gateway.Middleware {
	ids := newSource()
	return func(next gateway.Handler) gateway.Handler { return &handler{o, ids, next} }
}

type handler struct {
	Options
	ids  *source
	next gateway.Handler
}

// Serve gives x its ids.
func (h *handler) Serve(x *gateway.Exchange) error {
	s := new(state)
	if before, ok := RequestID.slot.Get(x); ok {
		s.request = before.request
	} else {
		s.request = h.ids.next()
		RequestID.slot.Put(x, s)
	}
	request, trace := s.request, s.request
	if h.ExtractHeader != "" {
		if value := x.Request.Header.Get(h.ExtractHeader); isID(value) {
			trace = value
		}
	}
	if h.RequestHeader != "" {
		x.Upstream.Set(h.RequestHeader, request)
	}
	if h.TraceHeader != "" {
		x.Upstream.Set(h.TraceHeader, trace)
	}
	s.attrs = [2]gateway.Attr{gateway.String("request", request), gateway.String("trace", trace)}
	x.Attach(gateway.Object("ids", s.attrs[:]...))
	return h.next.Serve(x)
}

// isID tells if a client's value may go to logs and upstreams.
func isID(value string) bool {
	if value == "" || len(value) > 256 {
		return false
	}
	for i := range len(value) {
		if !idChars[value[i]] {
			return false
		}
	}
	return true
}

// idChars are the characters of tokens (RFC 9110, section 5.6.2) and those that W3C Trace
// Context, B3, Jaeger, X-Amzn-Trace-Id and Base64 use beside them.
var idChars = func() (t [256]bool) {
	for c := range 128 {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	for _, c := range "!#$%&'*+-.^_`|~:/=@;" {
		t[c] = true
	}
	return
}()
