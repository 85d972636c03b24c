// Package brotli is the content coding br (RFC 7932) for package compress.
package brotli

import (
	"github.com/andybalholm/brotli"

	"github.com/aileron-gateway/aileronc/runtime/compress"
)

// Coding returns the coding with a level of 0, the fastest, to 11.
func Coding(level int) compress.Coding {
	return compress.Coding{Name: "br", New: func() compress.Encoder {
		return brotli.NewWriterLevel(nil, min(max(level, brotli.BestSpeed), brotli.BestCompression))
	}}
}
