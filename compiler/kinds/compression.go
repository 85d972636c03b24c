package kinds

import (
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var compressionMiddleware = Kind{
	APIVersion: "app/v1",
	Name:       "CompressionMiddleware",
	Roles:      []Role{Middleware},
	Stateless:  true,
	New: func() Spec {
		return &CompressionMiddlewareSpec{
			GzipLevel:   6,
			BrotliLevel: 4,
			TargetMIMEs: []string{
				"application/json", "application/manifest+json", "application/graphql+json",
				"text/html", "text/richtext", "text/plain", "text/css", "text/xml",
				"application/xml", "application/xhtml+xml", "image/svg+xml",
				"application/javascript", "text/javascript", "text/js",
			},
			MinimumSize: 1024,
		}
	},
}

// CompressionMiddlewareSpec is the spec of a CompressionMiddleware, which compresses responses as clients ask for by
// Accept-Encoding: with brotli or gzip, and with zstd if it's switched on. The coding that the client likes best is taken; among
// those that it likes equally zstd comes first, then brotli. (AILERON Gateway ignores the client's weights.)
//
// Streams are compressed as they come, without being held back. (AILERON Gateway leaves responses of unknown length alone, and keeps
// event streams from being flushed.) Left alone are responses to HEAD, parts (206), those that are compressed already, and those with
// "Cache-Control: no-transform". A strong ETag becomes a weak one, and Vary tells caches of Accept-Encoding.
//
// A response that holds secrets beside something that the client has sent should not be compressed over TLS: from
// its length, others can guess the secrets (BREACH). It belongs outside of middleware that reads or changes bodies of responses.
type CompressionMiddlewareSpec struct {
	// GzipLevel is the level of gzip, from 1, the fastest, to 9.
	GzipLevel int32 `json:"gzipLevel" min:"1" max:"9"`
	// BrotliLevel is the level of brotli, from 0, the fastest, to 11. -1 stands for 0.
	BrotliLevel int32 `json:"brotliLevel" min:"-1" max:"11"`
	// ZstdLevel is the level of zstd, from 1, the fastest, to 22. Unset, or 0, zstd isn't offered. (AILERON Gateway doesn't have it.)
	ZstdLevel int32 `json:"zstdLevel" min:"0" max:"22" fixed:"true"`
	// TargetMIMEs are the media types that are compressed, without parameters, in any case. An empty list stands for the default one.
	TargetMIMEs []string `json:"targetMIMEs" alt:"TargetMIMEs"`
	// MinimumSize is the length from which on a body is compressed, in bytes. With a negative value all are. Bodies whose length isn't known when they begin are, too.
	MinimumSize int32 `json:"minimumSize"`
}

// Check warns of media types that no response can have.
func (s *CompressionMiddlewareSpec) Check(c *Check) {
	for i := range s.TargetMIMEs {
		switch t := s.TargetMIMEs[i]; {
		case c.Deferred(&s.TargetMIMEs[i]):
		case strings.Contains(t, "*"):
			c.Warnf(&s.TargetMIMEs[i], diag.NoEffect, "%q matches nothing: media types are compared as they are, without wildcards", t)
		case strings.ContainsAny(t, "; \t") || strings.Count(t, "/") != 1:
			c.Warnf(&s.TargetMIMEs[i], diag.NoEffect, "%q is no media type without parameters, like text/html: it matches nothing", t)
		}
	}
}

// Lower returns the middleware.
func (s *CompressionMiddlewareSpec) Lower(l *Lower) ir.Expr {
	codings := ir.List{Elem: ir.Runtime("compress.Coding")}
	if s.ZstdLevel > 0 {
		codings.Items = append(codings.Items, l.Call("compress/zstd.Coding", l.Int(&s.ZstdLevel)))
	}
	codings.Items = append(codings.Items,
		l.Call("compress/brotli.Coding", l.Int(&s.BrotliLevel)),
		l.Call("compress.Gzip", l.Int(&s.GzipLevel)))
	return l.Call("compress.New", l.Struct("compress.Options",
		ir.Set("Codings", codings),
		ir.Set("MIMETypes", l.ifSet(&s.TargetMIMEs, l.Strings(s.TargetMIMEs))),
		ir.Set("MinimumSize", l.Int64(&s.MinimumSize)),
	))
}
