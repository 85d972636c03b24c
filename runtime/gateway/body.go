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

// NoBody is an empty body.
var NoBody = noBody{}

type noBody struct{}

func (noBody) Read([]byte) (int, error) { return 0, io.EOF }
func (noBody) Close() error             { return nil }
