package http3server

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/qpack"
	"golang.org/x/net/http/httpguts"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A block encodes a field section (RFC 9204).
type block struct {
	buf     bytes.Buffer
	encoder *qpack.Encoder
}

var blocks = sync.Pool{New: func() any {
	k := new(block)
	k.encoder = qpack.NewEncoder(&k.buf)
	return k
}}

// field adds a field. A name that is none is left out, and what can't stand in a value becomes a blank.
func (k *block) field(name, value string) {
	name = lower(name)
	if !httpguts.ValidHeaderFieldName(name) {
		return
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		value = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7f {
				return ' '
			}
			return r
		}, value)
	}
	k.add(name, strings.Trim(value, " \t"))
}

func (k *block) add(name, value string) {
	_ = k.encoder.WriteField(qpack.HeaderField{Name: name, Value: value}) // to memory
}

// appendTo appends the frame, and ends the use of k.
func (k *block) appendTo(b []byte) []byte {
	if b == nil {
		b = make([]byte, 0, k.buf.Len()+64)
	}
	b = append(appendFrame(b, frameHeaders, k.buf.Len()), k.buf.Bytes()...)
	_ = k.encoder.Close()
	k.buf.Reset()
	blocks.Put(k)
	return b
}

// appendHead appends the head of a response.
func appendHead(b []byte, status int, h http.Header) []byte {
	k := blocks.Get().(*block)
	k.add(":status", statusText(status))
	for name, values := range h {
		for _, v := range values {
			k.field(name, v)
		}
	}
	return k.appendTo(b)
}

// appendTrailer appends the trailer of a response.
func appendTrailer(b []byte, h gateway.Header) []byte {
	k := blocks.Get().(*block)
	for _, f := range h {
		k.field(f.Name, f.Value)
	}
	return k.appendTo(b)
}

// lowered are names of fields that are frequent, as they stand in a map of net/http, and as HTTP/3 wants them.
var lowered = func() map[string]string {
	m := make(map[string]string)
	for _, name := range []string{
		"Accept-Ranges", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Age", "Allow", "Alt-Svc", "Cache-Control",
		"Connection", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
		"Content-Range", "Content-Security-Policy", "Content-Type", "Date", "Etag", "Expires", "Last-Modified", "Link", "Location",
		"Referrer-Policy", "Retry-After", "Server", "Set-Cookie", "Strict-Transport-Security", "Trailer", "Vary", "Via",
		"Www-Authenticate", "X-Content-Type-Options", "X-Frame-Options", "X-Request-Id", "X-Xss-Protection",
	} {
		m[name] = strings.ToLower(name)
	}
	return m
}()

func lower(name string) string {
	if l, ok := lowered[name]; ok {
		return l
	}
	return strings.ToLower(name)
}

// A stamp is the Date field of one second.
type stamp struct {
	second int64
	field  []string
}

var lastStamp atomic.Pointer[stamp]

// date is the Date field (RFC 9110, section 6.6.1) of now.
func date() []string {
	now := time.Now()
	if s := lastStamp.Load(); s != nil && s.second == now.Unix() {
		return s.field
	}
	s := &stamp{now.Unix(), []string{now.UTC().Format(http.TimeFormat)}}
	lastStamp.Store(s)
	return s.field
}
