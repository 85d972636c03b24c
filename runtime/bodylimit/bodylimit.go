// Package bodylimit refuses requests whose body is too large, and takes in bodies of
// known length before the handler runs, so that slow clients don't occupy an upstream.
package bodylimit

import (
	"errors"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Options are the settings of the middleware.
type Options struct {
	// MaxSize is the largest body in bytes; 0 is 4 MiB. If it is negative there is no
	// limit, and the middleware does nothing.
	MaxSize int64
	// MemLimit says where bodies are kept: of the declared length up to MemLimit bytes in
	// memory, longer ones in a temporary file; 0 is MaxSize. If it is negative, all bodies
	// go to a file, also those of unknown length, which otherwise are passed on as they come.
	MemLimit int64
	// TempDir is the directory of the temporary files; empty is that of the system. The
	// files are readable by the user of the process only and, where the system allows it,
	// have no name any more when they are written to.
	TempDir string
}

// New returns the middleware. A body that is too large is refused with 413: at once if
// the length is declared, else when more has been read, whatever the handler made of the
// read error, which is gateway.ErrTooLarge.
func New(o Options) gateway.Middleware {
	if o.MaxSize == 0 {
		o.MaxSize = 4 << 20
	}
	if o.MemLimit == 0 {
		o.MemLimit = o.MaxSize
	}
	return func(next gateway.Handler) gateway.Handler {
		if o.MaxSize < 0 {
			return next
		}
		return &handler{o, next}
	}
}

type handler struct {
	Options
	next gateway.Handler
}

// Serve limits the body of x.
func (h *handler) Serve(x *gateway.Exchange) error {
	q := &x.Request
	if q.Body == nil || q.ContentLength == 0 {
		return h.next.Serve(x)
	}
	switch {
	case q.ContentLength > h.MaxSize:
		// The body is not read: engines close such a connection rather than drain it.
		return h.tooLarge(nil)
	case q.ContentLength < 0 && h.MemLimit >= 0:
		return h.pass(x)
	}
	if err := h.hold(x); err != nil {
		return err
	}
	return h.next.Serve(x)
}

// pass hands the body on as it comes, up to the limit.
func (h *handler) pass(x *gateway.Exchange) error {
	b := &limited{body: x.Request.Body, left: h.MaxSize}
	x.Request.Body = b
	err := h.next.Serve(x)
	if b.exceeded.Load() {
		return h.tooLarge(err)
	}
	return err
}

// A limited is a body that may not be longer than left bytes.
type limited struct {
	body     io.ReadCloser
	left     int64       // -1 when the body was longer
	exceeded atomic.Bool // a transport reads in a goroutine of its own
}

// Read asks for one byte more than allowed, to see if the body ends in time.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, gateway.ErrTooLarge
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.body.Read(p)
	if int64(n) <= l.left {
		l.left -= int64(n)
		return n, err
	}
	n = int(l.left)
	l.left = -1
	l.exceeded.Store(true)
	return n, gateway.ErrTooLarge
}

// Close closes the body.
func (l *limited) Close() error { return l.body.Close() }

// Buffered has a transport read what has come before it sends anything: a body that is seen to be too large then
// doesn't reach the upstream. That it is all is never said, so that it is read here.
func (l *limited) Buffered() (p []byte, all bool) {
	p, _ = gateway.Buffered(l.body)
	return p, false
}

// SetReadDeadline is that of the body, if it has one.
func (l *limited) SetReadDeadline(t time.Time) error {
	if b, ok := l.body.(interface{ SetReadDeadline(time.Time) error }); ok {
		return b.SetReadDeadline(t)
	}
	return errors.ErrUnsupported
}

func (h *handler) tooLarge(cause error) error {
	return &gateway.Error{
		Status: 413, Code: "E3205", Kind: "AppMiddleBodyTooLarge",
		Message: "request body is larger than " + strconv.FormatInt(h.MaxSize, 10) + " bytes", Cause: cause,
	}
}

// hold takes in the body of x.
func (h *handler) hold(x *gateway.Exchange) error {
	q := &x.Request
	limit := q.ContentLength
	if limit < 0 {
		limit = h.MaxSize
	}
	b := &held{source: q.Body}
	x.OnDone(b.release)
	var err error
	if h.MemLimit >= 0 && limit <= h.MemLimit {
		err = b.toMemory(limit)
	} else {
		err = b.toFile(limit, h.TempDir)
	}
	switch {
	case err == errLonger && q.ContentLength < 0 || errors.Is(err, gateway.ErrTooLarge):
		return h.tooLarge(err)
	case err == nil && q.ContentLength >= 0 && b.size != q.ContentLength:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return refusal(err)
	}
	q.Body = b
	if q.Trailer == nil { // on HTTP/1.1 there is no trailer beside a length
		q.ContentLength = b.size
	}
	return nil
}

// refusal is the refusal of a request whose body could not be taken in.
func refusal(err error) error {
	if e, ok := errors.AsType[*storeError](err); ok {
		return &gateway.Error{
			Status: 500, Code: "E3207", Kind: "AppMiddleBodyLimit",
			Message: "request body not kept", Cause: e.cause,
		}
	}
	status := 400
	if gateway.IsTimeout(err) {
		status = 408
	}
	return &gateway.Error{
		Status: status, Code: "E3206", Kind: "AppMiddleInvalidLength",
		Message: "request body not as long as declared", Cause: err,
	}
}
