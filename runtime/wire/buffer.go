package wire

import "sync"

// bufferSize is what one read takes at most. It holds the head and the content of most messages.
const bufferSize = 16 << 10

// A buffer is what a connection has while it's busy.
type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer  { return buffers.Get().(*buffer) }
func putBuffer(b *buffer) { buffers.Put(b) }
