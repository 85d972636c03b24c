package adapter

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A call is one run of a Go handler as a coroutine. It is also the body of the
// response, if the handler has not returned when the response begins.
//
// The handler runs while Serve or Read waits on chunks, and waits on resume while they
// don't. A closed gone ends that order: what the handler writes is not wanted any more.
type call struct {
	x      *gateway.Exchange
	in     *inner // nil for a plain handler
	cancel context.CancelFunc
	writer writer
	body   *requestBody // nil if the request has none

	chunks chan []byte    // what the handler has written; closed when it has returned
	resume chan struct{}  // the last chunk is used up
	gone   chan struct{}  // closed by Close
	inside sync.WaitGroup // calls of next that are under way

	mu       sync.Mutex // guards what follows, and the chunk while it is copied
	err      error      // why the handler ended early
	panicked any        // what it panicked with
	chunk    []byte
	waiting  bool // the handler waits for resume
	closed   bool
}

func newCall(x *gateway.Exchange, in *inner) *call {
	c := &call{
		x:      x,
		in:     in,
		chunks: make(chan []byte),
		resume: make(chan struct{}),
		gone:   make(chan struct{}),
	}
	c.writer.init(c)
	return c
}

// A callContext is the context of the request that the Go handler gets.
type callContext struct {
	context.Context
	call *call
}

// Value finds the call under the address of the inner handler, see inner.callOf.
func (ctx callContext) Value(key any) any {
	if in, ok := key.(*inner); ok && in == ctx.call.in {
		return ctx.call
	}
	return ctx.Context.Value(key)
}

// request is the request of the exchange as the Go handler gets it.
func (c *call) request() *http.Request {
	ctx, cancel := context.WithCancel(c.x.Context())
	c.cancel = cancel
	if c.in != nil {
		ctx = callContext{ctx, c}
	}
	r := newRequest(c.x, ctx)
	c.body, _ = r.Body.(*requestBody)
	return r
}

// run is the coroutine.
func (c *call) run(h http.Handler, r *http.Request) {
	returned := false
	defer func() {
		if !returned {
			c.failed(recover())
		}
		c.end()
	}()
	h.ServeHTTP(&c.writer, r)
	returned = true
}

// failed notes with what the handler panicked; nil stands for runtime.Goexit.
func (c *call) failed(value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case value == nil:
		c.panicked = http.ErrAbortHandler
	case value != http.ErrAbortHandler:
		c.panicked = panicError(value)
	case c.err == nil: // else it is our own, from abort
		c.panicked = value
	}
}

// panicError makes an error with a stack of what a handler panicked with, because the
// panic goes on in another goroutine, whose stack says nothing.
func panicError(value any) error {
	if e, ok := value.(*gateway.Error); ok && e.Stack != nil {
		return e // from a call further in
	}
	e := &gateway.Error{
		Status:  http.StatusInternalServerError,
		Code:    "E2132",
		Kind:    "CoreServerRecover",
		Message: "panic in a Go handler: " + fmt.Sprint(value),
		Stack:   debug.Stack(),
	}
	e.Cause, _ = value.(error)
	return e
}

// abort ends the handler because of err. The way out through Go middleware is a panic.
func (c *call) abort(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	panic(http.ErrAbortHandler)
}

// outcome is what the handler has panicked with, and why it ended early. The panic is
// given out once; after it there is an error.
func (c *call) outcome() (panicked any, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	panicked, err = c.panicked, c.err
	if panicked != nil {
		c.panicked, c.err = nil, http.ErrAbortHandler
	}
	return panicked, err
}

// end completes the response after the handler. Nothing touches the exchange when it
// has closed chunks.
func (c *call) end() {
	c.cancel()
	c.writer.end()
	c.inside.Wait()
	if c.body != nil {
		c.body.end()
	}
	close(c.chunks)
}

// enter counts a call of next, unless the handler has returned already.
func (c *call) enter() bool {
	c.writer.mu.Lock()
	defer c.writer.mu.Unlock()
	if c.writer.ended {
		return false
	}
	c.inside.Add(1)
	return true
}

// emit hands p to the reader and waits until it is used up. The caller holds the lock
// of the writer.
func (c *call) emit(p []byte) error {
	select {
	case c.chunks <- p:
	case <-c.gone:
		return errGone
	}
	select {
	case <-c.resume:
	case <-c.gone:
		return errGone
	}
	return nil
}

// await waits for the head of the response and puts the response into the exchange.
func (c *call) await() error {
	chunk, more := <-c.chunks
	w := &c.writer
	switch {
	case more && w.conn != nil:
		return c.hijacked()
	case more:
		c.chunk, c.waiting = chunk, true
		c.x.OnDone(func(*gateway.Exchange) { _ = c.Close() })
		w.stream(&c.x.Response)
		return nil
	}
	panicked, err := c.outcome()
	if panicked != nil {
		panic(panicked)
	}
	if err == nil {
		w.whole(&c.x.Response)
	}
	return err
}

// Read resumes the handler until it has written something.
func (c *call) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return 0, errGone
		}
		if len(c.chunk) > 0 {
			n := copy(p, c.chunk)
			c.chunk = c.chunk[n:]
			c.mu.Unlock()
			return n, nil
		}
		waiting := c.waiting
		c.waiting = false
		c.mu.Unlock()
		if err := c.next(waiting); err != nil {
			return 0, err
		}
	}
}

// next waits for the next chunk.
func (c *call) next(waiting bool) error {
	if waiting {
		select {
		case c.resume <- struct{}{}:
		case <-c.gone:
			return errGone
		}
	}
	chunk, more := <-c.chunks
	if more {
		c.mu.Lock()
		c.chunk, c.waiting = chunk, true
		c.mu.Unlock()
		return nil
	}
	panicked, err := c.outcome()
	switch {
	case panicked != nil:
		panic(panicked)
	case err != nil:
		return err
	}
	return io.EOF
}

// Close ends the handler: its context is cancelled and what it writes is refused. Close
// returns when the handler has, because the handler may still use the exchange.
func (c *call) Close() error {
	c.cancel()
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.gone)
	}
	c.mu.Unlock()
	for range c.chunks { // at most one that was under way
	}
	panicked, _ := c.outcome()
	if panicked == http.ErrAbortHandler {
		return nil
	}
	err, _ := panicked.(error)
	return err
}
