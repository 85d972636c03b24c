package http3transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// A conn is a connection to an upstream.
type conn struct {
	quic   *quic.Conn
	http   *http3.ClientConn
	tls    *tls.Config // what it was opened with
	retire func()      // keeps further requests from it

	mu     sync.Mutex
	active int  // requests
	limit  int  // how many there may be
	proven int  // how many there have been: so many streams the upstream has allowed
	used   bool // there has been a request
	ending bool // there will be no further ones
	freed  func()
}

// usualLimit is how many requests a connection gets before another one is opened. What the upstream allows,
// quic-go doesn't tell; few allow less than 100 (RFC 9114, section 6.1).
const usualLimit = 100

func newConn(q *quic.Conn, h *http3.ClientConn) *conn {
	return &conn{quic: q, http: h, limit: usualLimit, proven: 1}
}

func (c *conn) close() {
	_ = c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

func (c *conn) isClosed() bool { return c.quic.Context().Err() != nil }

// load is how many requests c has, -1 if it can't have more.
func (c *conn) load() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending || c.active >= c.limit {
		return -1
	}
	return c.active
}

// take counts a request, and reports whether it is the first one, and whether there is room for more.
func (c *conn) take(freed func()) (fresh, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh = !c.used
	c.used, c.freed = true, freed
	c.active++
	return fresh, c.active < c.limit
}

// release ends what take has begun.
func (c *conn) release() {
	c.mu.Lock()
	c.active--
	end, freed := c.ending && c.active == 0, c.freed
	c.mu.Unlock()
	if end {
		go c.close() // it waits for quic-go
	}
	freed()
}

func (c *conn) endWhenIdle() {
	c.mu.Lock()
	end := !c.ending && c.active == 0
	c.ending = true
	c.mu.Unlock()
	if end {
		go c.close()
	}
}

func (c *conn) closeIfIdle() {
	c.mu.Lock()
	idle := c.active == 0
	c.ending = c.ending || idle
	c.mu.Unlock()
	if idle {
		c.close()
	}
}

var errFull = errors.New("the upstream allows no more requests on a connection")

// streamDelay is how long a request may wait for the upstream to allow one more on the connection before another
// connection is used.
const streamDelay = 100 * time.Millisecond

// A call is one attempt to send a request.
type call struct {
	conn   *conn
	cancel context.CancelCauseFunc // nil if nothing needs it; the end of the exchange does the same
	upload *upload                 // nil if there is none
	ended  atomic.Bool
}

// roundTrip sends req, for which c has been taken. It fails with errFull, and nothing has happened, if c has no room.
func (c *conn) roundTrip(req *http.Request, begun *atomic.Bool) (*http.Response, error) {
	k := &call{conn: c}
	probing := c.isProbing()
	inner := req
	if probing > 0 || req.Body != nil {
		ctx, cancel := context.WithCancelCause(req.Context())
		k.cancel = cancel
		inner = req.WithContext(ctx)
		if req.Body != nil {
			k.upload = &upload{ReadCloser: req.Body, call: k}
			inner.Body = k.upload
		}
		if probing > 0 {
			timer := time.AfterFunc(streamDelay, func() {
				if !begun.Load() {
					cancel(errFull)
				}
			})
			defer timer.Stop()
		}
	}
	resp, err := c.http.RoundTrip(inner)
	if err == nil {
		c.prove(probing)
		resp.Body = &body{resp.Body, k}
		return resp, nil
	}
	if cause := context.Cause(inner.Context()); cause != nil && req.Context().Err() == nil {
		err = cause // the upload's, or errFull
	}
	if err == errFull {
		c.fill(probing)
		if begun.Load() { // it had room a moment too late
			err = fmt.Errorf("given up: %w", err)
		}
	}
	if k.cancel != nil {
		k.cancel(nil)
	}
	k.end()
	return nil, err
}

// isProbing returns how many requests c has, if it never had so many, else 0.
func (c *conn) isProbing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active > c.proven {
		return c.active
	}
	return 0
}

func (c *conn) prove(n int) {
	c.mu.Lock()
	c.proven = max(c.proven, n)
	c.mu.Unlock()
}

// fill keeps c from getting so many requests again.
func (c *conn) fill(n int) {
	c.mu.Lock()
	c.limit = max(min(c.limit, n-1), c.proven, 1)
	c.mu.Unlock()
}

// mayRepeat reports whether req, which has failed with err, may be sent again. begun says whether its head has
// been sent, fresh whether the connection was opened for it.
func mayRepeat(req *http.Request, err error, begun, fresh bool) bool {
	if e, ok := errors.AsType[*uploadError](err); ok && e != nil {
		return false
	}
	if !begun {
		return true // on a connection that has just ended, say
	}
	if req.Body != nil && req.GetBody == nil {
		return false
	}
	if e, ok := errors.AsType[*http3.Error](err); ok && e.Remote && e.ErrorCode == http3.ErrCodeRequestRejected {
		return true // RFC 9114, section 4.1.1
	}
	if _, ok := errors.AsType[*quic.StreamError](err); ok || fresh {
		return false // the upstream has said what it thinks of it
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// end is called when the response has come to its end, or won't. What is then still sent of the request nobody wants.
func (k *call) end() {
	if k.ended.Swap(true) {
		return
	}
	if u := k.upload; u != nil && u.isRunning() {
		// A server that is done with the request says so (RFC 9114, section 4.1), and the upload ends. One that
		// doesn't has a stream less, until the connection ends.
		time.AfterFunc(uploadPatience, func() {
			if u.isRunning() {
				k.conn.retire()
			}
		})
	}
	k.conn.release()
}

const uploadPatience = 5 * time.Second

// An upload is the body of a request, while it's sent.
type upload struct {
	io.ReadCloser
	call    *call
	running atomic.Bool // something has been read
	closed  atomic.Bool
}

func (u *upload) isRunning() bool { return u.running.Load() && !u.closed.Load() }

// An uploadError is why the body of a request could not be read.
type uploadError struct{ err error }

func (e *uploadError) Error() string { return "reading the request's body: " + e.err.Error() }
func (e *uploadError) Unwrap() error { return e.err }

// Read reads the body. If it can't be read, quic-go resets the stream, but waits for a response nevertheless.
func (u *upload) Read(p []byte) (int, error) {
	u.running.Store(true)
	n, err := u.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		u.call.cancel(&uploadError{err})
	}
	return n, err
}

func (u *upload) Close() error {
	u.closed.Store(true)
	return u.ReadCloser.Close()
}

// A body is that of a response.
type body struct {
	io.ReadCloser
	call *call
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.call.end()
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.call.end()
	return err
}
