// Package adapter lets Go's HTTP ecosystem take part in exchanges: it turns an
// http.Handler, a func(http.Handler) http.Handler, an http.RoundTripper and a
// func(http.RoundTripper) http.RoundTripper into the shapes of package gateway.
//
// # How a pushing writer becomes a value
//
// An http.Handler pushes its response into a writer; a gateway.Handler returns one.
// Between them the Go handler runs as a coroutine: Serve resumes it and waits until it
// has flushed, has written more than fits a small buffer, or has returned. Then the
// response is a value. If the handler has returned, its body is the buffer; else the
// body is a reader that resumes the handler whenever more is asked for, so that a slow
// client slows the handler down.
//
// The coroutine is a goroutine and two channels rather than iter.Pull. Handlers may
// write from other goroutines than the one they were called on (the flush timer of
// httputil.ReverseProxy does, and whatever runs under http.TimeoutHandler), and there
// the yield function of iter.Pull must not be called.
//
// # What carries over
//
// Flush, Hijack (HTTP/1.1 only), full duplex, informational responses, trailers in both
// directions, sniffed content types, and panics: a panic of the handler continues on the
// goroutine that waits for it, which is that of Serve or of whoever reads the body.
// http.ErrAbortHandler arrives as it is, other values as a *gateway.Error that holds
// the stack of where it happened.
//
// What Go middleware does to the request before it calls next is seen further in: the
// context and its values, header, URL, Host, body, remote address. It ends when next
// returns; further out the request is what it was.
package adapter

import (
	"net/http"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Handler makes h a gateway.Handler.
func Handler(h http.Handler) gateway.Handler {
	return gateway.HandlerFunc(func(x *gateway.Exchange) error { return serve(x, h, nil) })
}

// Middleware makes Go middleware a gateway.Middleware. The middleware must call the
// handler it is given with a request that descends from its own (r.WithContext, r.Clone),
// or with a writer whose Unwrap method leads to its own.
func Middleware(m func(http.Handler) http.Handler) gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler {
		in := &inner{next: next}
		h := m(in)
		return gateway.HandlerFunc(func(x *gateway.Exchange) error { return serve(x, h, in) })
	}
}

// serve runs h as the handler of x until its response is a value. in is the handler
// that h wraps, if it is middleware.
func serve(x *gateway.Exchange, h http.Handler, in *inner) error {
	c := newCall(x, in)
	r := c.request()
	go c.run(h, r)
	return c.await()
}

// An inner is the handler that Go middleware calls as its next one.
type inner struct{ next gateway.Handler }

// ServeHTTP hands r to the next gateway.Handler and writes its response to w.
func (in *inner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := in.callOf(w, r)
	if c == nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if !c.enter() {
		return // the call is over: middleware has left this goroutine behind
	}
	defer c.inside.Done()
	response, ok := c.serveInner(in.next, r)
	if ok {
		c.push(w, &response)
	}
}

// callOf finds the call in which middleware calls next: by the context of r or, if the
// middleware has put another one there, by the writer that w wraps.
func (in *inner) callOf(w http.ResponseWriter, r *http.Request) *call {
	if c, ok := r.Context().Value(in).(*call); ok {
		return c
	}
	for w != nil {
		if own, ok := w.(*writer); ok {
			if own.call.in == in {
				return own.call
			}
			return nil
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
	return nil
}

// serveInner runs next with the request of r as that of the exchange, and takes the
// response out of it. It holds the lock of the writer: nothing can be sent meanwhile, so
// that the exchange is never used by two goroutines at once, even if the middleware
// called next on a goroutine of its own.
func (c *call) serveInner(next gateway.Handler, r *http.Request) (response gateway.Response, ok bool) {
	c.writer.mu.Lock()
	defer c.writer.mu.Unlock()
	if c.writer.ended || c.writer.conn != nil {
		return response, false
	}
	x := c.x
	request, outer, ctx := x.Request, x.Response, x.Context()
	defer func() {
		x.Request, x.Response = request, outer
		x.SetContext(ctx)
	}()
	// None of the memory of outer: a proxy keeps what it finds here for its next leg, while x
	// may be used again with outer.
	x.Response = gateway.Response{}
	x.SetContext(r.Context())
	SetRequest(x, r)
	if err := next.Serve(x); err != nil {
		if gateway.StatusOf(err) == gateway.LogOnly {
			c.abort(err) // there is nobody to answer
		}
		x.Fail(err)
	}
	if x.Response.Status == gateway.LogOnly {
		c.abort(http.ErrAbortHandler)
	}
	return x.Response, true
}
