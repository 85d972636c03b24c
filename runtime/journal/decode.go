package journal

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// decoding limits how many bodies are decoded at a time: a few bytes may ask for megabytes of memory.
var decoding = make(chan struct{}, runtime.GOMAXPROCS(0))

// decode undoes content codings (RFC 9110, section 8.4). It reports false if it can't, or if there are more than
// limit bytes behind them.
func decode(codings string, p []byte, limit int64) ([]byte, bool) {
	decoding <- struct{}{}
	defer func() { <-decoding }()
	list := slices.Collect(gateway.SplitList(codings))
	if len(list) > maxCodings {
		return nil, false
	}
	for _, coding := range slices.Backward(list) { // the last was applied last
		var ok bool
		if p, ok = decodeOne(strings.ToLower(coding), p, limit); !ok {
			return nil, false
		}
	}
	return p, true
}

// maxCodings is more codings than anybody needs.
const maxCodings = 4

func decodeOne(coding string, p []byte, limit int64) ([]byte, bool) {
	var r io.Reader
	var err error
	switch in := bytes.NewReader(p); coding {
	case "identity":
		return p, true
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(in)
	case "deflate":
		r, err = newDeflate(in)
	case "br":
		r = brotli.NewReader(in)
	case "zstd":
		var z *zstd.Decoder
		z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659
		if err == nil {
			defer z.Close()
			r = z
		}
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	return out, err == nil && int64(len(out)) <= limit
}

// newDeflate reads the coding deflate, which is zlib; some take it for what is in there (RFC 9110, section 8.4.1.2).
func newDeflate(in *bytes.Reader) (io.Reader, error) {
	b := bufio.NewReader(in)
	if head, err := b.Peek(2); err == nil && head[0]&15 == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
