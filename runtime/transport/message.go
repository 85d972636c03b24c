package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// smallBody is the size up to which a body of known length is read before the request is
// sent. Head and body then go out in one write, and a connection that turns out
// to be stale can be replaced without an error, for which the body must be at hand again.
const smallBody = 4 << 10

// A message holds what a http.Request points to, for reuse by the next one.
//
// Goroutines of net/http read a request even after RoundTrip has returned: the
// upstream may answer before it has been written. So a message is reused only if its
// WroteRequest hook has told that the last attempt at writing is over. The http.Request
// itself and its context are never reused, since the connection's read loop cancels that
// context some time later, nor is anything after an error.
type message struct {
	url      url.URL
	header   http.Header
	values   []string // backs the values in header
	small    []byte   // the body, if it is a small one
	reader   bytes.Reader
	body     io.ReadCloser                 // closes nothing, reads reader
	again    func() (io.ReadCloser, error) // small from its start
	trace    httptrace.ClientTrace         // is never changed
	begun    atomic.Bool                   // the head has been written
	sent     atomic.Bool                   // nothing reads the message any more
	progress progress

	mu       sync.Mutex // guards what follows: 1xx responses come in another goroutine
	interim  func(status int, h gateway.Header) error
	interims int // how many there were
}

var messages = sync.Pool{New: func() any { return newMessage() }}

func newMessage() *message {
	m := &message{header: make(http.Header)}
	m.body = io.NopCloser(&m.reader)
	m.again = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.small)), nil }
	m.trace.GotConn = func(httptrace.GotConnInfo) { m.sent.Store(false) } // each attempt starts so
	m.trace.WroteHeaders = func() { m.begun.Store(true) }
	m.trace.WroteRequest = func(httptrace.WroteRequestInfo) { m.sent.Store(true) }
	m.trace.Got1xxResponse = m.got1xx
	m.progress.hook(&m.trace)
	return m
}

// release gives m back for the next request, if that is safe.
func (m *message) release() {
	if !m.sent.Load() || len(m.values) > 128 {
		return
	}
	clear(m.header)
	clear(m.values)
	m.url, m.interim = url.URL{}, nil
	messages.Put(m)
}

// A legContext is the context of a leg in which httptrace finds the hooks of a message.
// httptrace.WithClientTrace would do with several allocations what this does with one.
type legContext struct {
	context.Context
	trace *httptrace.ClientTrace
}

func (c *legContext) Value(key any) any {
	if key == traceKey {
		return c.trace
	}
	return c.Context.Value(key)
}

// traceKey is the key by which httptrace looks for its hooks in a context.
var traceKey = func() any {
	var p keyProbe
	p.Context = context.Background()
	httptrace.ContextClientTrace(&p)
	return p.key
}()

type keyProbe struct {
	context.Context
	key any
}

func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// request makes the http.Request of leg.
func (m *message) request(t *Transport, leg *gateway.Exchange) (*http.Request, error) {
	r := &leg.Request
	m.begun.Store(false)
	m.sent.Store(false)
	m.progress.begin(t)
	m.interim, m.interims = leg.Interim, 0
	SetTarget(&m.url, r, t.proxied)
	m.setHeader(t, r)
	template := http.Request{
		Method: r.Method,
		URL:    &m.url,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, // net/http heeds Expect from 1.1 on only
		Header: m.header,
		Close:  t.conns.leaving.Load() > 0, // so that none of them becomes idle
	}
	req := template.WithContext(&legContext{leg.Context(), &m.trace})
	if r.Body == nil || r.ContentLength == 0 && r.Trailer == nil {
		return req, nil
	}
	if 0 < r.ContentLength && r.ContentLength <= smallBody && r.Trailer == nil && !r.Header.Has("Expect") {
		if err := m.readSmall(r); err != nil {
			return nil, err
		}
		req.Body, req.GetBody, req.ContentLength = m.body, m.again, r.ContentLength
		return req, nil
	}
	upload(req, t, leg)
	return req, nil
}

// SetTarget makes u the URL whose request target is RawPath and RawQuery as they are. A url.URL
// sends its RawPath only if it would have encoded the path likewise; Opaque is sent always, but may
// not begin with two slashes, and isn't completed for a forward proxy, which proxied tells of.
func SetTarget(u *url.URL, r *gateway.Request, proxied bool) {
	raw := r.RawPath
	u.Scheme, u.Host = r.Scheme, r.Host
	u.RawQuery = r.RawQuery
	if strings.IndexByte(r.RawQuery, ' ') >= 0 { // it would end the target
		u.RawQuery = strings.ReplaceAll(r.RawQuery, " ", "%20")
	}
	switch {
	case raw == "" || !plainPath(raw):
		u.Path = r.Path
	case !proxied && !strings.HasPrefix(raw, "//"):
		u.Opaque = raw
	default:
		u.Path, u.RawPath = r.Path, raw
		if u.EscapedPath() != raw { // an absolute target does it for everybody (RFC 9112, section 3.2.2)
			u.Opaque = "//" + r.Host + raw
		}
	}
}

// plainPath reports whether path can be sent without breaking the request line.
func plainPath(path string) bool {
	if path[0] != '/' {
		return path == "*"
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c == '?' || c == '#' || c == 0x7f {
			return false
		}
	}
	return true
}

// setHeader fills m.header by the fields of r but those that net/http makes.
func (m *message) setHeader(t *Transport, r *gateway.Request) {
	m.values = m.values[:0]
	if cap(m.values) < len(r.Header) {
		m.values = make([]string, 0, len(r.Header))
	}
	for i := range r.Header {
		f := &r.Header[i]
		name := textproto.CanonicalMIMEHeaderKey(f.Name)
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		case "Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "Http2-Settings":
			if t.only2 { // not in HTTP/2 (RFC 9113, section 8.2.2)
				continue
			}
		}
		if earlier, ok := m.header[name]; ok {
			m.header[name] = another(name, earlier, f.Value)
			continue
		}
		n := len(m.values)
		m.values = append(m.values, f.Value)
		m.header[name] = m.values[n : n+1 : n+1]
	}
	if _, ok := m.header["User-Agent"]; !ok {
		m.header["User-Agent"] = nil // or net/http would add its own
	}
	// These are idempotent, too (RFC 9110, section 9.2.2). The empty field isn't sent, but lets
	// net/http repeat the request when a kept connection turns out to be closed.
	if r.Method == http.MethodPut || r.Method == http.MethodDelete {
		if _, ok := m.header["Idempotency-Key"]; !ok {
			m.header["Idempotency-Key"] = nil
		}
	}
}

// another adds a further value of the same name. HTTP/2 may split Cookie, HTTP/1.1 may not (RFC 9113, section 8.2.3).
func another(name string, earlier []string, value string) []string {
	if name == "Cookie" {
		return []string{earlier[0] + "; " + value}
	}
	return append(earlier, value)
}

// tooManyInterims is more 1xx responses than an upstream sends that means well.
// net/http counts them not if there is a hook.
const tooManyInterims = 100

var errInterims = errors.New("too many informational responses")

// got1xx passes an informational response on. It waits for the client, if it must, before
// the transport reads on.
func (m *message) got1xx(status int, header textproto.MIMEHeader) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interims++
	switch {
	case m.interims > tooManyInterims:
		return errInterims
	case m.interim == nil, status == http.StatusContinue:
		// A 100 makes net/http read the body, and that makes the client's side ask for it: passed on, too, it would come twice.
		return nil
	}
	return m.interim(status, flatten(nil, http.Header(header)))
}

// endInterim returns when no informational response is being passed on, and lets no
// further one through: the final response may be under way.
func (m *message) endInterim() {
	m.mu.Lock()
	m.interim = nil
	m.mu.Unlock()
}
