package accesslog

import (
	"slices"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log/timestamp"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

// Lines make the log lines of exchanges. They are what [New] is made of, and the package journal.
type Lines struct {
	gateway.Logger
	time              *timestamp.Format
	request, response side
	bodies            bool   // lines tell of them
	header            header // nil if the logger is none
}

// NewLines makes Lines. Bodies says whether they are logged, too.
func NewLines(o Options, bodies bool) *Lines {
	if o.TimeFormat == "" {
		o.TimeFormat = "2006-01-02 15:04:05.000"
	}
	h, _ := o.Logger.(header)
	return &Lines{
		header:   h,
		Logger:   o.Logger,
		time:     timestamp.New(o.TimeFormat, o.Zone),
		request:  newSide(o.Request, requestTags, bodies),
		response: newSide(o.Response, responseTags, bodies),
		bodies:   bodies,
	}
}

// An Entry is what the two lines of an exchange tell.
type Entry struct {
	lines  *Lines
	x      *gateway.Exchange
	leg    bool
	id     id
	start  time.Time
	q      *gateway.Request // of x, or a copy
	status int
	size   int64
	header gateway.Header // of the response
	length int64          // its Content-Length, which isn't in header, or -1
}

// Begin begins the entry of x.
func (l *Lines) Begin(x *gateway.Exchange) Entry {
	e := Entry{
		lines: l, x: x, leg: x.Parent != nil || x.Request.Target == "", start: nowAfter(x.Start), q: &x.Request,
		status: 500, size: -1, length: -1, // unless Answered says otherwise
	}
	e.id = idOf(x, e.start)
	return e
}

// nowAfter is the time that it is, and was start, perhaps, a little earlier. By that it need only ask for how long that is.
func nowAfter(start time.Time) time.Time {
	if start.IsZero() {
		return time.Now()
	}
	return start.Add(time.Since(start))
}

// ID is the log id of the exchange.
func (e *Entry) ID() string { return string(e.id[:]) }

// IsLeg reports whether the exchange is one with an upstream.
func (e *Entry) IsLeg() bool { return e.leg }

// KeepRequest is for a request line that is written later: what it tells stays as it is now.
func (e *Entry) KeepRequest() {
	q := *e.q
	q.RemoteAddr, q.Proto = e.remote(), e.proto()
	q.Header = slices.Clone(q.Header)
	e.q = &q
}

// Answered takes over the response, or err, of the handler that serves the exchange. It makes a response out of
// err if that is for a client, and returns what is left of it.
func (e *Entry) Answered(err error) error {
	x := e.x
	if err != nil && (e.leg || gateway.StatusOf(err) == gateway.LogOnly) {
		e.status, e.size = 0, 0
		return err
	}
	if err != nil {
		x.Fail(err)
	}
	if x.Response.Status == gateway.LogOnly {
		e.status, e.size = 0, 0
		return nil
	}
	e.status, e.header, e.size = x.Response.Status, x.Response.Header, contentLength(x)
	e.length = e.size
	if e.status == 0 {
		e.status = 200
	}
	return nil
}

// KeepResponse is KeepRequest for the line of the response.
func (e *Entry) KeepResponse() { e.header = slices.Clone(e.header) }

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
func (e *Entry) remote() string {
	if p := e.x.Parent; p != nil && e.q.RemoteAddr == "" {
		return p.Request.RemoteAddr
	}
	return e.q.RemoteAddr
}

func (e *Entry) proto() string {
	if p := e.x.Parent; p != nil && e.q.Proto == "" {
		return p.Request.Proto
	}
	return e.q.Proto
}

// side is who is on the other side.
func (e *Entry) side() string {
	if e.leg {
		return "client"
	}
	return "server"
}

// bodySize is the size of the request.
func (e *Entry) bodySize() int64 {
	if e.q.Body == nil {
		return 0
	}
	return e.q.ContentLength
}

// Request writes the line of the request.
func (e *Entry) Request(body string) {
	l, q, s := e.lines, e.q, &e.lines.request
	query, size, length := replace.Apply(s.queries, q.RawQuery), e.bodySize(), int64(-1)
	if q.Body != nil {
		length = size
	}
	m := memories.Get().(*memory)
	if s.format != nil {
		l.WriteLine(e.appendRequest(m, query, body))
		m.put()
		return
	}
	if b, ok := e.direct(m, e.start); ok {
		e.writeRequest(m, b, query, body, size, length)
		return
	}
	m.fields = s.collect(m.fields[:0], q.Header, length)
	m.members = m.members[:0]
	if l.bodies {
		m.members = append(m.members, gateway.String("body", body))
	}
	m.members = append(m.members, // sorted, like those of all objects in log lines
		gateway.Object("header", m.fields...),
		gateway.String("host", q.Host),
		gateway.String("id", e.ID()),
		gateway.String("method", q.Method),
		gateway.String("path", q.Path),
		gateway.String("proto", e.proto()),
		gateway.String("query", query),
		gateway.String("remote", e.remote()),
		gateway.Int("size", size),
		gateway.String("time", l.time.Text(e.start)),
	)
	e.log(m, "request")
}

// Response writes the line of the response. It's for an exchange of which nothing came, too.
func (e *Entry) Response(body string) {
	l, s, now := e.lines, &e.lines.response, nowAfter(e.start)
	m := memories.Get().(*memory)
	if s.format != nil {
		l.WriteLine(e.appendResponse(m, now, body))
		m.put()
		return
	}
	if b, ok := e.direct(m, now); ok {
		e.writeResponse(m, b, now, body)
		return
	}
	m.fields = s.collect(m.fields[:0], e.header, e.length)
	m.members = m.members[:0]
	if l.bodies {
		m.members = append(m.members, gateway.String("body", body))
	}
	m.members = append(m.members,
		gateway.Micros("duration", now.Sub(e.start)),
		gateway.Object("header", m.fields...),
		gateway.String("id", e.ID()),
		gateway.Int("size", e.size),
		gateway.Int("status", int64(e.status)),
		gateway.String("time", l.time.Text(now)),
	)
	e.log(m, "response")
}

func (e *Entry) log(m *memory, name string) {
	m.attrs[0] = gateway.Object(name, m.members...)
	e.lines.Log(e.x, gateway.LevelInfo, e.side(), m.attrs[:]...)
	m.put()
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
	if len(m.members)+len(m.fields) > 0 {
		clear(m.attrs[:])
		clear(m.members)
		clear(m.fields)
		m.members, m.fields = m.members[:0], m.fields[:0]
	}
	memories.Put(m)
}
