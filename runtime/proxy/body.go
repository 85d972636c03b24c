package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// A clientBody is the body of a request that remembers why it could not be read. A
// transport fails with the same error, and it's the client's fault then, not the upstream's.
type clientBody struct {
	io.ReadCloser
	failed atomic.Pointer[error] // whoever sends the request reads in a goroutine of its own
	read   atomic.Bool           // somebody has begun to
	keep   bool                  // all that was read is kept
	kept   []byte
}

// maxKept is how much is kept of a body. That's what a transport reads before it has a connection: a small body, or
// the beginning of a large one.
const maxKept = 20 << 10

func (b *clientBody) Read(p []byte) (int, error) {
	if !b.read.Load() {
		b.read.Store(true)
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.fail(err)
	}
	if b.keep {
		if b.keep = len(b.kept)+n <= maxKept; b.keep {
			b.kept = append(b.kept, p[:n]...)
		} else {
			b.kept = nil
		}
	}
	return n, err
}

// Close closes the body, unless it hasn't been read: another upstream may get it. The engine closes it in any case.
func (b *clientBody) Close() error {
	if !b.read.Load() {
		return nil
	}
	return b.ReadCloser.Close()
}

// again returns the body from its start. It reports false if that can't be had any more. Nobody may be reading it.
func (b *clientBody) again() (io.ReadCloser, bool) {
	switch {
	case !b.read.Load():
		return b.ReadCloser, true
	case !b.keep || b.failed.Load() != nil:
		return nil, false
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b.kept), b.ReadCloser), b.ReadCloser}, true
}

// Buffered lets a transport send what has come already without copying it first.
func (b *clientBody) Buffered() (p []byte, all bool) { return gateway.Buffered(b.ReadCloser) }

func (b *clientBody) fail(err error) { b.failed.Store(&err) }

// A splicedBody is a clientBody that can be spliced.
type splicedBody struct {
	*clientBody
	from gateway.SplicedBody
}

// SpliceTo lets a transport have the kernel move the body.
func (b splicedBody) SpliceTo(w io.Writer) (int64, error) {
	b.read.Store(true)
	b.keep, b.kept = false, nil
	n, err := b.from.SpliceTo(w)
	if e, ok := errors.AsType[*gateway.ReadError](err); ok {
		b.fail(e.Err)
	}
	return n, err
}

// failure returns the error for a request that failed with err because b could not be
// read, nil if it failed for another reason.
func (b *clientBody) failure(to *lb.Target, err error) error {
	if b == nil {
		return nil
	}
	p := b.failed.Load()
	if p == nil {
		return nil
	}
	_, network := errors.AsType[net.Error](*p)
	switch {
	case gateway.IsTimeout(*p): // whatever the transport, which may have been cancelled by it, says
		return &gateway.Error{Status: 408, Code: "E2124", Kind: "CoreProxyRoundtrip",
			Message: "the client sent its body too slowly", Cause: err}
	case !errors.Is(err, *p):
		return nil
	case network, errors.Is(*p, io.ErrUnexpectedEOF):
		return errClientGone(to, err)
	}
	return &gateway.Error{Status: 400, Code: "E2124", Kind: "CoreProxyRoundtrip",
		Message: "the request body could not be read", Cause: err}
}
