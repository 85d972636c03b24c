package adapter

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// bufferSize is how much of a body is held back for the length to become known. It is
// about what net/http holds back.
const bufferSize = 4 << 10

var (
	errGone  = errors.New("adapter: the response is not wanted any more")
	errEnded = errors.New("adapter: too late: the handler has returned")
)

// A writer is the http.ResponseWriter that the outermost Go handler of a call gets.
type writer struct {
	call   *call
	header http.Header
	like   gateway.Header // fields whose order and spelling the response keeps
	isHead bool

	// mu is held while something is sent, while the exchange serves an inner handler,
	// and for the moment in which a field below changes.
	mu       sync.Mutex
	status   int // 0 before WriteHeader
	fields   gateway.Header
	noDate   bool
	length   int64 // the declared Content-Length, or -1
	written  int64
	sniff    bool // the Content-Type is to be found out from the body
	buffer   []byte
	trailers []string // the announced names
	trailer  gateway.Header
	begun    bool // the head has gone to the reader
	ended    bool
	upgraded io.ReadWriteCloser // the connection of an inner 101
	conn     *pipe              // the connection that Hijack made
}

func (w *writer) init(c *call) {
	w.call = c
	w.like = c.x.Response.Header
	w.header = Header(w.like)
	w.length = -1
	w.isHead = c.x.Request.Method == http.MethodHead
}

// Header is the header to be sent, with what middleware further out has put there.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader sets the status of the response, or sends an informational response.
func (w *writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *writer) writeHeader(status int) {
	if status < 100 || status > 999 {
		panic("adapter: invalid status " + strconv.Itoa(status))
	}
	if w.status != 0 || w.ended || w.conn != nil {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		if interim := w.call.x.Interim; interim != nil {
			_ = interim(status, responseFields(w.header, w.like))
		}
		return
	}
	w.status = status
	w.fields = responseFields(w.header, w.like)
	date, ok := w.header["Date"]
	w.noDate = ok && len(date) == 0
	w.trailers = announced(w.header)
	if value := w.header.Get("Content-Length"); value != "" {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			w.length = n
		}
	}
	_, typed := w.header["Content-Type"]
	w.sniff = !typed && w.header.Get("Content-Encoding") == ""
	if w.upgraded != nil && status == http.StatusSwitchingProtocols {
		// The handler rests here until the connection is closed: what the middleware
		// does after next waits for that, as it would for the end of a body.
		w.begun = true
		_ = w.call.emit(nil)
	}
}

// Write sends p, or holds it back as long as all of the body fits the buffer.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.conn != nil:
		return 0, http.ErrHijacked
	case w.ended:
		return 0, errEnded
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if len(p) == 0 {
		return 0, nil
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if w.sniff {
		w.sniff = false
		w.fields.Add("Content-Type", http.DetectContentType(p))
	}
	if w.isHead {
		return len(p), nil // counted only
	}
	return w.send(p)
}

// send puts p into the buffer or, if it does not fit, sends both.
func (w *writer) send(p []byte) (int, error) {
	if len(w.buffer)+len(p) > bufferSize {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) < bufferSize {
		w.buffer = append(w.buffer, p...)
		return len(p), nil
	}
	w.begun = true
	if err := w.call.emit(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write for a string.
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// FlushError sends the head and what has been held back.
func (w *writer) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.conn != nil:
		return http.ErrHijacked
	case w.ended:
		return errEnded
	}
	if w.status == 0 {
		w.writeHeader(http.StatusOK)
	}
	return w.flush()
}

// Flush is FlushError for an http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// EnableFullDuplex lets handlers read on while they write, which is always the case here.
func (w *writer) EnableFullDuplex() error { return nil }

// flush sends what has been held back, and the head if it has not gone yet.
func (w *writer) flush() error {
	if w.begun && len(w.buffer) == 0 {
		return nil
	}
	w.begun = true
	err := w.call.emit(w.buffer)
	w.buffer = w.buffer[:0] // used up, as emit has returned
	return err
}

// end completes the response when the handler has returned.
func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.call
	c.mu.Lock()
	panicked := c.panicked
	failed := panicked != nil || c.err != nil
	c.mu.Unlock()
	if w.status == 0 && w.conn == nil && !failed {
		w.writeHeader(http.StatusOK)
	}
	switch {
	case failed && w.conn != nil:
		w.conn.fail(panicked)
	case !failed && w.begun:
		_ = w.flush()
	}
	w.ended = true
	w.trailer = trailerFields(w.header, w.trailers)
}

// whole makes the response of a handler that has returned.
func (w *writer) whole(r *gateway.Response) {
	w.head(r)
	r.ContentLength = w.length
	switch {
	case w.isHead || w.status == http.StatusNotModified:
		if w.length < 0 && w.written > 0 {
			r.ContentLength = w.written
		}
		r.Body = gateway.NoBody
	case len(w.trailer) > 0 || w.length >= 0 && w.length != w.written:
		// A body that is shorter than declared must not look complete.
		r.Body = io.NopCloser(bytes.NewReader(w.buffer))
		r.Trailer = w.trailerOf
	default:
		r.Bytes = w.buffer
	}
}

// stream makes the response of a handler that goes on writing.
func (w *writer) stream(r *gateway.Response) {
	w.head(r)
	if w.upgraded != nil && w.status == http.StatusSwitchingProtocols {
		r.Conn = restingConn(w.call, w.upgraded)
		return
	}
	r.Body = w.call
	r.ContentLength = w.length
	if w.length < 0 || len(w.trailers) > 0 {
		r.Trailer = w.trailerOf
	}
}

func (w *writer) head(r *gateway.Response) {
	*r = gateway.Response{Status: w.status, Header: w.fields, NoDate: w.noDate}
}

func (w *writer) trailerOf() gateway.Header { return w.trailer }

// bodyAllowed tells whether a response of that status may have content (RFC 9110,
// sections 6.4.1, 15.2, 15.3.5 and 15.4.5).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
