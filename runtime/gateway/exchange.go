// Package gateway holds the few types that all packages of the runtime share:
// the Exchange, the Handler that answers it, and the Middleware around a Handler.
//
// A response is a value. A handler fills it in and returns; the engine that
// started the exchange sends it when the outermost middleware has returned. So a
// middleware edits the response after next.Serve, and nothing wraps a writer.
// What must happen after the last byte registers with [Exchange.OnDone].
//
// The client side has the same shape: a round tripper is a Handler whose
// exchange is a [Exchange.Leg] of another one, and a tripperware is a Middleware
// around it.
package gateway

import (
	"context"
	"crypto/tls"
	"io"
	"slices"
	"time"
)

// A Handler answers the request of x by filling in x.Response, or returns an
// error that says why it can't. See [Error] for errors that carry a status.
type Handler interface {
	Serve(x *Exchange) error
}

// A HandlerFunc is a function that serves as a Handler.
type HandlerFunc func(x *Exchange) error

// Serve calls f.
func (f HandlerFunc) Serve(x *Exchange) error { return f(x) }

// A Middleware wraps a Handler. Around a round tripper it's called a tripperware.
//
// A middleware that edits the response of a refused exchange, too, turns the
// error into a response first: if err := next.Serve(x); err != nil { x.Fail(err) }.
type Middleware func(next Handler) Handler

// A Request is what the client sent; on a leg, what is sent to the upstream.
type Request struct {
	Method string
	Scheme string // "http" or "https"
	// Host is the Host field or :authority, with its port, as the client sent it. On a leg
	// it is both the upstream to connect to, with Scheme, and the Host field that is sent.
	Host   string
	Target string // the request target as on the wire (RFC 9112, section 3.2); on a leg unused
	Proto  string // "HTTP/1.1", "HTTP/2.0"; on a leg unused

	Path     string // the decoded path
	RawPath  string // the path as on the wire, percent-encoded
	RawQuery string // without the question mark

	Header Header // without Host
	// Body is nil if there is none. Reading it may wait for the client; the engine closes it.
	Body io.ReadCloser
	// ContentLength is the length of Body in bytes, or -1 if unknown.
	ContentLength int64
	// Trailer returns the trailer fields once Body has returned io.EOF. It is nil
	// if none were announced.
	Trailer func() Header

	RemoteAddr string               // "ip:port" of the peer; "@" or "" for a unix socket
	TLS        *tls.ConnectionState // nil on cleartext connections

	// Params are the values of the wildcards in the pattern that routed the request.
	Params []Field
}

// Param returns the value of a wildcard of the route, or "".
func (r *Request) Param(name string) string {
	for i := range r.Params {
		if r.Params[i].Name == name {
			return r.Params[i].Value
		}
	}
	return ""
}

// A Response is what is sent to the client; on a leg, what came from the upstream.
type Response struct {
	Status int
	// Header holds all fields but the framing ones: Content-Length is
	// ContentLength, Transfer-Encoding and Connection belong to the engine. A
	// Content-Length here is ignored. Date is added if it is missing, unless NoDate is set.
	Header Header
	NoDate bool

	// Bytes is the body, if Body is nil.
	Bytes []byte
	// Body is read to its end and closed by the engine. Each read is flushed to the
	// client if the length is unknown.
	Body io.ReadCloser
	// ContentLength is the length of Body in bytes, or -1 if unknown. It's not
	// looked at if Body is nil: then it is len(Bytes). On the answer to HEAD, and with
	// 304, it is what a GET would have had (-1 for unknown), and there is no body.
	ContentLength int64
	// Trailer returns the trailer fields once Body has returned io.EOF. It is nil if
	// there are none. Names announced in a Trailer field of Header are sent on.
	Trailer func() Header

	// Conn is the upgraded connection of a 101 (Switching Protocols). The engine sends
	// the head, then copies bytes both ways until both sides have ended, a
	// half-close passed on by CloseWrite if Conn has it, and closes Conn.
	Conn io.ReadWriteCloser
}

// Reset empties r, keeping the memory of its header.
func (r *Response) Reset() { *r = Response{Header: r.Header[:0]} }

// An Exchange is one request and the response to it. It is valid until its
// OnDone functions have run; the engine reuses it afterwards.
type Exchange struct {
	Request  Request
	Response Response

	// Upstream holds the fields that middleware wants the upstream to see. The
	// proxy sets them last, so that a client can't send its own: they replace.
	Upstream Header

	// Parent is the exchange whose leg this is, or nil.
	Parent *Exchange
	// Errors turns what a handler returned into a response. The engine sets it.
	Errors ErrorHandler
	// Interim sends an informational response, 100 to 199 but 101, to whoever sent the
	// request. Nil drops it.
	Interim func(status int, h Header) error

	// Start is when the request's head was read.
	Start time.Time
	// Sent is the number of body bytes sent to the client so far, and SendErr is why
	// sending ended early. Both are final when the OnDone functions run.
	Sent    int64
	SendErr error

	ctx   context.Context // what SetContext has put
	life  life
	leave []func(*Exchange) error
	done  []func(*Exchange)
	slots []slot
	attrs []Attr
}

// OnDone registers f to run when the last byte of the response is out, or
// sending it has failed. Functions run in the reverse order of registration, on
// a leg when the parent's do.
func (x *Exchange) OnDone(f func(*Exchange)) {
	if x.Parent != nil {
		x.Parent.OnDone(func(*Exchange) { f(x) })
		return
	}
	x.done = append(x.done, f)
}

// OnUpstream registers f to run before the request is sent to an upstream. If it returns an error, the exchange is
// refused with it.
func (x *Exchange) OnUpstream(f func(*Exchange) error) { x.leave = append(x.leave, f) }

// RunOnUpstream runs the OnUpstream functions, in the order of their registration, until one fails. Handlers
// that send the request to an upstream call it first.
func (x *Exchange) RunOnUpstream() error {
	for _, f := range x.leave {
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// Fail makes the response out of err, by the error handler in charge: that of
// the component which refused, if it has one of its own, else the server's. If there is
// nobody to answer, the status is LogOnly then, and the engine sends nothing. A client of gRPC
// gets a status of gRPC, whatever the error handler answers.
func (x *Exchange) Fail(err error) {
	h := x.Errors
	if e, ok := AsError(err); ok && e.Handler != nil {
		h = e.Handler
	}
	r := &x.Response // if it's half-made, it is given up
	if r.Body != nil {
		_ = r.Body.Close()
	}
	if r.Conn != nil {
		_ = r.Conn.Close()
	}
	r.Body, r.Conn, r.Trailer, r.NoDate = nil, nil, nil, false
	if h == nil {
		r.Status, r.Bytes = StatusOf(err), nil
	} else {
		h.HandleError(x, err)
	}
	switch {
	case StatusOf(err) == LogOnly:
		r.Status = LogOnly
	case isGRPC(&x.Request):
		failGRPC(x, err)
	}
}

// Finish runs the OnDone functions, and ends the context. Only engines call it.
func (x *Exchange) Finish() {
	for _, v := range slices.Backward(x.done) {
		v(x)
	}
	x.life.end(nil)
}

// Reset empties x for the next request, keeping the memory of its lists. Only
// engines, and the owner of a leg, call it.
func (x *Exchange) Reset() {
	clear(x.leave)
	clear(x.done)
	x.clearSlots()
	clear(x.attrs)
	x.Request = Request{Header: x.Request.Header[:0], Params: x.Request.Params[:0]}
	x.Response.Reset()
	x.Upstream, x.leave, x.done, x.attrs = x.Upstream[:0], x.leave[:0], x.done[:0], x.attrs[:0]
	x.Parent, x.Errors, x.Interim, x.ctx = nil, nil, nil, nil
	x.Start, x.Sent, x.SendErr = time.Time{}, 0, nil
	x.life.reset()
}

// Leg prepares leg, which is new or reset, as an exchange with an upstream on
// behalf of x.
func (x *Exchange) Leg(leg *Exchange) {
	leg.Parent = x
	leg.ctx = x.ctx
	leg.Start = x.Start
}
