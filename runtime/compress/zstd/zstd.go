// Package zstd is the content coding zstd (RFC 8878) for package compress.
package zstd

import (
	"github.com/klauspost/compress/zstd"

	"github.com/aileron-gateway/aileronc/runtime/compress"
)

// window is how far a decoder must be able to look back. RFC 9659 allows 8 MiB at most; each response that is being sent takes
// some times as much.
const window = 1 << 20

// Coding returns the coding with a level of 1, the fastest, to 22, of which there are four steps.
func Coding(level int) compress.Coding {
	return compress.Coding{Name: "zstd", New: func() compress.Encoder {
		e, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithEncoderConcurrency(1), // no goroutines of its own
			zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(window))
		if err != nil {
			panic(err) // the options are constants but for the level, which is brought into its range
		}
		return e
	}}
}
