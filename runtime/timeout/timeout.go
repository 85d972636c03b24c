// Package timeout puts a deadline on exchanges.
package timeout

import (
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Matcher chooses paths. The matchers of package match are some.
type Matcher interface{ Match(path string) bool }

// Options are the settings of the middleware.
type Options struct {
	// Default is the timeout of requests that no rule is for; 0 is none.
	Default time.Duration
	// Rules are tried in order. The first that is for a request decides.
	Rules []Rule
}

// A Rule is a timeout for some requests.
type Rule struct {
	// Match chooses by the decoded path. A nil Match chooses nothing.
	Match Matcher
	// Methods are the methods that the rule is for; empty is all.
	Methods []string
	// Timeout is how long an exchange may take; 0 is for ever, whatever Default says.
	Timeout time.Duration
}

// New returns the middleware. The deadline is one of the exchange's context and holds to
// the end of the body. A handler that gives up because of it is answered with 504.
//
// A handler that does not look at its context is not interrupted, and its answer comes
// late: it may still be using the exchange, so that nobody else can answer in its place.
// The proxy and its transports look at the context wherever they wait, and reads of the
// request's body end at the deadline, if its engine can do so.
func New(o Options) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler { return &handler{o, next} }
}

type handler struct {
	Options
	next gateway.Handler
}

// Serve runs the next handler with a deadline.
func (h *handler) Serve(x *gateway.Exchange) error {
	d := h.timeoutOf(&x.Request)
	if d <= 0 {
		return h.next.Serve(x)
	}
	deadline := time.Now().Add(d)
	x.SetDeadline(deadline)
	if b, ok := x.Request.Body.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = b.SetReadDeadline(deadline) // or who waits for the client would not be interrupted
	}
	err := h.next.Serve(x)
	if isAnswered(x, err) {
		return err
	}
	if at, _ := x.Deadline(); time.Now().Before(at) { // it's another timeout
		return err
	}
	return &gateway.Error{
		Status: 504, Code: "E3202", Kind: "AppMiddleAPITimeout",
		Message: "not answered within " + d.String(), Cause: err,
	}
}

func (h *handler) timeoutOf(q *gateway.Request) time.Duration {
	for i := range h.Rules {
		r := &h.Rules[i]
		if r.Match != nil && (len(r.Methods) == 0 || slices.Contains(r.Methods, q.Method)) && r.Match.Match(q.Path) {
			return r.Timeout
		}
	}
	return h.Default
}

// isAnswered tells if the handler has come to an answer or refusal of its own, deadline
// or not.
func isAnswered(x *gateway.Exchange, err error) bool {
	if err == nil {
		return x.Response.Status != 0
	}
	e, ok := gateway.AsError(err)
	return ok && (e.Status == 504 || !gateway.IsTimeout(err))
}
