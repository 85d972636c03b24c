package accesslog

import (
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/log"
)

// A header makes the beginning of lines, as [log.Logger] does. With such a logger, and if it has no more to do with lines, they are written
// here, member by member: to make a list of members first, and lines of that, takes twice as long.
type header interface {
	AppendHead(line []byte, x *gateway.Exchange, now time.Time, level gateway.Level, msg string) (head []byte, ok bool)
}

// direct begins a line, if the logger lets it be made here.
func (e *Entry) direct(m *memory, now time.Time) (line []byte, ok bool) {
	if e.lines.header == nil {
		return nil, false
	}
	return e.lines.header.AppendHead(m.line[:0], e.x, now, gateway.LevelInfo, e.side())
}

// writeRequest writes the line of the request, which has begun.
func (e *Entry) writeRequest(m *memory, b []byte, query, body string, size, length int64) {
	b = append(b, `,"request":{`...)
	if e.lines.bodies {
		b = append(appendText(b, `"body":`, body), ',')
	}
	b = e.appendHeader(m, b, &e.lines.request, e.q.Header, length)
	b = log.AppendEscaped(append(b, `,"host":"`...), e.q.Host)
	b = append(append(b, `","id":"`...), e.id[:]...)
	b = log.AppendEscaped(append(b, `","method":"`...), e.q.Method)
	b = log.AppendEscaped(append(b, `","path":"`...), e.q.Path)
	b = log.AppendEscaped(append(b, `","proto":"`...), e.proto())
	b = log.AppendEscaped(append(b, `","query":"`...), query)
	b = log.AppendEscaped(append(b, `","remote":"`...), e.remote())
	b = appendInt(b, `","size":`, size)
	e.close(m, appendText(b, `,"time":`, e.lines.time.Text(e.start)))
}

// writeResponse is writeRequest for the line of the response.
func (e *Entry) writeResponse(m *memory, b []byte, now time.Time, body string) {
	b = append(b, `,"response":{`...)
	if e.lines.bodies {
		b = append(appendText(b, `"body":`, body), ',')
	}
	b = appendInt(b, `"duration":`, now.Sub(e.start).Microseconds())
	b = e.appendHeader(m, append(b, ','), &e.lines.response, e.header, e.length)
	b = append(append(b, `,"id":"`...), e.id[:]...)
	b = appendInt(b, `","size":`, e.size)
	b = appendInt(b, `,"status":`, int64(e.status))
	e.close(m, appendText(b, `,"time":`, e.lines.time.Text(now)))
}

func (e *Entry) appendHeader(m *memory, b []byte, s *side, h gateway.Header, length int64) []byte {
	b = append(b, `"header":{`...)
	if s.all || len(s.named) > 0 {
		m.fields = s.collect(m.fields[:0], h, length)
		for i := range m.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(log.AppendString(b, m.fields[i].Key), ':')
			b = log.AppendString(b, m.fields[i].Text())
		}
	}
	return append(b, '}')
}

func (e *Entry) close(m *memory, b []byte) {
	m.line = append(b, "}}\n"...)
	e.lines.WriteLine(m.line)
	m.put()
}

// appendText appends a member; name has what comes before its value.
func appendText(b []byte, name, value string) []byte {
	return log.AppendString(append(b, name...), value)
}

func appendInt(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(append(b, name...), value, 10)
}
