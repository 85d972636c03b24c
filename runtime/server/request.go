package server

import (
	"net/http"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/connection"
)

// readRequest fills in the request but its body. Fields of different names come in no
// particular order, as net/http keeps them in a map.
func (e *exchange) readRequest(r *http.Request) {
	q := &e.Request
	q.Method, q.Host, q.Target, q.Proto = r.Method, r.Host, r.RequestURI, r.Proto
	q.Scheme = "http"
	if r.TLS != nil {
		q.Scheme, q.TLS = "https", r.TLS
	}
	q.Path, q.RawQuery = r.URL.Path, r.URL.RawQuery
	if strings.HasPrefix(q.Target, "/") {
		q.RawPath, _, _ = strings.Cut(q.Target, "?")
	} else { // the absolute, authority and asterisk forms (RFC 9112, section 3.2)
		q.RawPath = r.URL.EscapedPath()
	}
	q.RemoteAddr = r.RemoteAddr

	const lineEnd, separators = len("\r\n"), len(": \r\n")
	e.size = len(q.Method) + len(q.Target) + len(q.Proto) + len("  ") + lineEnd + // the request line
		len("Host") + len(q.Host) + separators + lineEnd
	for name, values := range r.Header {
		for _, v := range values {
			q.Header = append(q.Header, gateway.Field{Name: name, Value: v})
			e.size += len(name) + len(v) + separators
		}
	}
	if isListed(r.Header["Connection"]) {
		connection.DropListed(&q.Header)
	}
}

// isListed reports whether there may be fields that the client has meant for this connection alone.
func isListed(options []string) bool {
	for _, list := range options {
		if !gateway.EqualName(list, "keep-alive") && !gateway.EqualName(list, "close") && !gateway.EqualName(list, "upgrade") {
			return true
		}
	}
	return false
}

// readBody fills in the body, and reports whether nobody keeps e because of it.
func (e *exchange) readBody(r *http.Request) (reuse bool) {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return true
	}
	q := &e.Request
	q.ContentLength = r.ContentLength
	e.upload = newUpload(e, r)
	e.body, reuse = e.upload, true
	if r.ProtoMajor != 2 && r.Header["Expect"] != nil { // net/http sees to that of HTTP/2
		e.body, reuse = &expectedBody{upload: e.upload, e: e}, false
	}
	q.Body = e.body
	if len(r.Trailer) > 0 {
		q.Trailer = func() gateway.Header { return trailer(r) }
		for name := range r.Trailer { // net/http has taken the announcement away
			q.Header.Add("Trailer", name)
		}
	}
	return reuse
}

func trailer(r *http.Request) (h gateway.Header) {
	for name, values := range r.Trailer {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	return h
}

// An expectedBody is a body that the client sends when it is told to (RFC 9110,
// section 10.1.1). net/http would tell it at the first read, but without regard to
// another goroutine that passes on an informational response.
type expectedBody struct {
	*upload
	e     *exchange
	asked bool
}

func (b *expectedBody) Read(p []byte) (int, error) {
	if !b.asked {
		b.asked = true
		_ = b.e.sendInterim(http.StatusContinue, nil) // too late if the response has begun
	}
	return b.upload.Read(p)
}
