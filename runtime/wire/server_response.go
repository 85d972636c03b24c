package wire

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/answer"
)

// unknown is the length of a body that ends when it ends.
const unknown = -1

// An outBuffer is where a response is made: its head, and as much of its content as one read of the
// upstream brings.
type outBuffer [bufferSize + 4<<10]byte

// send sends the response. An error says why it could not be sent to its end.
func (e *exchange) send() error {
	l := e.c.server.options.Logger
	answer.CheckStatus(&e.Exchange, e.framing.upgrade && !e.isReading(), l)
	err := e.trySend()
	if err != nil && err != answer.ErrAbort {
		answer.Cut(&e.Exchange, err, l)
	}
	return err
}

func (e *exchange) trySend() (err error) {
	defer answer.Rescue(&err)
	p := &e.Response
	if p.Status == 101 {
		return e.upgrade()
	}
	defer answer.Discard(p)
	e.endInterim()
	length, body := e.lengthOf()
	o := sender{exchange: e, buf: outBuffers.Get().(*outBuffer)}
	defer outBuffers.Put(o.buf)
	o.chunked = body && length == unknown && e.framing.minor > 0
	if body && length == unknown && !o.chunked {
		e.last = true // the end of the connection is that of the body
	}
	o.b = e.appendHead(o.buf[:0], length, o.chunked)
	o.head = len(o.b)
	switch {
	case !body:
		return o.flush()
	case p.Body == nil:
		return o.bytes(p.Bytes)
	}
	if d, ok := e.Deadline(); ok { // the client may be slow in taking it
		wd := &e.c.sock.wd
		wd.want, wd.about = earlier(wd.want, instantOf(d)), false
	}
	return o.body(length)
}

// lengthOf returns the length that is announced, or unknown, and whether there is a body.
func (e *exchange) lengthOf() (length int64, body bool) {
	p := &e.Response
	if p.Body == nil {
		length = int64(len(p.Bytes))
	} else {
		length = p.ContentLength
	}
	if p.Status == 204 {
		return unknown, false
	}
	if e.Request.Method == "HEAD" || p.Status == 304 {
		if length == 0 && p.Body == nil {
			length = p.ContentLength
		}
		if length <= 0 { // a length of 0 may as well be one that nobody has set
			length = unknown
		}
		return length, false
	}
	if p.Trailer != nil && e.framing.minor > 0 {
		length = unknown // trailers come after chunks only (RFC 9112, section 7.1.2)
	}
	return max(length, unknown), true
}

// appendHead appends the head of the response.
func (e *exchange) appendHead(b []byte, length int64, chunked bool) []byte {
	b = appendStatus(b, e.Response.Status)
	start, lines := len(b), 0
	dated, upgrade := e.Response.NoDate, false
	for i := range e.Response.Header {
		f := &e.Response.Header[i]
		switch len(f.Name) { // tells nearly all apart
		case 4, 7, 10, 14, 16, 17:
			if e.keepsBack(f) {
				continue
			}
			dated = dated || gateway.EqualName(f.Name, "Date")
			upgrade = upgrade || gateway.EqualName(f.Name, "Upgrade")
		}
		if isToken(f.Name) {
			b = appendLine(b, f.Name, f.Value)
			lines++
		}
	}
	if !areLines(b[start:], lines) {
		b = e.appendMended(b[:start])
	}
	s := e.c.server
	if s.options.AltSvc != "" {
		b = appendField(b, "Alt-Svc", s.options.AltSvc)
	}
	if !dated {
		b = appendDate(b, e.Start)
	}
	switch {
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case length != unknown:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	return append(e.appendConnection(b, upgrade), "\r\n"...)
}

// keepsBack reports whether a field of the response isn't sent as it is.
func (e *exchange) keepsBack(f *gateway.Field) bool {
	switch len(f.Name) {
	case len("Date"):
		return e.Response.NoDate && gateway.EqualName(f.Name, "Date")
	case len("Alt-Svc"):
		return e.c.server.options.AltSvc != "" && gateway.EqualName(f.Name, "Alt-Svc")
	}
	return isFraming(f.Name)
}

// appendMended appends the fields of a response of which some would be more than a line.
func (e *exchange) appendMended(b []byte) []byte {
	for i := range e.Response.Header {
		if f := &e.Response.Header[i]; !e.keepsBack(f) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return b
}

// appendConnection appends what becomes of the connection (RFC 9112, section 9.3 and 9.6).
func (e *exchange) appendConnection(b []byte, upgrade bool) []byte {
	if e.c.server.draining.Load() || e.body != nil && e.body.isLost() {
		e.last = true
	}
	switch {
	case upgrade && e.last && e.Response.Status != 101:
		return append(b, "Connection: close, Upgrade\r\n"...)
	case upgrade: // RFC 9110, section 7.8
		return append(b, "Connection: Upgrade\r\n"...)
	case e.last:
		return append(b, "Connection: close\r\n"...)
	case e.framing.minor == 0:
		return append(b, "Connection: keep-alive\r\n"...)
	}
	return b
}

// appendStatus appends the status line.
func appendStatus(b []byte, status int) []byte {
	if status == 200 {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, gateway.StatusText(status)...)
	return append(b, "\r\n"...)
}

// A dateLine is the Date field of a second.
type dateLine struct {
	second int64
	line   []byte
}

var lastDate atomic.Pointer[dateLine]

// appendDate appends the Date field (RFC 9110, section 6.6.1).
func appendDate(b []byte, t time.Time) []byte {
	second := t.Unix()
	d := lastDate.Load()
	if d == nil || d.second != second {
		line := append([]byte("Date: "), t.UTC().Format("Mon, 02 Jan 2006 15:04:05")...)
		d = &dateLine{second, append(line, " GMT\r\n"...)}
		lastDate.Store(d)
	}
	return append(b, d.line...)
}
