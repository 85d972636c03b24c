// Package reread reads the body of a request without taking it from who comes after.
package reread

import (
	"errors"
	"io"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// ErrTooLong is the error of a body that is longer than it may be. Then it isn't put back.
var ErrTooLong = errors.New("the body is too long")

// All returns the body of r, which may have limit bytes, and puts it back. Other errors than ErrTooLong are those of reading it.
func All(r *gateway.Request, limit int) ([]byte, error) {
	switch {
	case r.Body == nil:
		return nil, nil
	case r.ContentLength > int64(limit):
		return nil, ErrTooLong
	}
	b := make([]byte, 0, max(r.ContentLength, 511)+1)
	for {
		if len(b) > limit {
			return nil, ErrTooLong
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
	if len(b) > limit {
		return nil, ErrTooLong
	}
	if r.Trailer == nil { // what has a trailer has to be sent in chunks
		r.ContentLength = int64(len(b))
	}
	r.Body = &body{rest: b, source: r.Body}
	return b, nil
}

// IsMediaType reports whether the body of r is of a media type, by its Content-Type without parameters.
func IsMediaType(r *gateway.Request, mediaType string) bool {
	got, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return gateway.EqualName(strings.TrimSpace(got), mediaType)
}

// Form is the media type of forms.
const Form = "application/x-www-form-urlencoded"

// A body is one that has been read already.
type body struct {
	rest   []byte
	source io.Closer
}

// Read reads it again.
func (b *body) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close closes the source.
func (b *body) Close() error { return b.source.Close() }

// Buffered returns all of the rest.
func (b *body) Buffered() (p []byte, all bool) { return b.rest, true }
