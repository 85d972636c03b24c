package accesslog

import (
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// An entry is what a line tells: first that of the request, then that of the response.
type entry struct {
	log    *logger
	x      *gateway.Exchange
	side   string // "server" or "client"
	id     string
	start  time.Time
	now    time.Time
	query  string
	status int
	size   int64
	header gateway.Header
	length int64 // the Content-Length that is not in header, or -1
}

// begin writes the request line. What it returns is for the case that nothing
// comes back, because of a panic: whoever recovers from it answers 500.
func (l *logger) begin(side string, x *gateway.Exchange) entry {
	r := &x.Request
	e := entry{log: l, x: x, side: side, id: idOf(x), start: time.Now(), header: r.Header, length: -1}
	e.now = e.start
	e.query = replace.Apply(l.request.queries, r.RawQuery)
	if r.Body != nil {
		e.size, e.length = r.ContentLength, r.ContentLength
	}
	e.write(&l.request, "request")
	e.status, e.size, e.header, e.length = 500, -1, nil, -1
	return e
}

// answered takes over the response of the exchange.
func (e *entry) answered() {
	r := &e.x.Response
	e.status, e.header, e.size = r.Status, r.Header, contentLength(e.x)
	e.length = e.size
	if e.status == 0 {
		e.status = 200
	}
}

// lost is for an exchange without a response.
func (e *entry) lost() { e.status, e.size = 0, 0 }

// end writes the response line.
func (e *entry) end() {
	e.now = time.Now()
	e.write(&e.log.response, "response")
}

// contentLength is that of the response, or -1 if it has none.
func contentLength(x *gateway.Exchange) int64 {
	r := &x.Response
	switch {
	case r.Status == 204 || 100 <= r.Status && r.Status < 200: // RFC 9110, section 8.6
		return -1
	case r.Body != nil:
		return r.ContentLength
	case len(r.Bytes) == 0 && (x.Request.Method == "HEAD" || r.Status == 304):
		return r.ContentLength
	}
	return int64(len(r.Bytes))
}

// A leg has neither a peer nor a version of its own yet: those of the client tell more.
func (e *entry) remote() string {
	if p := e.x.Parent; p != nil && e.x.Request.RemoteAddr == "" {
		return p.Request.RemoteAddr
	}
	return e.x.Request.RemoteAddr
}

func (e *entry) proto() string {
	if p := e.x.Parent; p != nil && e.x.Request.Proto == "" {
		return p.Request.Proto
	}
	return e.x.Request.Proto
}

func (e *entry) time() string            { return e.log.time.Text(e.now) }
func (e *entry) duration() time.Duration { return e.now.Sub(e.start) }

// write hands the line to the logger.
func (e *entry) write(s *side, name string) {
	m := memories.Get().(*memory)
	if s.format != nil {
		m.line = e.appendFormat(m.line[:0], s, m)
		e.log.WriteLine(m.line)
	} else {
		m.fields = s.collect(m.fields[:0], e.header, e.length)
		if s == &e.log.request {
			m.members = e.requestMembers(m)
		} else {
			m.members = e.responseMembers(m)
		}
		m.attrs[0] = gateway.Object(name, m.members...)
		e.log.Log(e.x, gateway.LevelInfo, e.side, m.attrs[:]...)
	}
	m.put()
}

// requestMembers are sorted, like those of all objects in log lines.
func (e *entry) requestMembers(m *memory) []gateway.Attr {
	r := &e.x.Request
	return append(m.members[:0],
		gateway.Object("header", m.fields...),
		gateway.String("host", r.Host),
		gateway.String("id", e.id),
		gateway.String("method", r.Method),
		gateway.String("path", r.Path),
		gateway.String("proto", e.proto()),
		gateway.String("query", e.query),
		gateway.String("remote", e.remote()),
		gateway.Int("size", e.size),
		gateway.String("time", e.time()),
	)
}

func (e *entry) responseMembers(m *memory) []gateway.Attr {
	return append(m.members[:0],
		gateway.Micros("duration", e.duration()),
		gateway.Object("header", m.fields...),
		gateway.String("id", e.id),
		gateway.Int("size", e.size),
		gateway.Int("status", int64(e.status)),
		gateway.String("time", e.time()),
	)
}

// A memory is what making a line needs and the next line can use again.
type memory struct {
	line    []byte
	attrs   [1]gateway.Attr
	members []gateway.Attr
	fields  []gateway.Attr
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// put gives m back. One huge line must not hold its memory for good.
func (m *memory) put() {
	if cap(m.line) > 64<<10 || cap(m.fields) > 256 {
		return
	}
	clear(m.attrs[:])
	clear(m.members)
	clear(m.fields)
	memories.Put(m)
}
