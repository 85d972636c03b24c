package tracer

import (
	"errors"
	"net"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/tracking"
)

// A header is a field of requests that becomes an attribute.
type header struct {
	name string
	key  attribute.Key
}

func newHeaders(names []string) []header {
	var list []header
	for _, name := range names {
		list = append(list, header{name, attribute.Key("http.header." + strings.ToLower(name))})
	}
	return list
}

// text is s as UTF-8, which is all that can be exported. What clients send may be anything.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// name is the name of the nth span of a request.
func name(n int, what string) string {
	return strconv.Itoa(n) + what
}

// A list gathers the attributes of a span, which are set all at once, since a span copies its own with each call.
type list struct{ all []attribute.KeyValue }

var lists = sync.Pool{New: func() any { return &list{make([]attribute.KeyValue, 0, 32)} }}

func newList() *list { return lists.Get().(*list) }

// to sets the attributes, and gives the list back. A nil list has none.
func (l *list) to(span trace.Span) {
	if l == nil {
		return
	}
	span.SetAttributes(l.all...)
	clear(l.all)
	l.all = l.all[:0]
	lists.Put(l)
}

func (l *list) append(a ...attribute.KeyValue) { l.all = append(l.all, a...) }

func (l *list) add(key attribute.Key, value string) { l.all = append(l.all, key.String(text(value))) }

// addSome is add if there is a value.
func (l *list) addSome(key attribute.Key, value string) {
	if value != "" {
		l.add(key, value)
	}
}

// describe says what x asks for.
func (t *Tracer) describe(x *gateway.Exchange, c *caller) *list {
	l := newList()
	q := &x.Request
	l.caller(c)
	l.add("http.schema", q.Scheme)
	l.add("http.method", q.Method)
	l.add("http.path", q.Path)
	l.add("http.query", q.RawQuery)
	l.add("net.addr", q.RemoteAddr)
	l.add("net.host", q.Host)
	t.addHeaders(l, q.Header)

	l.method(q.Method)
	l.add("url.scheme", q.Scheme)
	l.add("url.path", q.Path)
	l.addSome("url.query", q.RawQuery)
	l.host(q.Scheme, q.Host)
	if ip, _, err := net.SplitHostPort(q.RemoteAddr); err == nil {
		l.add("client.address", ip)
	}
	if version, ok := strings.CutPrefix(q.Proto, "HTTP/"); ok {
		l.add("network.protocol.version", strings.TrimSuffix(version, ".0")) // "2", but "1.1"
	}
	l.addSome("user_agent.original", q.Header.Get("User-Agent"))
	return l
}

// describeLeg says what is asked of an upstream.
func (t *Tracer) describeLeg(leg *gateway.Exchange, c *caller) *list {
	l := newList()
	q := &leg.Request
	l.caller(c)
	l.requestID(leg)
	l.add("http.schema", q.Scheme)
	l.add("http.method", q.Method)
	l.add("http.path", q.Path)
	l.add("http.query", q.RawQuery)
	l.add("peer.host", q.Host)
	t.addHeaders(l, q.Header)

	l.method(q.Method)
	l.host(q.Scheme, q.Host)
	path := q.RawPath
	if path == "" {
		path = q.Path
	}
	if q.RawQuery != "" {
		path += "?" + q.RawQuery
	}
	l.add("url.full", q.Scheme+"://"+q.Host+path)
	return l
}

func (t *Tracer) addHeaders(l *list, h gateway.Header) {
	for i := range t.headers {
		var values []string
		for v := range h.Values(t.headers[i].name) {
			values = append(values, text(v))
		}
		if values != nil {
			l.append(t.headers[i].key.StringSlice(values))
		}
	}
}

// method is one that the conventions know, or "_OTHER": clients can make up as many as they like.
func (l *list) method(m string) {
	const key = attribute.Key("http.request.method")
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "QUERY":
		l.add(key, m)
	default:
		l.add(key, "_OTHER")
		l.add("http.request.method_original", m)
	}
}

// host is where the request goes to, with the port.
func (l *list) host(scheme, hostport string) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), map[string]string{"http": "80", "https": "443"}[scheme]
	}
	l.addSome("server.address", host)
	if n, err := strconv.Atoi(port); err == nil {
		l.append(attribute.Int("server.port", n))
	}
}

// A place is where a span was made, as attributes.
type place struct{ file, fun attribute.KeyValue }

var places sync.Map // uintptr -> place

// callerOf is the place that has called a method of this package.
func callerOf() place {
	var pcs [12]uintptr
	for _, pc := range pcs[:runtime.Callers(3, pcs[:])] {
		if p, ok := places.Load(pc); ok {
			if p.(place).file.Valid() {
				return p.(place)
			}
			continue // one of this package
		}
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		p := place{attribute.String("caller.file", frame.File), attribute.String("caller.func", frame.Function)}
		if strings.Contains(frame.Function, "/runtime/otel/tracer.") {
			p = place{}
		}
		places.Store(pc, p)
		if p.file.Valid() {
			return p
		}
	}
	return place{}
}

// A caller is the place that calls a handler. It's looked up once: chains are made at start, and what calls a
// handler stays the same.
type caller struct{ known atomic.Pointer[place] }

func (c *caller) place() *place {
	p := c.known.Load()
	if p == nil {
		p = new(callerOf())
		c.known.Store(p)
	}
	return p
}

func (l *list) caller(c *caller) {
	if p := c.place(); p.file.Valid() {
		l.append(p.file, p.fun)
	}
}

// set is for spans that know nothing else.
func (c *caller) set(span trace.Span) {
	if p := c.place(); p.file.Valid() {
		span.SetAttributes(p.file, p.fun)
	}
}

func (l *list) requestID(x *gateway.Exchange) {
	id, _ := tracking.RequestID.Get(x)
	l.addSome("http.id", id)
}

func (l *list) status(status int) {
	l.append(attribute.Int("http.status_code", status))
	if status > 0 { // for no response the conventions have no number
		l.append(attribute.Int("http.response.status_code", status))
	}
}

func recordError(span trace.Span, err error) {
	span.AddEvent("exception", trace.WithAttributes(attribute.String("exception.type", kindOf(err)), attribute.String("exception.message", text(err.Error()))))
}

// fail makes a span one of a failure.
func (l *list) fail(span trace.Span, kind, description string) {
	l.append(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, text(description))
}

// kindOf is a word for an error: of an error of the gateway its code, of one of an upstream what was being done.
func kindOf(err error) string {
	if e, ok := gateway.AsError(err); ok && e.Kind != "" {
		return text(e.Kind)
	}
	if gateway.IsTimeout(err) {
		return "timeout"
	}
	if _, ok := upstreamError(err); ok {
		return "UpstreamError"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return reflect.TypeOf(err).String()
		}
		err = inner
	}
}

func upstreamError(err error) (*gateway.UpstreamError, bool) {
	return errors.AsType[*gateway.UpstreamError](err)
}

func codeText(status int) string {
	if status == 0 {
		return "no response"
	}
	return strconv.Itoa(status)
}
