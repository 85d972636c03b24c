package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A tee is a body of which a copy is taken as it passes. Who reads it may be in another goroutine, and go on
// when the exchange is over: then nothing is taken any more.
type tee struct {
	source
	body   io.ReadCloser
	length int64 // -1 if unknown

	mu      sync.Mutex
	sealed  bool
	ended   bool   // all of the body has passed
	copied  []byte // in memory
	tooLong bool
	file    *os.File // if it goes to a file instead; never set later
	failed  error    // of writing to the file
	passed  int64
}

// Read reads the body.
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	t.take(p[:n], err)
	return n, err
}

// take takes a copy of p.
func (t *tee) take(p []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sealed {
		return
	}
	t.passed += int64(len(p))
	t.ended = t.ended || err == io.EOF || t.length >= 0 && t.passed == t.length // then nobody may look for the end
	switch {
	case len(p) == 0 || t.failed != nil || t.tooLong:
	case t.file != nil:
		_, t.failed = t.file.Write(p)
	case t.passed > t.max:
		t.tooLong, t.copied = true, nil
	default:
		t.copied = append(t.copied, p...)
	}
}

// Close closes the body.
func (t *tee) Close() error { return t.body.Close() }

// Buffered returns what has come of the body. That it is all is never said, so that it is read here.
func (t *tee) Buffered() (p []byte, all bool) {
	p, _ = gateway.Buffered(t.body)
	return p, false
}

// SetReadDeadline is that of the body, if it has one.
func (t *tee) SetReadDeadline(at time.Time) error { return setReadDeadline(t.body, at) }

func setReadDeadline(body io.Reader, at time.Time) error {
	if b, ok := body.(interface{ SetReadDeadline(time.Time) error }); ok {
		return b.SetReadDeadline(at)
	}
	return errors.ErrUnsupported
}

func (t *tee) hasEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// seal keeps the copy as it is now. It reports what went wrong with the file.
func (t *tee) seal() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sealed {
		return nil
	}
	t.sealed = true
	if t.file == nil {
		return nil
	}
	return errors.Join(t.failed, t.file.Close())
}

// text is what is logged of a copy in memory.
func (t *tee) text() string {
	_ = t.seal() // there is no file
	return t.source.text(t.copied, t.ended)
}

// create makes a file whose name nobody else has.
func create(dir, name, suffix string) (file *os.File, base string, err error) {
	for n := 1; ; n++ {
		base = name + suffix
		if n > 1 {
			base = name + "-" + strconv.Itoa(n) + suffix
		}
		file, err = os.OpenFile(filepath.Join(dir, base), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if !errors.Is(err, os.ErrExist) {
			return file, base, err
		}
	}
}

// held is a body that has been read already.
type held struct {
	mu     sync.Mutex // who sends it reads in a goroutine of its own
	rest   []byte
	source io.ReadCloser
}

// Read reads the body.
func (h *held) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := copy(p, h.rest)
	if h.rest = h.rest[n:]; len(h.rest) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// Buffered returns the rest: all of it is there.
func (h *held) Buffered() (p []byte, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rest, true
}

// Close closes the body that has been read.
func (h *held) Close() error { return h.source.Close() }

// SetReadDeadline is that of the body that has been read, if it has one.
func (h *held) SetReadDeadline(at time.Time) error { return setReadDeadline(h.source, at) }
