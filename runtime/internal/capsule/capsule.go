// Package capsule brings the two forms of HTTP datagrams together (RFC 9297): those in QUIC's own datagrams, beside a
// stream, and the capsules that stand for them on a stream. What stands between two connections sees capsules only.
package capsule

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/quic-go/quic-go/quicvarint"
)

// IsUsed reports whether the stream behind a head with this Capsule-Protocol field holds capsules (RFC 9297, section 3.4).
func IsUsed(field string) bool {
	value, _, _ := strings.Cut(field, ";")
	return strings.TrimSpace(value) == "?1"
}

// datagram is the type of capsules that hold datagrams.
const datagram = 0

// maxDatagram is the size of the largest datagram that QUIC could take.
const maxDatagram = 65535

// A scanner finds where capsules end.
type scanner struct {
	head []byte // what has come of the type and the length
	kind uint64
	rest uint64 // what is still to come of the value
	open bool   // within a value
}

// isBetween reports whether the next byte begins a capsule.
func (s *scanner) isBetween() bool { return !s.open && len(s.head) == 0 }

// scan takes bytes up to the end of a head or of a capsule. It returns how many, and what they have ended.
func (s *scanner) scan(p []byte) (n int, head, end bool) {
	if s.open {
		n = int(min(s.rest, uint64(len(p))))
		s.rest -= uint64(n)
		s.open = s.rest > 0
		return n, false, !s.open
	}
	for n < len(p) {
		s.head = append(s.head, p[n])
		n++
		kind, k, err := quicvarint.Parse(s.head)
		if err != nil {
			continue
		}
		length, _, err := quicvarint.Parse(s.head[k:])
		if err != nil {
			continue
		}
		s.kind, s.rest, s.open, s.head = kind, length, length > 0, s.head[:0]
		return n, true, !s.open
	}
	return n, false, false
}

func appendHead(b []byte, kind uint64, length int) []byte {
	return quicvarint.Append(quicvarint.Append(b, kind), uint64(length))
}

// A Reader reads the capsules of a stream, and between them the datagrams that come beside it.
type Reader struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// NewReader returns a Reader of stream. receive waits for the next datagram, until its context ends. The goroutines
// of the Reader end when stream fails or ends, and with Close.
func NewReader(stream io.Reader, receive func(context.Context) ([]byte, error)) *Reader {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	within := new(sync.Mutex) // held from the first byte of a capsule to the last
	go func() {
		defer cancel()
		_ = w.CloseWithError(copyCapsules(w, stream, within))
	}()
	go func() {
		for {
			p, err := receive(ctx)
			if err != nil {
				return
			}
			b := append(appendHead(make([]byte, 0, len(p)+16), datagram, len(p)), p...)
			within.Lock()
			_, err = w.Write(b)
			within.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return &Reader{r, cancel}
}

// Close ends reading.
func (r *Reader) Close() error {
	r.cancel()
	return r.PipeReader.Close()
}

func copyCapsules(w io.Writer, stream io.Reader, within *sync.Mutex) error {
	var s scanner
	buf := make([]byte, 16<<10)
	defer func() {
		if !s.isBetween() {
			within.Unlock()
		}
	}()
	for {
		n, err := stream.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			if s.isBetween() {
				within.Lock()
			}
			k, _, end := s.scan(p)
			_, werr := w.Write(p[:k])
			if end {
				within.Unlock()
			}
			if werr != nil {
				return werr
			}
			p = p[k:]
		}
		switch {
		case err == io.EOF && !s.isBetween():
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
}

// A Writer writes capsules to a stream, but for datagrams, which it sends beside it. Those that are too large for that are
// dropped (RFC 9297, section 3.5).
type Writer struct {
	stream io.Writer
	send   func([]byte) error
	s      scanner
	apart  bool // the value of a datagram is being collected
	value  []byte
}

// NewWriter returns a Writer to stream.
func NewWriter(stream io.Writer, send func([]byte) error) *Writer {
	return &Writer{stream: stream, send: send}
}

var errTooLarge = errors.New("a capsule of an impossible size")

// Write writes a part of the capsules, which may begin and end anywhere.
func (w *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		inside := w.s.open
		k, head, end := w.s.scan(p)
		switch {
		case head:
			err = w.begin()
		case !inside: // a part of a head
		case w.apart:
			w.value = append(w.value, p[:k]...)
		default:
			_, err = w.stream.Write(p[:k])
		}
		if err != nil {
			return n, err
		}
		if end && w.apart {
			_ = w.send(w.value) // what gets lost is lost: that is what datagrams are for
			w.apart = false
		}
		n += k
		p = p[k:]
	}
	return n, nil
}

// begin is called behind the head of a capsule.
func (w *Writer) begin() error {
	if w.s.rest > 1<<62 {
		return errTooLarge
	}
	if w.s.kind == datagram && w.s.rest <= maxDatagram {
		w.apart, w.value = true, w.value[:0]
		return nil
	}
	_, err := w.stream.Write(appendHead(nil, w.s.kind, int(w.s.rest)))
	return err
}
