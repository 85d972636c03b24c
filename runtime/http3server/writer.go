package http3server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/server"
)

// A writer sends the response of one request. That of quic-go doesn't tell of trailers that were not sent, and
// ends the stream then as if all was well.
type writer struct {
	str      *http3.Stream
	quic     *quic.Stream // the same, for frames that are written as a whole
	header   http.Header
	pending  []byte // the head, until something is sent behind it
	ended    bool   // the response is complete
	hijacked bool

	each  time.Duration // how long a write may take; 0 is no limit
	mu    sync.Mutex    // guards until
	until time.Time     // zero is no deadline
}

var _ server.Ender = (*writer)(nil)

func newWriter(str *http3.Stream, o *Options) *writer {
	w := &writer{str: str, quic: str.QUICStream(), header: make(http.Header, 8), each: o.Listen.WriteDeadline}
	if d := o.WriteTimeout; d > 0 {
		_ = w.SetWriteDeadline(time.Now().Add(d))
	}
	return w
}

func (w *writer) Header() http.Header { return w.header }

// WriteHeader sends an informational response. The final one waits for what comes behind it.
func (w *writer) WriteHeader(status int) {
	if status < 200 {
		_ = w.write(appendHead(nil, status, w.header)) // a failure is met again with the final one
		return
	}
	if _, ok := w.header["Date"]; !ok {
		w.header["Date"] = date()
	}
	w.pending = appendHead(w.pending, status, w.header)
}

// smallWrite is up to which size a frame is copied to be written at once with what stands in front of it.
const smallWrite = 4 << 10

func (w *writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b := appendFrame(w.pending, frameData, len(p))
	w.pending = nil
	if len(p) <= smallWrite {
		b = append(b, p...)
		if err := w.write(b); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if err := w.write(b); err != nil {
		return 0, err
	}
	w.arm()
	return w.quic.Write(p)
}

// FlushError sends the head. All else is on its way.
func (w *writer) FlushError() error {
	if len(w.pending) == 0 {
		return nil
	}
	b := w.pending
	w.pending = nil
	return w.write(b)
}

// End sends the rest of the response.
func (w *writer) End(trailer gateway.Header) error {
	if len(trailer) > 0 {
		w.pending = appendTrailer(w.pending, trailer)
	}
	if err := w.FlushError(); err != nil {
		return err
	}
	w.ended = true
	_ = w.str.Close() // it fails if the client wants no more, which it may have had its reasons for
	return nil
}

// write writes whole frames.
func (w *writer) write(frames []byte) error {
	w.arm()
	_, err := w.quic.Write(frames)
	return err
}

// arm sets the deadline of a write, if each has one of its own.
func (w *writer) arm() {
	if w.each <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t := time.Now().Add(w.each)
	if !w.until.IsZero() && w.until.Before(t) {
		t = w.until
	}
	_ = w.quic.SetWriteDeadline(t)
}

// SetWriteDeadline bounds all writes. Another goroutine may call it.
func (w *writer) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = t
	return w.quic.SetWriteDeadline(t)
}

// SetReadDeadline bounds reading the request's body.
func (w *writer) SetReadDeadline(t time.Time) error { return w.quic.SetReadDeadline(t) }

// The types of frames (RFC 9114, section 7.2).
const (
	frameData    = 0x0
	frameHeaders = 0x1
)

func appendFrame(b []byte, kind uint64, length int) []byte {
	return quicvarint.Append(quicvarint.Append(b, kind), uint64(length))
}

// statuses are the values of the pseudo-header, made once.
var statuses = func() (t [600]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return t
}()

func statusText(status int) string {
	if status < len(statuses) {
		return statuses[status]
	}
	return strconv.Itoa(status)
}
