package gateway

import (
	"io"
	"os"
)

// A FileBody is a body that is the next bytes of a file. Engines have the kernel send it where that is possible.
type FileBody struct {
	File *os.File
	Left int64 // how many bytes there still are
}

// Read reads from the file, up to the end of the body.
func (b *FileBody) Read(p []byte) (int, error) {
	if b.Left <= 0 {
		return 0, io.EOF
	}
	n, err := b.File.Read(p[:min(int64(len(p)), b.Left)])
	b.Left -= int64(n)
	return n, err
}

// Close closes the file.
func (b *FileBody) Close() error { return b.File.Close() }
