package adapter

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// RoundTripper makes rt the handler of legs, which answers by asking the upstream.
func RoundTripper(rt http.RoundTripper) gateway.Handler {
	return gateway.HandlerFunc(func(leg *gateway.Exchange) error { return roundTrip(rt, leg, nil) })
}

// Tripperware makes a wrapper of round trippers a gateway.Middleware for legs. It must
// call the round tripper it is given with a request that descends from its own
// (r.WithContext, r.Clone). It may do so several times, one after the other: each time
// makes a leg of its own.
//
// A leg has one name for the upstream to connect to and the Host field, so that of the
// two in an http.Request only URL.Host counts.
func Tripperware(t func(http.RoundTripper) http.RoundTripper) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler {
		in := &innerTripper{next: next}
		rt := t(in)
		return gateway.HandlerFunc(func(leg *gateway.Exchange) error { return roundTrip(rt, leg, in) })
	}
}

// A trip is one leg on its way through Go tripperware.
type trip struct {
	leg  *gateway.Exchange
	like gateway.Header // the header of the last response of the inner round tripper
}

// A tripContext is the context of the request that Go tripperware gets.
type tripContext struct {
	context.Context
	in   *innerTripper
	trip *trip
}

// Value finds the trip under the address of the inner round tripper.
func (ctx tripContext) Value(key any) any {
	if in, ok := key.(*innerTripper); ok && in == ctx.in {
		return ctx.trip
	}
	return ctx.Context.Value(key)
}

func roundTrip(rt http.RoundTripper, leg *gateway.Exchange, in *innerTripper) error {
	ctx := leg.Context()
	t := &trip{leg: leg}
	switch {
	case in != nil:
		ctx = tripContext{ctx, in, t}
	case leg.Interim != nil:
		i := &interims{send: leg.Interim}
		defer i.end()
		ctx = withInterim(ctx, i.pass)
	}
	r := NewOutgoingRequest(ctx, leg)
	if b, ok := r.Body.(*requestBody); ok {
		// A transport may read on after it has returned the response.
		leg.OnDone(func(*gateway.Exchange) { b.end() })
	}
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return err
	}
	leg.Response = response(resp, t.like)
	return nil
}

// withInterim passes on the informational responses of the upstream.
func withInterim(ctx context.Context, interim func(int, gateway.Header) error) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			return interim(status, Fields(http.Header(h), nil))
		},
	})
}

// interims passes informational responses on until the round tripper has returned. One that
// comes later, from a goroutine of a transport that has given up, must not reach the exchange:
// it may be another one by then.
type interims struct {
	mu   sync.Mutex
	send func(int, gateway.Header) error // nil after the end
}

func (i *interims) pass(status int, h gateway.Header) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.send == nil {
		return errEnded
	}
	return i.send(status, h)
}

func (i *interims) end() {
	i.mu.Lock()
	i.send = nil
	i.mu.Unlock()
}

// An innerTripper is the round tripper that Go tripperware calls as its next one.
type innerTripper struct{ next gateway.Handler }

// RoundTrip runs the next handler on a leg of its own.
func (in *innerTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	t, ok := r.Context().Value(in).(*trip)
	if !ok {
		return nil, errForeignRequest
	}
	parent := t.leg
	if parent.Parent != nil {
		parent = parent.Parent
	}
	leg := new(gateway.Exchange)
	parent.Leg(leg)
	leg.SetContext(r.Context())
	leg.Errors, leg.Interim, leg.Upstream = t.leg.Errors, t.leg.Interim, t.leg.Upstream
	leg.Request = t.leg.Request
	setOutgoingRequest(&leg.Request, r)
	if _, own := r.Body.(*requestBody); !own && r.Body != nil {
		leg.OnDone(func(*gateway.Exchange) { _ = r.Body.Close() })
	}
	if err := in.next.Serve(leg); err != nil {
		return nil, err
	}
	t.like = leg.Response.Header
	return httpResponse(&leg.Response, r), nil
}
