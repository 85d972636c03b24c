package server

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// An exchange is a gateway.Exchange with the two sides of net/http that it stands for.
type exchange struct {
	gateway.Exchange
	engine  *Engine
	w       http.ResponseWriter
	r       *http.Request
	interim func(int, gateway.Header) error
	body    io.ReadCloser // what Request.Body was, to know whether it was replaced
	upload  *upload       // the same, without what is around it; nil if there is none
	connect connect
	size    int  // of the request's head, in bytes
	flushed bool // all of the response is out

	// mu guards w where other goroutines than the handler's use it: transports that
	// pass informational responses on or read the request's body, and the timer.
	mu          sync.Mutex
	running     bool // w may be used
	open        bool // informational responses may be sent
	headPending bool // the head has been written, but not flushed
	headTimer   *time.Timer
}

func newExchange(g *Engine) *exchange {
	e := &exchange{engine: g}
	e.interim = e.sendInterim
	return e
}

// begin starts an exchange, and reports whether e can be used for another one after it.
func (e *exchange) begin(w http.ResponseWriter, r *http.Request) (reuse bool) {
	e.w, e.r = w, r
	e.Start = time.Now()
	e.Errors = e.engine.errors
	e.Interim = e.interim
	e.SetContext(r.Context())
	e.mu.Lock()
	e.running, e.open = true, true
	e.mu.Unlock()
	e.readRequest(r)
	if e.connect.begin(r, &e.Request); e.connect.protocol != "" {
		return true // what comes is no body
	}
	return e.readBody(r)
}

func (e *exchange) reset() {
	e.Reset()
	e.w, e.r, e.body, e.upload = nil, nil, nil, nil
	e.flushed = false
}

// shut keeps other goroutines from using the writer from now on.
func (e *exchange) shut() {
	e.mu.Lock()
	e.running, e.open, e.headPending = false, false, false
	e.mu.Unlock()
}

// closeBody closes what a middleware has put in the place of the request's body.
func (e *exchange) closeBody() {
	if b := e.Request.Body; b != nil && b != e.body {
		_ = b.Close()
	}
}

// endUpload ends the request's body. With HTTP/2, it has a stream of its own, which ends now anyway.
func (e *exchange) endUpload() {
	if e.upload == nil || e.r.ProtoMajor != 1 {
		return
	}
	patience := time.Duration(0)
	if e.SendErr == nil && e.flushed { // the client waits for nothing more
		patience = lingering
	}
	e.upload.end(patience)
}

// isUploading reports whether the request's body, on a connection that it shares with the next
// request, has not been read to its end.
func (e *exchange) isUploading() bool {
	return e.upload != nil && e.r.ProtoMajor == 1 && !e.upload.ended.Load()
}

// answer fills in the response. It returns an error if there is nobody to answer.
func (e *exchange) answer() error {
	return answer.Serve(&e.Exchange, e, e.engine.logger)
}

// Serve answers requests that are the engine's own business, and hands on the others.
func (e *exchange) Serve(x *gateway.Exchange) error {
	g, q := e.engine, &e.Request
	if err := e.connect.check(e.r); err != nil {
		return err
	}
	switch {
	case g.maxHeader > 0 && e.size > g.maxHeader:
		return answer.Core(http.StatusRequestHeaderFieldsTooLarge, "the header is larger than maxHeaderBytes")
	case q.Target != "*":
	case q.Method == "PRI": // the preface of HTTP/2 with prior knowledge, while that is switched off
		return answer.Core(http.StatusHTTPVersionNotSupported, "HTTP/2 is not served on this connection")
	case q.Method == "OPTIONS" && g.options:
		e.Response.Status = http.StatusOK
		return nil
	}
	return g.handler.Serve(x)
}

// abort ends the connection, or the stream of HTTP/2, so that the client notices.
func (e *exchange) abort() {
	if e.r.ProtoAtLeast(1, 1) {
		panic(http.ErrAbortHandler)
	}
	// To a client of HTTP/1.0, the end of the connection may be the end of the body: reset it.
	if h, ok := e.w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			reset(c)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// reset closes c so that the peer sees a reset instead of an end.
func reset(c net.Conn) {
	inner := c
	for {
		n, ok := inner.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		inner = n.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	_ = c.Close()
}
