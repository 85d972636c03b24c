package wire

import (
	"bytes"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A memo is what the fields of the last message on a connection said. Clients repeat themselves, and so do upstreams that are asked for
// the same: what a head has in common with the one before it neither is read again nor takes memory again. (HTTP/2 compresses fields for
// the same reason.)
type memo struct {
	fields string // as they came, with the empty line
	header gateway.Header
	reader fieldReader // when it had read them
	others int         // how many messages in a row had other fields
}

const (
	// memoSize and memoFields are up to which size heads are kept.
	memoSize   = 2 << 10
	memoFields = 32
	// memoTries is after how many messages in a row with other fields most of them are not kept, since the next ones will be
	// others, too.
	memoTries = 4
	// memoPause is how many of them aren't.
	memoPause = 16
)

// keeps reports whether the fields of this message, h, are to be kept.
func (m *memo) keeps(head string, h gateway.Header) bool {
	if len(head) > memoSize || len(h) > memoFields {
		return false
	}
	m.others++
	return m.others <= memoTries || m.others%memoPause == 0
}

// keep keeps the fields of a message, of which r has made h.
func (m *memo) keep(fields string, h gateway.Header, r *fieldReader) {
	m.fields, m.header, m.reader = fields, append(m.header[:0], h...), *r
}

// again appends the fields to h, and has r know what they said.
func (m *memo) again(h gateway.Header, r *fieldReader) gateway.Header {
	m.others = 0
	minor := r.minor
	*r = m.reader
	r.minor = minor
	return append(h, m.header...)
}

// A requestMemo is the memo of the requests of a client.
type requestMemo struct {
	memo
	line string          // the request line, with its end
	said gateway.Request // what it said
}

// match returns the length of the head at the start of b, and that of its first line, if its fields are those of m. m may be nil.
func (m *requestMemo) match(b []byte) (head, line int) {
	if m == nil || m.fields == "" {
		return 0, 0
	}
	if line = len(m.line); !begins(b, m.line) {
		line = bytes.IndexByte(b, '\n') + 1
	}
	if line == 0 || !begins(b[line:], m.fields) {
		return 0, 0
	}
	return line + len(m.fields), line
}

// parse is parseRequest for a head that matches, of which line is the first line.
func (m *requestMemo) parse(line []byte, q *gateway.Request) (framing, *Fault) {
	r := fieldReader{minor: m.reader.minor}
	if string(line) == m.line {
		s := &m.said
		q.Method, q.Target, q.Proto, q.Host = s.Method, s.Target, s.Proto, s.Host
		q.Path, q.RawPath, q.RawQuery = s.Path, s.RawPath, s.RawQuery
	} else {
		text := string(line)
		if _, fault := r.requestLine(text, q); fault != nil {
			return framing{}, fault
		}
		if r.minor != m.reader.minor { // the fields may have another meaning
			return parseRequest(text+m.fields, q, nil)
		}
		if len(text) <= memoSize {
			m.keepLine(text, q)
		}
	}
	q.Header = m.again(q.Header[:0], &r)
	return r.request(q)
}

func (m *requestMemo) keepLine(line string, q *gateway.Request) {
	m.line = line
	m.said = gateway.Request{
		Method: q.Method, Target: q.Target, Proto: q.Proto, Host: q.Host,
		Path: q.Path, RawPath: q.RawPath, RawQuery: q.RawQuery,
	}
}

// A responseMemo is the memo of the responses of an upstream. Its fields are kept together with the status line.
type responseMemo struct {
	memo
	status int
}

// match returns the head at the start of b if it is that of m, which may be nil; otherwise an empty one.
func (m *responseMemo) match(b []byte) string {
	if m == nil || !begins(b, m.fields) {
		return ""
	}
	return m.fields
}

func begins(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
