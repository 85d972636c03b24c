package adapter

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// NewRequest returns the request of x as an http.Handler gets it. The context is that
// of x. What is done to it does not change x, see SetRequest.
func NewRequest(x *gateway.Exchange) *http.Request { return newRequest(x, x.Context()) }

func newRequest(x *gateway.Exchange, ctx context.Context) *http.Request {
	q := &x.Request
	r := (&http.Request{
		Method:        q.Method,
		URL:           requestURL(q),
		Proto:         q.Proto,
		Header:        Header(q.Header),
		Body:          http.NoBody,
		ContentLength: q.ContentLength,
		Host:          q.Host,
		RemoteAddr:    q.RemoteAddr,
		RequestURI:    q.Target,
		TLS:           q.TLS,
	}).WithContext(ctx)
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(q.Proto)
	for _, p := range q.Params {
		r.SetPathValue(p.Name, p.Value)
	}
	if q.Body == nil {
		r.ContentLength = 0
		return r
	}
	if q.ContentLength < 0 && r.ProtoMajor == 1 {
		r.TransferEncoding = []string{"chunked"}
	}
	setRequestBody(r, q)
	return r
}

// setRequestBody gives r the body of q. As net/http does it, the announced names of the
// trailer are there from the beginning, its values when the body has been read.
func setRequestBody(r *http.Request, q *gateway.Request) {
	b := &requestBody{source: q.Body}
	r.Body = b
	if q.Trailer == nil {
		return
	}
	r.Trailer = make(http.Header)
	for _, name := range announced(r.Header) {
		r.Trailer[name] = nil
	}
	delete(r.Header, "Trailer")
	b.trailer, b.fields = r.Trailer, q.Trailer
}

// requestURL is the URL of a request to a server: without scheme and host, unless the
// method is CONNECT.
func requestURL(q *gateway.Request) *url.URL {
	u := &url.URL{Path: q.Path, RawQuery: q.RawQuery}
	if q.Method == http.MethodConnect && !strings.HasPrefix(q.Target, "/") {
		u.Host = q.Host
		return u
	}
	setRawPath(u, q.RawPath)
	u.ForceQuery = q.RawQuery == "" && strings.HasSuffix(q.Target, "?")
	return u
}

// setRawPath keeps an encoding of the path that is not the one which Go would choose.
func setRawPath(u *url.URL, raw string) {
	if raw != "" && u.EscapedPath() != raw {
		u.RawPath = raw
	}
}

// SetRequest makes r the request of x. What r does not change keeps its form: the order
// and spelling of the header, the encoding of the path, the target.
func SetRequest(x *gateway.Exchange, r *http.Request) {
	q := &x.Request
	q.Method, q.Host, q.RemoteAddr = r.Method, r.Host, r.RemoteAddr
	if r.RequestURI != "" {
		q.Target = r.RequestURI
	}
	if r.URL.Scheme != "" {
		q.Scheme = r.URL.Scheme
	}
	setPath(q, r.URL)
	for i, p := range q.Params {
		if v := r.PathValue(p.Name); v != p.Value {
			q.Params = append([]gateway.Field(nil), q.Params...)
			q.Params[i].Value = v
		}
	}
	setFields(q, r)
	if r.ContentLength != q.ContentLength {
		q.ContentLength = r.ContentLength
		if r.ContentLength < 0 {
			q.Header.Del("Content-Length")
		} else if q.Header.Has("Content-Length") {
			q.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
		}
	}
}

// setPath takes over path and query. An unchanged path keeps its encoding.
func setPath(q *gateway.Request, u *url.URL) {
	if u.Path != q.Path || u.RawPath != "" && u.RawPath != q.RawPath {
		q.Path, q.RawPath = u.Path, u.EscapedPath()
	}
	q.RawQuery = u.RawQuery
}

// setFields takes over header and body.
func setFields(q *gateway.Request, r *http.Request) {
	old := q.Header
	q.Header = Fields(r.Header, old)
	if setBody(q, r) {
		for value := range old.Values("Trailer") {
			q.Header.Add("Trailer", value) // setRequestBody took it away
		}
	}
}

// setBody takes over the body of r and its trailer, if it is another one than q has. It
// reports whether q keeps a body with a trailer.
func setBody(q *gateway.Request, r *http.Request) (kept bool) {
	if b, ok := r.Body.(*requestBody); ok && b.source == q.Body {
		return b.trailer != nil
	}
	q.Body, q.Trailer = nil, nil
	if r.Body == nil || r.Body == http.NoBody {
		return false
	}
	q.Body = r.Body
	if trailer := r.Trailer; trailer != nil {
		q.Trailer = func() gateway.Header { return Fields(trailer, nil) }
	}
	return false
}

// A requestBody is the body of a request as Go handlers see it. It can't be read when
// the call is over, because the engine may use the memory for another request then.
type requestBody struct {
	mu      sync.Mutex
	source  io.ReadCloser
	over    bool
	trailer http.Header // filled in at the end of the body
	fields  func() gateway.Header
}

// Read reads the body, and the trailer at its end.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.source.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		b.readTrailer()
	case errors.Is(err, gateway.ErrTooLarge):
		err = &tooLarge{err}
	}
	return n, err
}

func (b *requestBody) readTrailer() {
	if b.fields == nil {
		return
	}
	for _, f := range b.fields() {
		b.trailer.Add(f.Name, f.Value)
	}
	b.fields = nil
}

// Close closes nothing: the body is the engine's to close. It only ends reading.
func (b *requestBody) Close() error {
	b.end()
	return nil
}

func (b *requestBody) end() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
}

// tooLarge is gateway.ErrTooLarge in the form that Go handlers look for as well.
type tooLarge struct{ cause error }

func (e *tooLarge) Error() string   { return e.cause.Error() }
func (e *tooLarge) Unwrap() []error { return []error{e.cause, &http.MaxBytesError{}} }
