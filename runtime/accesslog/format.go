package accesslog

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A tag is what may stand between percent signs in a Format.
type tag uint8

const (
	literal tag = iota
	tagID
	tagTime
	tagMethod
	tagPath
	tagQuery
	tagHost
	tagRemote
	tagProto
	tagSize
	tagHeader // all fields
	tagField  // one of them
	tagBody
	tagType
	tagDuration
	tagStatus
)

var requestTags = map[string]tag{
	"id": tagID, "time": tagTime, "method": tagMethod, "path": tagPath, "query": tagQuery, "host": tagHost,
	"remote": tagRemote, "proto": tagProto, "size": tagSize, "header": tagHeader, "body": tagBody, "type": tagType,
}

var responseTags = map[string]tag{
	"id": tagID, "time": tagTime, "duration": tagDuration, "status": tagStatus, "size": tagSize,
	"header": tagHeader, "body": tagBody, "type": tagType,
}

// A segment is a part of a Format.
type segment struct {
	tag   tag
	text  string // of a literal
	field Header // of tagField
}

// parse splits a format. A percent sign that starts no tag stands for itself.
func parse(format string, tags map[string]tag, s *side, bodies bool) []segment {
	segments := []segment{}
	text := ""
	for {
		before, after, found := strings.Cut(format, "%")
		text += before
		if !found {
			break
		}
		inner, rest, closed := strings.Cut(after, "%")
		name := strings.Trim(inner, " \t")
		if !closed || !isTagName(name) {
			text += "%"
			format = after
			continue
		}
		format = rest
		seg := segmentOf(name, tags, s, bodies)
		if seg.tag == literal {
			text += seg.text
			continue
		}
		segments = append(segments, segment{text: text}, seg)
		text = ""
	}
	return append(segments, segment{text: text + "\n"})
}

func isTagName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return name != ""
}

// segmentOf resolves a tag. What is known to be empty is a literal.
func segmentOf(name string, tags map[string]tag, s *side, bodies bool) segment {
	if field, ok := strings.CutPrefix(name, "header."); ok && field != "" {
		field = gateway.CanonicalName(field)
		if i, found := s.find(field); found {
			return segment{tag: tagField, field: s.named[i]}
		}
		if s.all {
			return segment{tag: tagField, field: Header{Name: field}}
		}
		return segment{}
	}
	switch t, ok := tags[name]; {
	case !ok:
		return segment{text: "<undefined:" + name + ">"}
	case t == tagBody && !bodies:
		return segment{}
	default:
		return segment{tag: t}
	}
}

// appendRequest makes the line of a request that the format asks for.
func (e *Entry) appendRequest(m *memory, query, body string) []byte {
	q, s, b := e.q, &e.lines.request, m.line[:0]
	length := int64(-1)
	if q.Body != nil {
		length = q.ContentLength
	}
	for i := range s.format {
		switch seg := &s.format[i]; seg.tag {
		case tagTime:
			b = append(b, e.lines.time.Text(e.start)...)
		case tagMethod:
			b = appendValue(b, q.Method)
		case tagPath:
			b = appendValue(b, q.Path)
		case tagQuery:
			b = appendValue(b, query)
		case tagHost:
			b = appendValue(b, q.Host)
		case tagRemote:
			b = append(b, e.remote()...)
		case tagProto:
			b = append(b, e.proto()...)
		case tagSize:
			b = strconv.AppendInt(b, e.bodySize(), 10)
		case tagBody:
			b = appendValue(b, body)
		case tagHeader:
			m.fields = s.collect(m.fields[:0], q.Header, length)
			b = appendFields(b, m.fields)
		case tagField:
			value, _ := seg.field.value(q.Header, length)
			b = appendValue(b, value)
		default:
			b = e.appendCommon(b, seg)
		}
	}
	m.line = b
	return b
}

// appendResponse is appendRequest for the line of a response.
func (e *Entry) appendResponse(m *memory, now time.Time, body string) []byte {
	s, b := &e.lines.response, m.line[:0]
	for i := range s.format {
		switch seg := &s.format[i]; seg.tag {
		case tagTime:
			b = append(b, e.lines.time.Text(now)...)
		case tagDuration:
			b = strconv.AppendInt(b, now.Sub(e.start).Microseconds(), 10)
		case tagStatus:
			b = strconv.AppendInt(b, int64(e.status), 10)
		case tagSize:
			b = strconv.AppendInt(b, e.size, 10)
		case tagBody:
			b = appendValue(b, body)
		case tagHeader:
			m.fields = s.collect(m.fields[:0], e.header, e.length)
			b = appendFields(b, m.fields)
		case tagField:
			value, _ := seg.field.value(e.header, e.length)
			b = appendValue(b, value)
		default:
			b = e.appendCommon(b, seg)
		}
	}
	m.line = b
	return b
}

// appendCommon appends a segment that means the same in both lines.
func (e *Entry) appendCommon(b []byte, seg *segment) []byte {
	switch seg.tag {
	case tagID:
		return append(b, e.id[:]...)
	case tagType:
		return append(b, e.side()...)
	}
	return append(b, seg.text...)
}

// appendFields appends fields as "map[A:b C:d]".
func appendFields(b []byte, fields []gateway.Attr) []byte {
	b = append(b, "map["...)
	for i := range fields {
		if i > 0 {
			b = append(b, ' ')
		}
		b = appendValue(b, fields[i].Key)
		b = append(b, ':')
		b = appendValue(b, fields[i].Text())
	}
	return append(b, ']')
}

// appendValue appends s, which comes from outside, with its control characters,
// separators of lines, and bytes that are no UTF-8 written as Go does, so that
// nobody can forge lines or speak to a terminal.
func appendValue(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size == 1
		if !broken && !unicode.IsControl(r) && r != '\u2028' && r != '\u2029' {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		if broken || r < utf8.RuneSelf && r != '\n' && r != '\r' && r != '\t' {
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		} else {
			var quoted [12]byte
			q := strconv.AppendQuoteRune(quoted[:0], r)
			b = append(b, q[1:len(q)-1]...)
		}
		i += size
		start = i
	}
	return append(b, s[start:]...)
}
