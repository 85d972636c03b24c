// Package gunzip asks upstreams for gzip and decodes it where the client itself asks for no
// coding, to save bytes on the way from the upstream.
//
// It does what the transport of net/http does unless told otherwise, but for two cases: an empty Accept-Encoding
// is a client's wish for no coding (RFC 9110, section 12.5.3), and content with several codings
// stays as it is, however they are listed.
package gunzip

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// New returns a tripperware that asks for gzip on behalf of requests without Accept-Encoding, and
// decodes what comes of it while it's read: the response has no Content-Encoding then, and a body of
// unknown length. What can't be decoded is an error of reading the body. It belongs right around the transport.
func New() gateway.Middleware {
	return func(next gateway.Handler) gateway.Handler { return &asking{next} }
}

// Unless is New if disabled is false; else requests and responses stay as they are.
func Unless(disabled bool) gateway.Middleware {
	if disabled {
		return func(next gateway.Handler) gateway.Handler { return next }
	}
	return New()
}

type asking struct{ next gateway.Handler }

// Serve sends the request of leg, and decodes the response if it was this that asked for gzip.
func (a *asking) Serve(leg *gateway.Exchange) error {
	q := &leg.Request
	// Of content in gzip, a range can't be decoded. Some servers answer HEAD with what isn't true of GET.
	if q.Method == "HEAD" || q.Header.Has("Accept-Encoding") || q.Header.Has("Range") {
		return a.next.Serve(leg)
	}
	q.Header.Add("Accept-Encoding", "gzip")
	err := a.next.Serve(leg)
	q.Header.Del("Accept-Encoding") // for the tripperwares around, which haven't put it there
	if err != nil {
		return err
	}
	decode(&leg.Response)
	return nil
}

// decode makes r a response without a coding, if it has one in gzip and a body.
func decode(r *gateway.Response) {
	if r.Conn != nil || !isGzip(r.Header) {
		return
	}
	source := r.Body
	switch {
	case source == nil && len(r.Bytes) > 0:
		source = io.NopCloser(bytes.NewReader(r.Bytes))
	case source == nil, source == gateway.NoBody, r.ContentLength == 0:
		return
	}
	r.Header.Del("Content-Encoding")
	r.Bytes, r.Body, r.ContentLength = nil, &body{source: source}, -1
}

// isGzip reports whether gzip is the only coding of the content.
func isGzip(h gateway.Header) bool {
	found := false
	for i := range h {
		if gateway.EqualName(h[i].Name, "Content-Encoding") {
			if found || !gateway.EqualName(h[i].Value, "gzip") {
				return false
			}
			found = true
		}
	}
	return found
}

// A body decodes what it reads.
type body struct {
	source  io.ReadCloser
	decoder *decoder // nil before the first read, and when err is set
	err     error    // that of all further reads
	closed  atomic.Bool
}

// A decoder is the memory that decoding takes, some 60 KiB.
type decoder struct {
	in  *bufio.Reader
	out gzip.Reader
}

var decoders = sync.Pool{New: func() any { return &decoder{in: bufio.NewReaderSize(nil, 16<<10)} }}

var errClosed = errors.New("gunzip: read on a closed body")

// Read decodes. The first call reads the head of the first member, so that the response needn't wait for it.
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errClosed
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.decoder == nil {
		b.decoder = decoders.Get().(*decoder)
		b.decoder.in.Reset(b.source)
		if err := b.decoder.out.Reset(b.decoder.in); err != nil {
			b.end(err)
			return 0, err
		}
	}
	n, err := b.decoder.out.Read(p)
	if err != nil {
		b.end(err)
	}
	return n, err
}

// end gives the memory back. Only Read does so: Close may interrupt it from another goroutine.
func (b *body) end(err error) {
	b.decoder.in.Reset(nil)
	decoders.Put(b.decoder)
	b.decoder, b.err = nil, err
}

// Close closes the body that came from the upstream.
func (b *body) Close() error {
	b.closed.Store(true)
	return b.source.Close()
}
