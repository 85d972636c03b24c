package server

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A bodyLimit is how long reading a body may take.
type bodyLimit struct{ each, all time.Duration }

// lingering is how long the rest of a body that nobody has read may take to come, when its
// response is out. If it comes, the connection can be used again.
const lingering = 5 * time.Second

// maxSkip is how much net/http skips of a body to use the connection again.
const maxSkip = 256 << 10

// An upload is the body of a request. Transports read it in goroutines of their own, perhaps
// when the exchange is over already; it holds nothing of the exchange.
type upload struct {
	body   io.ReadCloser // that of net/http
	length int64         // -1 if unknown
	each   time.Duration // how long a read may take; 0 is no limit
	got    atomic.Int64
	ended  atomic.Bool // it has been read to its end
	failed atomic.Bool

	mu    sync.Mutex // guards w and what follows
	w     http.ResponseWriter
	until time.Time // zero is no deadline
	over  bool      // w must not be used any more
}

func newUpload(e *exchange, r *http.Request) *upload {
	u := &upload{body: r.Body, length: r.ContentLength, w: e.w, each: e.engine.readLimit.each}
	if all := e.engine.readLimit.all; all > 0 {
		u.until = e.Start.Add(all)
	}
	return u
}

// Read reads the body.
func (u *upload) Read(p []byte) (int, error) {
	if u.ended.Load() {
		return 0, io.EOF // without a deadline, which would be one for the next request now
	}
	if u.each > 0 {
		u.setDeadline(time.Now().Add(u.each))
	}
	n, err := u.body.Read(p)
	u.got.Add(int64(n))
	switch {
	case err == io.EOF:
		u.ended.Store(true)
	case err != nil:
		u.failed.Store(true)
	}
	return n, err
}

// Close leaves the rest for the end of the exchange. The Close of net/http would wait for the client.
func (u *upload) Close() error { return nil }

// SetReadDeadline bounds reading all of the body, besides the limits of the server. A
// middleware calls it before anybody reads.
func (u *upload) SetReadDeadline(t time.Time) error {
	u.mu.Lock()
	if u.until.IsZero() || t.Before(u.until) {
		u.until = t
	}
	u.mu.Unlock()
	u.setDeadline(t)
	return nil
}

func (u *upload) setDeadline(t time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return
	}
	if !u.until.IsZero() && u.until.Before(t) {
		t = u.until
	}
	_ = http.NewResponseController(u.w).SetReadDeadline(t)
}

// isLost reports whether the connection will be closed for what is to come: too much, or
// something that can't be told from a request.
func (u *upload) isLost() bool { return u.failed.Load() || u.length-u.got.Load() >= maxSkip }

// end takes the body away from whoever still reads it. Of what is left, as much is skipped as comes
// in time. If that isn't all, the connection ends after the exchange: the rest must not be
// taken for a request.
func (u *upload) end(patience time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if u.ended.Load() {
		return
	}
	if u.failed.Load() {
		patience = 0
	}
	_ = http.NewResponseController(u.w).SetReadDeadline(time.Now().Add(patience)) // ends reads of others, too
	if err := u.body.Close(); err != nil || u.failed.Load() {
		// net/http closes connections on which a body was too large, in a way that the
		// client gets the response.
		_, _ = http.MaxBytesReader(u.w, io.NopCloser(strings.NewReader("-")), 0).Read(make([]byte, 1))
	}
}
