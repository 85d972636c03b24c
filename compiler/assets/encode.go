package assets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/aileron-gateway/aileronc/internal/mediatype"
)

// Encoded is a compressed form of a file.
type Encoded struct {
	Coding string // the name of the content coding
	Suffix string // of the name that such a file has: ".br"
	// Sibling is the file of the tree that it is; nil if it has been made here, and is Data.
	Sibling *File
	Data    []byte
}

// A coding is one that clients decode.
type coding struct {
	name, suffix string
	decode       func(io.Reader) (io.Reader, error)
	// encoders make encoders, which are large; nil for those that need not be made, as all clients that know them know a better one.
	encoders *sync.Pool
}

// An encoder writes to where it's told by Reset.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// The levels are those that take no time to speak of. The highest ones of brotli are a tenth better and a hundred times slower; who
// wants them lays a file beside the file.
var codings = []coding{
	{"br", ".br", func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }, &sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, 7) }}},
	{"zstd", ".zst", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }, nil},
	{"gzip", ".gz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, &sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestCompression) // the level exists
		return z
	}}},
}

// Encode returns the compressed forms of each file: those that stand beside it in the tree, if they are just that, and
// those that are made here for files that become notably smaller.
func Encode(files []File) ([][]Encoded, []Problem) {
	byPath := make(map[string]*File, len(files))
	for i := range files {
		byPath[files[i].Path] = &files[i]
	}
	encoded, problems := make([][]Encoded, len(files)), make([][]Problem, len(files))
	var all sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range files {
		turns <- struct{}{}
		all.Go(func() {
			encoded[i], problems[i] = encodings(&files[i], byPath)
			<-turns
		})
	}
	all.Wait()
	var out []Problem
	for _, p := range problems {
		out = append(out, p...)
	}
	return encoded, out
}

func encodings(f *File, byPath map[string]*File) (out []Encoded, problems []Problem) {
	for _, c := range codings {
		sibling := byPath[f.Path+c.suffix]
		switch {
		case sibling != nil && c.decodes(sibling.Data, f.Data):
			out = append(out, Encoded{Coding: c.name, Suffix: c.suffix, Sibling: sibling})
			continue
		case sibling != nil:
			problems = append(problems, Problem{Path: sibling.Path, Reason: fmt.Sprintf("isn't %s compressed, so it isn't sent in its place", path.Base(f.Path))})
		}
		if c.encoders == nil || !isCompressible(f.Path, f.Data) {
			continue
		}
		if small := c.encoded(f.Data); len(small) < len(f.Data)/10*9 {
			out = append(out, Encoded{Coding: c.name, Suffix: c.suffix, Data: small})
		}
	}
	return out, problems
}

// decodes reports whether data is the content of a file, compressed.
func (c *coding) decodes(data, content []byte) bool {
	r, err := c.decode(bytes.NewReader(data))
	if err != nil {
		return false
	}
	if closer, ok := r.(interface{ Close() }); ok { // of zstd
		defer closer.Close()
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(content))+1))
	return err == nil && bytes.Equal(got, content)
}

func (c *coding) encoded(data []byte) []byte {
	var b bytes.Buffer
	w := c.encoders.Get().(encoder)
	defer c.encoders.Put(w)
	w.Reset(&b)
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return b.Bytes()
}

// isCompressible reports whether it's worth trying: other types are compressed already.
func isCompressible(name string, data []byte) bool {
	if len(data) < 512 { // it fits into one packet anyway
		return false
	}
	t, _, _ := strings.Cut(Type(name, data), ";")
	switch t {
	case "application/json", "application/ld+json", "application/geo+json", "application/manifest+json", "application/xhtml+xml", "application/rss+xml", "application/atom+xml",
		"application/wasm", "application/yaml", "application/vnd.apple.mpegurl", "image/svg+xml", "image/bmp", "image/vnd.microsoft.icon", "font/ttf", "font/otf":
		return true
	}
	return strings.HasPrefix(t, "text/") && !strings.HasSuffix(name, ".svgz")
}

// Type is the media type of a file, by its name or else its content. Unlike at run time, the list of types that a
// system may have isn't asked.
func Type(name string, data []byte) string {
	if t := mediatype.ByExtension(path.Ext(name)); t != "" {
		return t
	}
	return mediatype.Sniff(data)
}
