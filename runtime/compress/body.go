package compress

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Gzip is the coding gzip (RFC 9110, section 8.4.1.3), with a level of 1, the fastest, to 9. Others stand for 6.
func Gzip(level int) Coding {
	if level < gzip.BestSpeed || level > gzip.BestCompression {
		level = 6
	}
	return Coding{Name: "gzip", New: func() Encoder {
		w, _ := gzip.NewWriterLevel(nil, level) // which fails for other levels only
		return w
	}}
}

const (
	inputSize = 16 << 10
	// largeOutput is what an encoder's output may have grown to and still be kept.
	largeOutput = 1 << 20
)

// An encoder is an Encoder with the memory around it.
type encoder struct {
	Encoder
	out output
	in  []byte // made when it's needed
}

// output collects what an Encoder writes.
type output struct {
	b []byte
	r int // so much has been taken
}

func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

func newPool(c Coding) *sync.Pool {
	return &sync.Pool{New: func() any {
		e := &encoder{Encoder: c.New()}
		e.Reset(&e.out)
		return e
	}}
}

// release gives an encoder back.
func release(pool *sync.Pool, e *encoder) {
	if cap(e.out.b) > largeOutput {
		e.out.b = nil
	}
	e.out.b, e.out.r = e.out.b[:0], 0
	e.Reset(&e.out)
	pool.Put(e)
}

// writeAll compresses p, which is the whole of a body.
func (e *encoder) writeAll(p []byte) {
	_, _ = e.Write(p) // writing to memory doesn't fail
	_ = e.Close()
}

// A body compresses what it reads.
type body struct {
	source io.ReadCloser
	enc    *encoder // nil when err is set
	pool   *sync.Pool
	stream bool // what has come is passed on before more is waited for
	ended  bool // source has
	err    error
	closed atomic.Bool
}

var errClosed = errors.New("compress: read on a closed body")

// Read returns compressed bytes, as soon as there are some.
func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.closed.Load():
		return 0, errClosed
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	o := &b.enc.out
	for o.r == len(o.b) {
		if b.ended {
			b.end(io.EOF)
			return 0, io.EOF
		}
		o.b, o.r = o.b[:0], 0
		if err := b.fill(); err != nil {
			b.end(err) // a body that is cut off doesn't get an end
			return 0, err
		}
	}
	n := copy(p, o.b[o.r:])
	o.r += n
	return n, nil
}

// fill has the encoder write some output, if it will.
func (b *body) fill() error {
	e := b.enc
	if e.in == nil {
		e.in = make([]byte, inputSize)
	}
	n, err := b.source.Read(e.in)
	if n > 0 {
		if _, werr := e.Write(e.in[:n]); werr != nil {
			return werr
		}
	}
	switch {
	case err == io.EOF:
		b.ended = true
		return e.Close()
	case err != nil:
		return err
	case b.stream && n > 0:
		if more, _ := gateway.Buffered(b.source); len(more) == 0 {
			return e.Flush()
		}
	}
	return nil
}

// takeAll compresses the whole body, which is there, and reports whether that could be done. If not, Read says why.
func (b *body) takeAll() bool {
	for !b.ended {
		if err := b.fill(); err != nil {
			b.end(err)
			return false
		}
	}
	return true
}

// end gives the memory back. Only Read does so: Close may interrupt it from another goroutine.
func (b *body) end(err error) {
	release(b.pool, b.enc)
	b.enc, b.err = nil, err
}

// Close closes the body that is compressed.
func (b *body) Close() error {
	b.closed.Store(true)
	return b.source.Close()
}
