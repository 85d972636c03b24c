package bodylimit

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const chunkSize = 16 << 10

var chunks = sync.Pool{New: func() any { return new([chunkSize]byte) }}

var (
	errLonger   = errors.New("the body is longer")
	errReleased = errors.New("read of a request body when the exchange was over")
)

// A storeError is a failure of the file, not of the client.
type storeError struct{ cause error }

func (e *storeError) Error() string { return e.cause.Error() }

// A held is a body that has been taken in. A transport may read it in a goroutine that
// outlives the exchange; hence the lock.
type held struct {
	source io.ReadCloser
	size   int64

	mu       sync.Mutex
	offset   int64
	chunks   []*[chunkSize]byte
	first    [1]*[chunkSize]byte // chunks, as long as one is enough
	file     *os.File
	name     string // of the file, if it still has one
	released bool
}

// toMemory reads the source to its end. Memory is taken as the bytes come, not as they
// are announced.
func (h *held) toMemory(limit int64) error {
	h.chunks = h.first[:0]
	return h.take(limit, func() []byte {
		if h.size == int64(len(h.chunks))*chunkSize {
			h.chunks = append(h.chunks, chunks.Get().(*[chunkSize]byte))
		}
		return h.chunks[len(h.chunks)-1][h.size%chunkSize:]
	}, nil)
}

// toFile copies the source to a temporary file.
func (h *held) toFile(limit int64, dir string) error {
	f, err := os.CreateTemp(dir, "body-*") // mode 0600
	if err != nil {
		return &storeError{err}
	}
	h.file = f
	if os.Remove(f.Name()) != nil {
		h.name = f.Name() // some systems keep the name of an open file
	}
	buf := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(buf)
	return h.take(limit, func() []byte { return buf[:] }, func(p []byte) error {
		if _, err := f.Write(p); err != nil {
			return &storeError{err}
		}
		return nil
	})
}

// take reads the source to its end into the space that it is given, and stores it.
func (h *held) take(limit int64, space func() []byte, store func(p []byte) error) error {
	for {
		p := space()
		if rest := limit - h.size + 1; int64(len(p)) > rest {
			p = p[:rest]
		}
		n, err := h.source.Read(p)
		h.size += int64(n)
		if h.size > limit {
			return errLonger
		}
		if store != nil && n > 0 {
			if err := store(p[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// Read reads from memory or file.
func (h *held) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.released:
		return 0, errReleased
	case h.offset >= h.size:
		return 0, io.EOF
	}
	if rest := h.size - h.offset; int64(len(p)) > rest {
		p = p[:rest]
	}
	var n int
	var err error
	if h.file != nil {
		n, err = h.file.ReadAt(p, h.offset)
	} else {
		n = copy(p, h.chunks[h.offset/chunkSize][h.offset%chunkSize:])
	}
	h.offset += int64(n)
	if err == nil && h.offset == h.size {
		err = io.EOF
	}
	return n, err
}

// Close closes the source. What is held stays until the exchange is over.
func (h *held) Close() error { return h.source.Close() }

// release gives the memory and the file back.
func (h *held) release(*gateway.Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	for _, c := range h.chunks {
		chunks.Put(c)
	}
	h.chunks = nil
	if h.file != nil {
		_ = h.file.Close()
		h.file = nil
	}
	if h.name != "" {
		_ = os.Remove(h.name)
		h.name = ""
	}
}
