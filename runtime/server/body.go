package server

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// headDelay is how long a head may wait for the first bytes of its body, so that both
// go out together.
const headDelay = 2 * time.Millisecond

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// copyBody sends Response.Body. A deadline of the exchange holds for the client, too: it may
// be slow in taking the body.
func (e *exchange) copyBody(length int64) error {
	ctx := e.Context()
	if _, ok := ctx.Deadline(); !ok {
		return e.copyAll(length)
	}
	stop := context.AfterFunc(ctx, e.endWrites)
	err := e.copyAll(length)
	if !stop() && err == nil {
		err = context.Cause(ctx) // what is buffered will not get out
	}
	return err
}

// endWrites interrupts writing to the client. It runs in a goroutine of its own.
func (e *exchange) endWrites() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running {
		_ = http.NewResponseController(e.w).SetWriteDeadline(time.Now())
	}
}

func (e *exchange) copyAll(length int64) error {
	p := &e.Response
	if length > 0 && e.r.ProtoMajor == 1 {
		switch body := p.Body.(type) {
		case *os.File:
			return e.copyFile(body, length)
		case *gateway.FileBody:
			if body.Left == length {
				return e.copyFile(body.File, length)
			}
		}
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	stream := length == unknown || isEventStream(p.Header.Get("Content-Type"))
	if stream {
		e.delayHead()
	}
	for idle, first := 0, stream; ; first = false {
		n, err := p.Body.Read(buf[:])
		if first {
			e.resumeHead()
		}
		if length != unknown && int64(n) > length-e.Sent {
			n, err = int(length-e.Sent), io.EOF // more would be taken for the next response
		}
		if werr := e.write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if stream || e.Sent == length { // in case the next read takes long
			if err := e.flush(); err != nil {
				return err
			}
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle > 100 {
			return io.ErrNoProgress
		}
	}
	if length != unknown && e.Sent < length {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (e *exchange) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := e.w.Write(p)
	e.Sent += int64(n)
	return err
}

// copyFile leaves the copying to the operating system, if it can do so.
func (e *exchange) copyFile(f *os.File, length int64) (err error) {
	rf, ok := e.w.(io.ReaderFrom)
	if !ok {
		rf = onlyWriter{e.w}
	}
	e.Sent, err = rf.ReadFrom(io.LimitReader(f, length))
	if err == nil && e.Sent < length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

type onlyWriter struct{ io.Writer }

func (w onlyWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.Writer, r) }

func isEventStream(contentType string) bool {
	const t = "text/event-stream"
	return len(contentType) >= len(t) && strings.EqualFold(contentType[:len(t)], t)
}

// delayHead has the head flushed soon, if resumeHead isn't called before.
func (e *exchange) delayHead() {
	e.mu.Lock()
	e.headPending = true
	e.mu.Unlock()
	if e.headTimer == nil {
		e.headTimer = time.AfterFunc(headDelay, e.flushHead)
	} else {
		e.headTimer.Reset(headDelay)
	}
}

func (e *exchange) resumeHead() {
	e.headTimer.Stop()
	e.mu.Lock()
	e.headPending = false
	e.mu.Unlock()
}

// flushHead runs in a goroutine of its own, while the handler's waits for the body.
func (e *exchange) flushHead() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.headPending {
		e.headPending = false
		_ = e.flush() // a failure is met again when the body is written
	}
}
