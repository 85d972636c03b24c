package gateway

import "io"

// A BufferedBody is a body of which something may have come already. What wraps the body of a request
// can pass this on, if it leaves the bytes as they are and need not see them.
type BufferedBody interface {
	io.ReadCloser
	// Buffered returns what can be read without waiting, and whether that is all of the rest. Nothing is read by
	// that: Read returns the same bytes again. They are valid until Read or Close is called, or the exchange is over.
	Buffered() (p []byte, all bool)
}

// Buffered returns what is known to have come of body, see [BufferedBody].
func Buffered(body io.ReadCloser) (p []byte, all bool) {
	if b, ok := body.(BufferedBody); ok {
		return b.Buffered()
	}
	return nil, false
}

// A SplicedBody is a body that can go to a connection without passing through memory. What wraps the body of a
// request can pass this on, too.
type SplicedBody interface {
	io.ReadCloser
	// SpliceTo writes the rest of the body to w. If reading fails, and not writing, the error is a *ReadError.
	SpliceTo(w io.Writer) (int64, error)
}

// A ReadError is what [SplicedBody] fails with if reading has failed.
type ReadError struct{ Err error }

// Error is that of Err.
func (e *ReadError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *ReadError) Unwrap() error { return e.Err }

// NoBody is an empty body.
var NoBody = noBody{}

type noBody struct{}

func (noBody) Read([]byte) (int, error) { return 0, io.EOF }
func (noBody) Close() error             { return nil }
