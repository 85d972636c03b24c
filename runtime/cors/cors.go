// Package cors answers preflight requests and tells browsers which origins may read
// responses (the CORS protocol of the Fetch standard).
//
// The policy is the gateway's alone: Access-Control fields of an upstream's response are
// replaced by it.
package cors

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Policy says who may do what.
type Policy struct {
	// AllowedOrigins are the origins that may read responses, as browsers write them
	// ("https://example.com", with a port if it is not the scheme's). "*" stands for any;
	// empty is "*". Without "*" also requests that name no origin are refused.
	AllowedOrigins []string
	// AllowedMethods are the methods that may be used; empty is GET, OPTIONS and POST.
	// HEAD is allowed where GET is.
	AllowedMethods []string
	// AllowedHeaders are the request headers that may be sent; nil is Content-Type and
	// X-Requested-With. Empty names count for nothing: [""] allows none.
	AllowedHeaders []string
	// ExposedHeaders are the response headers that scripts may read, beside the simple ones.
	ExposedHeaders []string
	// AllowCredentials lets browsers send cookies and the like. It holds for the origins
	// that are listed and, with EchoOrigin, for any, but never together with "*", which
	// browsers refuse.
	AllowCredentials bool
	// MaxAge is how long browsers may keep the answer to a preflight; 0 leaves it to them,
	// a negative value forbids it.
	MaxAge time.Duration
	// EchoOrigin answers with the origin of the request where it would be "*".
	EchoOrigin bool
	// AllowPrivateNetwork lets public sites ask for a private network's address.
	AllowPrivateNetwork bool

	// EmbedderPolicy, OpenerPolicy and ResourcePolicy are the values of
	// Cross-Origin-Embedder-Policy, Cross-Origin-Opener-Policy and
	// Cross-Origin-Resource-Policy in responses to accepted requests. Empty sends none.
	EmbedderPolicy, OpenerPolicy, ResourcePolicy string
}

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
	allowHeaders     = "Access-Control-Allow-Headers"
)

// New returns the middleware. It answers preflights by itself, with 200 or 403, and
// refuses requests of other origins or methods with 403.
func New(p Policy) gateway.Middleware {
	h := newHandler(p)
	return func(next gateway.Handler) gateway.Handler {
		c := *h
		c.next = next
		return &c
	}
}

type handler struct {
	next        gateway.Handler
	origins     []string // without "*"
	any         bool     // "*" is among them
	echo        bool
	credentials bool
	private     bool
	methods     []string
	actual      gateway.Header // fields of each response but to preflights
	accepted    gateway.Header // fields of responses to accepted requests, besides
	preflight   gateway.Header
	headers     string
}

func newHandler(p Policy) *handler {
	if len(p.AllowedOrigins) == 0 {
		p.AllowedOrigins = []string{"*"}
	}
	if len(p.AllowedMethods) == 0 {
		p.AllowedMethods = []string{"GET", "OPTIONS", "POST"}
	}
	if p.AllowedHeaders == nil {
		p.AllowedHeaders = []string{"Content-Type", "X-Requested-With"}
	}
	h := &handler{
		origins:     without(p.AllowedOrigins, "*"),
		any:         slices.Contains(p.AllowedOrigins, "*"),
		echo:        p.EchoOrigin,
		credentials: p.AllowCredentials,
		private:     p.AllowPrivateNetwork,
		methods:     slices.Compact(slices.Sorted(slices.Values(p.AllowedMethods))),
		headers:     strings.Join(without(p.AllowedHeaders, ""), ","),
	}
	methods := gateway.Field{Name: "Access-Control-Allow-Methods", Value: strings.Join(h.methods, ",")}
	h.actual.Add("Vary", "Origin")
	h.actual = append(h.actual, methods)
	add(&h.actual, allowHeaders, h.headers)
	h.preflight = append(h.preflight, methods)
	if exposed := strings.Join(without(p.ExposedHeaders, ""), ","); exposed != "" {
		h.actual.Add("Access-Control-Expose-Headers", exposed)
		h.preflight.Add("Access-Control-Expose-Headers", exposed)
	}
	if p.MaxAge != 0 {
		h.preflight.Add("Access-Control-Max-Age", strconv.FormatInt(int64(max(p.MaxAge, 0)/time.Second), 10))
	}
	add(&h.accepted, "Cross-Origin-Embedder-Policy", p.EmbedderPolicy)
	add(&h.accepted, "Cross-Origin-Opener-Policy", p.OpenerPolicy)
	add(&h.accepted, "Cross-Origin-Resource-Policy", p.ResourcePolicy)
	return h
}

func add(h *gateway.Header, name, value string) {
	if value != "" {
		h.Add(name, value)
	}
}

func without(list []string, value string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == value })
}

// Serve applies the policy.
func (h *handler) Serve(x *gateway.Exchange) error {
	q := &x.Request
	if q.Method == "OPTIONS" && q.Header.Has("Access-Control-Request-Method") {
		h.answer(x)
		return nil
	}
	origin := q.Header.Get("Origin")
	allowed, credentials := h.allow(origin)
	switch {
	case allowed == "" && (origin != "" || !h.any):
		h.edit(&x.Response.Header, "", false)
		return forbidden("origin is not allowed")
	case origin != "" && !h.allowsMethod(q.Method):
		h.edit(&x.Response.Header, allowed, credentials)
		return forbidden("method is not allowed for cross-origin requests")
	}
	if err := h.next.Serve(x); err != nil {
		// Without the fields a script would not see that it was refused, nor why.
		x.Fail(err)
	}
	r := &x.Response.Header
	r.DelFunc(func(f gateway.Field) bool { return isPolicy(f.Name) })
	h.edit(r, allowed, credentials)
	for _, f := range h.accepted {
		r.Set(f.Name, f.Value)
	}
	return nil
}

// allow returns the value of Access-Control-Allow-Origin for a request of origin, or ""
// if it gets none, and whether it may bring credentials.
func (h *handler) allow(origin string) (value string, credentials bool) {
	switch {
	case origin != "" && slices.Contains(h.origins, origin):
		return origin, h.credentials
	case h.any && !h.echo:
		return "*", false
	case h.any:
		return origin, h.credentials
	}
	return "", false
}

// allowsMethod tells if a request may be made. HEAD is GET without a body (RFC 9110,
// section 9.3.2).
func (h *handler) allowsMethod(method string) bool {
	return slices.Contains(h.methods, method) || method == "HEAD" && slices.Contains(h.methods, "GET")
}

// edit adds the fields of a response that is not to a preflight.
func (h *handler) edit(r *gateway.Header, origin string, credentials bool) {
	*r = append(*r, h.actual...)
	grant(r, origin, credentials)
}

func grant(r *gateway.Header, origin string, credentials bool) {
	if origin == "" {
		return
	}
	r.Add(allowOrigin, origin)
	if credentials {
		r.Add(allowCredentials, "true")
	}
}

// isPolicy tells if a field belongs to the CORS protocol.
func isPolicy(name string) bool {
	const prefix = "Access-Control-"
	return len(name) > len(prefix) && gateway.EqualName(name[:len(prefix)], prefix)
}

// answer answers a preflight. Which method and headers are asked for makes no difference:
// the browser compares them with what is allowed.
func (h *handler) answer(x *gateway.Exchange) {
	q, r := &x.Request, &x.Response
	vary := "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	r.Header = append(r.Header, h.preflight...)
	if q.Header.Has("Access-Control-Request-Headers") {
		add(&r.Header, allowHeaders, h.headers)
	}
	if q.Header.Has("Access-Control-Request-Private-Network") {
		vary += ", Access-Control-Request-Private-Network"
		if h.private {
			r.Header.Add("Access-Control-Allow-Private-Network", "true")
		}
	}
	r.Header.Add("Vary", vary)
	r.Status = 403
	if origin, credentials := h.allow(q.Header.Get("Origin")); origin != "" {
		r.Status = 200
		grant(&r.Header, origin, credentials)
	}
}

func forbidden(why string) error {
	return &gateway.Error{Status: 403, Code: "E3204", Kind: "AppMiddleCORSForbidden", Message: why}
}
