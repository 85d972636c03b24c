// Package throttle refuses requests that come too fast, or too many at a time, with
// 429 (Too Many Requests, RFC 6585, section 4).
//
// A rule limits all requests that it's for together, or those of each client, by keys. What is known of a key
// takes 16 bytes, in a table of a fixed size, so that a flood of keys can't fill the memory; see
// [Rule.MaxKeys] for what happens when the table is full.
package throttle

import (
	"slices"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A Matcher chooses paths. The matchers of package match are some.
type Matcher interface{ Match(path string) bool }

// Options are the settings of the middleware.
type Options struct {
	// Rules are tried in order. The first that is for a request decides; requests that none is for pass.
	Rules []Rule
}

// A Rule limits some requests.
type Rule struct {
	// Match chooses by the decoded path. A nil Match chooses nothing.
	Match Matcher
	// Methods are the methods that the rule is for; empty is all.
	Methods []string
	// Limit is how many requests pass. Nil is [MaxConnections] of none: it refuses all of them.
	Limit Limit
	// MaxRetry is how often a request tries again that the limit has refused, with a pause before each try:
	// 1 ms and, at random, up to 1, 2, 4 … ms more, 10 s at most. Those of a [LeakyBucket] don't: they have waited.
	MaxRetry int
	// Keys tell the clients apart that have a limit each. Requests with the same values
	// of all keys share one. Without keys there is one for all.
	Keys []Key
	// MaxKeys is for how many keys there is room, at 16 bytes each; 0 is 1048576. It is rounded up to a power of two.
	// When there are more, a new client begins with what the least active of some known ones has used, and takes
	// its place. So none gets more than the limit however many keys there are, and it takes as many
	// requests as the limits of all known clients allow together until new ones are refused for the others' sake. The clients
	// of a [MaxConnections] take room only while they have requests.
	MaxKeys int
	// Shared has several gateways count together; nil has each count by itself. Then the windows of a [FixedWindow] begin at the same moments for
	// all clients, and what leaves the queue of a [LeakyBucket] leaves its place empty.
	Shared *Shared
	// Headers tells clients what they have left in the fields RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10).
	Headers bool
	// Name is that of the limit in these fields; empty is "default".
	Name string
}

// New returns the middleware. A refused request has the error E3213, with Retry-After.
func New(o Options) gateway.Middleware {
	rules := make([]*rule, len(o.Rules))
	for i := range o.Rules {
		rules[i] = newRule(&o.Rules[i])
	}
	return func(next gateway.Handler) gateway.Handler { return &handler{rules, next} }
}

type handler struct {
	rules []*rule
	next  gateway.Handler
}

// A rule is a Rule at work.
type rule struct {
	match   Matcher
	methods []string
	gate    gate
	retries int
	headers *headers // nil for none
}

// A gate lets requests through or refuses them. Only gates know what they count.
type gate interface {
	// take lets x through or refuses it. It doesn't wait. again tells that x has been refused before, and has waited.
	take(x *gateway.Exchange, again bool) verdict
	// undo takes back the last verdict for x: it has gone before its turn has come.
	undo(x *gateway.Exchange, v verdict)
}

// A verdict is what a gate says.
type verdict struct {
	ok bool
	// wait is how long the request has to wait for its turn.
	wait time.Duration
	// retry is when another try may succeed, if !ok.
	retry time.Duration
	// left is how many requests more would pass now, and reset when all is as if there had been none.
	left  int64
	reset time.Duration

	state uint64 // of the gate, for undo
	gone  bool   // the client has gone, or the time of the request is over
	blind bool   // nothing has been counted
}

func newRule(o *Rule) *rule {
	r := &rule{match: o.Match, methods: o.Methods, retries: o.MaxRetry}
	limit := o.Limit
	if limit == nil {
		limit = MaxConnections{}
	}
	r.gate = limit.gate(o)
	if _, queues := limit.(LeakyBucket); queues {
		r.retries = 0
	}
	if o.Headers {
		r.headers = newHeaders(o.Name, limit)
	}
	return r
}

// Serve lets x pass, now or later, or refuses it.
func (h *handler) Serve(x *gateway.Exchange) error {
	r := h.rule(&x.Request)
	if r == nil {
		return h.next.Serve(x)
	}
	v := r.gate.take(x, false)
	if !v.ok && r.retries > 0 {
		v = r.again(x, v)
	}
	if v.ok && v.wait > 0 && !pause(x, v.wait) {
		r.gate.undo(x, v)
		v.ok, v.gone, v.retry = false, true, v.wait
	}
	if !v.ok {
		return r.refuse(x, v)
	}
	err := h.next.Serve(x)
	if r.headers != nil && !v.blind {
		r.headers.add(&x.Response.Header, v)
	}
	return err
}

// rule returns the rule that is for q, or nil.
func (h *handler) rule(q *gateway.Request) *rule {
	for _, r := range h.rules {
		if r.match != nil && (len(r.methods) == 0 || slices.Contains(r.methods, q.Method)) && r.match.Match(q.Path) {
			return r
		}
	}
	return nil
}

// refuse is the error for x.
func (r *rule) refuse(x *gateway.Exchange, v verdict) error {
	e := &gateway.Error{Status: 429, Code: "E3213", Kind: "AppMiddleThrottle", Message: "too many requests"}
	if v.gone {
		e.Message, e.Cause = "too many requests; this one was waiting when its time was over", x.Context().Err()
	}
	e.Header.Add("Retry-After", seconds(max(v.retry, time.Second)))
	if r.headers != nil && !v.blind {
		r.headers.add(&e.Header, v)
	}
	return e
}
