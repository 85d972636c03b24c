// Package compress compresses responses as clients ask for by Accept-Encoding (RFC 9110, section 12.5.3).
//
// A body that is there as a whole is compressed at once, and has a length again. Others are compressed as they
// are read; what comes without a known length is passed on as soon as there is nothing more to wait
// for, so that streams stay streams.
//
// Mind that compressing what holds both secrets and something that an attacker chooses lets those guess the secrets who
// see the lengths (the BREACH attack).
package compress

import (
	"io"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/negotiate"
)

// Options are the settings of the middleware.
type Options struct {
	// Codings are the codings that are offered, the preferred one first.
	Codings []Coding
	// MIMETypes are the media types that are compressed, without parameters. Empty stands for the usual ones of text:
	// pages, style sheets, scripts, JSON, XML and SVG.
	MIMETypes []string
	// MinimumSize is the length, in bytes, from which on a body is compressed. It says nothing of bodies
	// whose length isn't known when they begin: those are compressed.
	MinimumSize int64
}

// A Coding is a content coding (RFC 9110, section 8.4.1).
type Coding struct {
	// Name is what Accept-Encoding and Content-Encoding call it.
	Name string
	// New makes an encoder. Encoders are used again.
	New func() Encoder
}

// An Encoder compresses what is written to it.
type Encoder interface {
	io.WriteCloser
	// Flush writes all that can be decoded so far.
	Flush() error
	// Reset begins a new stream to w.
	Reset(w io.Writer)
}

var usual = []string{
	"application/json", "application/manifest+json", "application/graphql+json",
	"text/html", "text/richtext", "text/plain", "text/css", "text/xml",
	"application/xml", "application/xhtml+xml", "image/svg+xml",
	"application/javascript", "text/javascript", "text/js",
}

// New returns the middleware.
func New(o Options) gateway.Middleware {
	if len(o.MIMETypes) == 0 {
		o.MIMETypes = usual
	}
	h := handler{minimum: o.MinimumSize, types: make(map[string]bool, len(o.MIMETypes))}
	for _, t := range o.MIMETypes {
		h.types[strings.ToLower(t)] = true
	}
	for _, c := range o.Codings {
		h.names = append(h.names, c.Name)
		h.pools = append(h.pools, newPool(c))
	}
	return func(next gateway.Handler) gateway.Handler {
		c := h
		c.next = next
		return &c
	}
}

type handler struct {
	names   []string
	pools   []*sync.Pool
	types   map[string]bool
	minimum int64
	next    gateway.Handler
}

// Serve compresses what the next handler answers.
func (h *handler) Serve(x *gateway.Exchange) error {
	if err := h.next.Serve(x); err != nil {
		return err // what an error handler makes of it is small
	}
	if !x.Request.Header.Has("Accept-Encoding") {
		return nil
	}
	p := &x.Response
	if p.Conn != nil || p.Status < 200 {
		return nil
	}
	if !p.Header.HasToken("Vary", "Accept-Encoding") && !p.Header.HasToken("Vary", "*") {
		p.Header.Add("Vary", "Accept-Encoding")
	}
	if x.Request.Method == "HEAD" || !h.fits(p) {
		return nil
	}
	if i := negotiate.Coding(x.Request.Header, h.names); i >= 0 {
		h.compress(x, i)
	}
	return nil
}

// fits reports whether a response has something to compress.
func (h *handler) fits(p *gateway.Response) bool {
	switch p.Status {
	case 204, 205, 206, 304: // the bytes of a 206 are a range of what they are a range of
		return false
	}
	contentType, transform := "", true
	for i := range p.Header {
		f := &p.Header[i]
		switch len(f.Name) {
		case len("Content-Type"):
			if gateway.EqualName(f.Name, "Content-Type") {
				contentType = f.Value
			}
		case len("Cache-Control"): // of the same length as Content-Range
			switch {
			case gateway.EqualName(f.Name, "Content-Range"):
				return false
			case gateway.EqualName(f.Name, "Cache-Control"):
				transform = transform && !hasToken(f.Value, "no-transform") // RFC 9111, section 5.2.2.6
			}
		case len("Content-Encoding"):
			if gateway.EqualName(f.Name, "Content-Encoding") && isCompressed(f.Value) {
				return false
			}
		}
	}
	return transform && h.isListed(contentType) && h.isLong(p)
}

// isListed reports whether a media type is one of those that are compressed.
func (h *handler) isListed(contentType string) bool {
	if i := strings.IndexByte(contentType, ';'); i >= 0 {
		contentType = contentType[:i]
	}
	contentType = strings.TrimSpace(contentType)
	return h.types[contentType] || h.types[strings.ToLower(contentType)]
}

// isLong reports whether the body is long enough, as far as that can be known.
func (h *handler) isLong(p *gateway.Response) bool {
	n := int64(len(p.Bytes))
	if p.Body != nil {
		n = p.ContentLength
		if n < 0 {
			b, all := gateway.Buffered(p.Body)
			if !all {
				return p.Body != gateway.NoBody
			}
			n = int64(len(b))
		}
	}
	return n > 0 && n >= h.minimum
}

// isCompressed reports whether one of the codings in a Content-Encoding compresses. Others may stand below ours.
func isCompressed(value string) bool {
	for t := range gateway.SplitList(value) {
		switch strings.ToLower(t) {
		case "gzip", "x-gzip", "br", "deflate", "compress", "x-compress", "zstd", "dcb", "dcz":
			return true
		}
	}
	return false
}

func hasToken(list, token string) bool {
	for t := range gateway.SplitList(list) {
		if gateway.EqualName(t, token) {
			return true
		}
	}
	return false
}

// compress encodes the response of x.
func (h *handler) compress(x *gateway.Exchange, coding int) {
	p, pool := &x.Response, h.pools[coding]
	h.describe(p, h.names[coding])
	e := pool.Get().(*encoder)
	if p.Body != nil {
		b := &body{source: p.Body, enc: e, pool: pool}
		if _, all := gateway.Buffered(p.Body); !all || p.Trailer != nil || !b.takeAll() {
			b.stream = p.ContentLength < 0
			p.Body, p.ContentLength = b, -1
			return
		}
		_ = p.Body.Close()
		p.Body = nil
	} else {
		e.writeAll(p.Bytes)
	}
	p.Bytes = e.out.b
	x.OnDone(func(*gateway.Exchange) { release(pool, e) })
}

// describe changes the fields that speak of the bytes of the body.
func (h *handler) describe(p *gateway.Response, coding string) {
	encodings := coding
	p.Header.DelFunc(func(f gateway.Field) bool {
		switch {
		case gateway.EqualName(f.Name, "Content-Encoding"):
			if !gateway.EqualName(f.Value, "identity") && f.Value != "" {
				encodings = f.Value + ", " + coding
			}
			return true
		case gateway.EqualName(f.Name, "Accept-Ranges"),
			gateway.EqualName(f.Name, "Content-MD5"), gateway.EqualName(f.Name, "Digest"), // of old times
			gateway.EqualName(f.Name, "Content-Digest"), gateway.EqualName(f.Name, "Repr-Digest"): // RFC 9530
			return true
		}
		return false
	})
	p.Header.Add("Content-Encoding", encodings)
	// Two encodings of the same content aren't the same, byte by byte (RFC 9110, section 8.8.3.3).
	for i := range p.Header {
		if f := &p.Header[i]; gateway.EqualName(f.Name, "ETag") && !strings.HasPrefix(f.Value, "W/") {
			p.Header[i] = gateway.Field{Name: f.Name, Value: "W/" + f.Value}
		}
	}
}
