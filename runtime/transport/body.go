package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// readSmall reads the body of r, which is known to be small.
func (m *message) readSmall(r *gateway.Request) error {
	defer r.Body.Close()
	n := int(r.ContentLength)
	if m.small == nil {
		m.small = make([]byte, smallBody+1)
	}
	// One byte more than announced shows a body that is too long.
	buf, k := m.small[:n+1], 0
	for k <= n {
		i, err := r.Body.Read(buf[k:])
		k += i
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the request's body: %w", err)
		}
	}
	if k != n {
		return fmt.Errorf("reading the request's body: %w: it is not of %d bytes", io.ErrUnexpectedEOF, n)
	}
	m.small = buf[:n]
	m.reader.Reset(m.small)
	return nil
}

// upload makes the body of leg the body of req, to be read while it is sent.
func upload(req *http.Request, t *Transport, leg *gateway.Exchange) {
	r := &leg.Request
	b := &streamed{source: r.Body, trailer: r.Trailer}
	req.Body, req.ContentLength = b, r.ContentLength
	if r.Trailer != nil {
		b.fields = make(http.Header)
		for name := range r.Header.Tokens("Trailer") {
			if name = textproto.CanonicalMIMEHeaderKey(name); mayTrail(name) {
				b.fields[name] = nil
			}
		}
		req.Trailer = b.fields
		if !t.only2 {
			req.ContentLength = -1 // HTTP/1.1 has trailers in chunked bodies only (RFC 9112, section 7.1.2)
		}
	}
	leg.OnDone(b.end)
}

// A streamed body is read by goroutines of net/http, perhaps longer than the exchange
// lasts to which its source belongs: it keeps them off then.
type streamed struct {
	source  io.ReadCloser
	over    atomic.Bool
	trailer func() gateway.Header // nil if there are none
	fields  http.Header           // where the trailers go

	keep atomic.Bool // Close leaves source open while nothing has been read
	read atomic.Bool
}

var errOver = errors.New("the exchange is over")

func (b *streamed) Read(p []byte) (int, error) {
	if b.over.Load() {
		return 0, errOver
	}
	b.read.Store(true)
	n, err := b.source.Read(p)
	if err == io.EOF && b.trailer != nil && !b.over.Load() {
		for _, f := range b.trailer() {
			if name := textproto.CanonicalMIMEHeaderKey(f.Name); mayTrail(name) {
				b.fields[name] = append(b.fields[name], f.Value)
			}
		}
		b.trailer = nil
	}
	return n, err
}

func (b *streamed) Close() error {
	if b.over.Load() || b.keep.Load() && !b.read.Load() {
		return nil
	}
	return b.source.Close()
}

func (b *streamed) end(*gateway.Exchange) { b.over.Store(true) }

// mayTrail reports whether net/http takes name as that of a trailer field. Those that it
// refuses say how the message is framed (RFC 9110, section 6.5.1).
func mayTrail(name string) bool {
	switch name {
	case "Transfer-Encoding", "Content-Length", "Trailer", "Host":
		return false
	}
	return true
}
