package wire

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

const (
	// maxChunkLine is the length of the longest line that may start a chunk, with its end.
	maxChunkLine = 4 << 10
	// maxExtensions is how many bytes of extensions there may be in a message: hardly anybody uses one.
	maxExtensions = 8 << 10
	// maxTrailer is the length of the longest trailer section.
	maxTrailer = 64 << 10
)

// A chunkState is what a chunkDecoder expects next.
type chunkState uint8

const (
	atSize      chunkState = iota // the first digit
	inSize                        // another digit, or what may follow
	beforeSemi                    // blanks behind an extension
	beforeName                    // the name of an extension, or blanks before it
	inName                        // more of the name
	afterName                     // blanks behind the name
	beforeValue                   // the value of an extension, or blanks before it
	inValue                       // more of a value that is a token
	inQuotes                      // more of a value that is a quoted string
	inEscape                      // what a backslash quotes
	afterQuotes                   // what follows a quoted string
	atLineEnd                     // LF behind the CR of that line
	inData                        // more of the chunk
	afterData                     // CR behind the chunk
	atDataEnd                     // LF behind that
	inTrailer                     // the trailer section
	atEnd                         // nothing
)

// A lineByte is what a byte is in the line that starts a chunk.
type lineByte uint8

const (
	byteNone lineByte = iota // nothing that may be there
	byteText                 // what only a quoted string may have
	byteToken
	byteBlank
	byteSemicolon
	byteEquals
	byteQuote
	byteBackslash
	byteCR
	byteKinds
)

// extensions is the grammar of chunk-ext (RFC 9112, section 7.1.1): which state a byte
// leads to; 0 for a byte that can't be there. Blanks can't at the end of the line, nor behind the size.
var extensions = [...][byteKinds]chunkState{
	inSize:      {byteSemicolon: beforeName, byteCR: atLineEnd},
	beforeSemi:  {byteBlank: beforeSemi, byteSemicolon: beforeName},
	beforeName:  {byteBlank: beforeName, byteToken: inName},
	inName:      {byteToken: inName, byteBlank: afterName, byteEquals: beforeValue, byteSemicolon: beforeName, byteCR: atLineEnd},
	afterName:   {byteBlank: afterName, byteEquals: beforeValue, byteSemicolon: beforeName},
	beforeValue: {byteBlank: beforeValue, byteToken: inValue, byteQuote: inQuotes},
	inValue:     {byteToken: inValue, byteBlank: beforeSemi, byteSemicolon: beforeName, byteCR: atLineEnd},
	inQuotes: {byteText: inQuotes, byteToken: inQuotes, byteBlank: inQuotes, byteSemicolon: inQuotes, byteEquals: inQuotes,
		byteBackslash: inEscape, byteQuote: afterQuotes},
	inEscape: {byteText: inQuotes, byteToken: inQuotes, byteBlank: inQuotes, byteSemicolon: inQuotes, byteEquals: inQuotes,
		byteBackslash: inQuotes, byteQuote: inQuotes},
	afterQuotes: {byteBlank: beforeSemi, byteSemicolon: beforeName, byteCR: atLineEnd},
	atLineEnd:   {},
}

var lineBytes = func() (t [256]lineByte) {
	for i := range t {
		switch {
		case class[i]&inToken != 0:
			t[i] = byteToken
		case class[i]&inText != 0:
			t[i] = byteText
		}
	}
	t[' '], t['\t'], t[';'], t['='] = byteBlank, byteBlank, byteSemicolon, byteEquals
	t['"'], t['\\'], t['\r'] = byteQuote, byteBackslash, byteCR
	return
}()

// A chunkDecoder takes the chunked coding (RFC 9112, section 7.1) off. It keeps no part of its input, but
// copies the trailer section if there is one. Its zero value is ready.
type chunkDecoder struct {
	state     chunkState
	fault     *Fault
	size      int64  // of the chunk while its line is read, then how much of it is still to come
	digits    int    // of the size
	line      int    // length of the line so far
	extension int    // bytes of all extensions so far
	section   []byte // the trailer section so far
	lineStart int    // in section
	fields    gateway.Header
}

// reset makes d ready for another message.
func (d *chunkDecoder) reset() {
	section := d.section[:0]
	if cap(section) > maxChunkLine {
		section = nil
	}
	*d = chunkDecoder{section: section}
}

// trailer returns the fields of the trailer section once decode is done, without those that can't be trailers.
func (d *chunkDecoder) trailer() gateway.Header { return d.fields }

// decode takes what it can of src. data is the next piece of the content, a part of src, maybe empty; n is how much of
// src is used up: data, and what belongs to the coding on both sides of it. done is true
// when that includes the end of the trailer section. If there is neither data nor an end nor a fault, n is len(src).
// After a fault, which is told once the data before it is, there is nothing but that fault.
func (d *chunkDecoder) decode(src []byte) (data []byte, n int, done bool, fault *Fault) {
	for n < len(src) && d.fault == nil && d.state != atEnd {
		switch d.state {
		case inData:
			if data != nil {
				return data, n, false, nil
			}
			data = src[n:]
			if int64(len(data)) >= d.size {
				data = data[:d.size]
				d.state = afterData
			}
			d.size -= int64(len(data))
			n += len(data)
		case afterData:
			n += d.take(src[n] == '\r', atDataEnd)
		case atDataEnd:
			n += d.take(src[n] == '\n', atSize)
		case inTrailer:
			n += d.takeTrailer(src[n:])
		default:
			n += d.takeLine(src[n:])
		}
	}
	if data == nil {
		fault = d.fault
	}
	return data, n, d.state == atEnd, fault
}

// take goes on to the next state if the byte of a line end behind a chunk is right.
func (d *chunkDecoder) take(ok bool, next chunkState) int {
	if !ok {
		return d.fail(0, chunkEnd)
	}
	d.state = next
	return 1
}

// fail ends d behind n bytes. The one that is wrong isn't used up: so there is something to decode
// for the one who asks for what follows the data.
func (d *chunkDecoder) fail(n, rule int) int {
	d.fault = &rules[rule]
	return n
}

// takeLine takes what there is of the line that starts a chunk, and returns how much that is.
func (d *chunkDecoder) takeLine(src []byte) int {
	for n, b := range src {
		if d.line++; d.line > maxChunkLine {
			return d.fail(n, longChunkLine)
		}
		if v := unhex[b]; v >= 0 && d.state <= inSize {
			if d.digits == 16 || d.size > math.MaxInt64>>4 {
				return d.fail(n, hugeChunk)
			}
			d.size = d.size<<4 | int64(v)
			d.digits++
			d.state = inSize
			continue
		}
		if b == '\n' && d.state == atLineEnd {
			d.endLine()
			return n + 1
		}
		next := extensions[d.state][lineBytes[b]]
		if next == 0 {
			return d.fail(n, d.lineRule(b))
		}
		if d.state = next; next != atLineEnd {
			if d.extension++; d.extension > maxExtensions {
				return d.fail(n, manyExtensions)
			}
		}
	}
	return len(src)
}

// lineRule returns the rule against b where it stands.
func (d *chunkDecoder) lineRule(b byte) int {
	switch {
	case d.state == atLineEnd:
		return bareCR
	case b == '\n':
		return bareLF
	case d.state <= inSize:
		return chunkSize
	}
	return chunkExtension
}

// endLine begins what follows the line that starts a chunk.
func (d *chunkDecoder) endLine() {
	d.state = inData
	if d.size == 0 {
		d.state = inTrailer
	}
	d.digits, d.line = 0, 0
}

// takeTrailer takes what there is of the trailer section (RFC 9112, section 7.1.2), and returns how much
// that is.
func (d *chunkDecoder) takeTrailer(src []byte) (n int) {
	if len(d.section) == 0 && len(src) >= 2 && src[0] == '\r' && src[1] == '\n' {
		d.state = atEnd
		return 2
	}
	for n < len(src) {
		part := src[n:]
		lf := bytes.IndexByte(part, '\n')
		if lf >= 0 {
			part = part[:lf+1]
		}
		if len(d.section)+len(part) > maxTrailer {
			return d.fail(n, longTrailer)
		}
		d.section = append(d.section, part...)
		n += len(part)
		if lf < 0 {
			continue
		}
		line := d.section[d.lineStart:]
		d.lineStart = len(d.section)
		switch {
		case len(line) < 2 || line[len(line)-2] != '\r':
			return d.fail(n-1, bareLF)
		case len(line) == 2:
			if d.fields, d.fault = readTrailer(string(d.section)); d.fault != nil {
				return n - 1
			}
			d.state = atEnd
			return n
		}
	}
	return n
}

// readTrailer reads a trailer section, as strictly as a head.
func readTrailer(s string) (h gateway.Header, fault *Fault) {
	for i := 0; i < len(s)-len("\r\n"); {
		if len(h) == maxFields {
			return nil, &rules[manyFields]
		}
		name, value, next, fault := readField(s, i)
		if fault != nil {
			return nil, fault
		}
		h = append(h, gateway.Field{Name: name, Value: value})
		i = next
	}
	h.DelFunc(func(f gateway.Field) bool {
		return slices.ContainsFunc(noTrailers, func(name string) bool { return gateway.EqualName(f.Name, name) })
	})
	return h, nil
}

// noTrailers are the fields that decide what is done with a message before its end is there: on framing,
// routing, modifiers, authentication, content and control data (RFC 9110, section 6.5.1).
var noTrailers = []string{
	"Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range",
	"Content-Type", "Cookie", "Date", "Expect", "Expires", "Forwarded", "Host", "If-Match", "If-Modified-Since",
	"If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Location", "Max-Forwards", "Pragma",
	"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Retry-After", "Set-Cookie", "TE",
	"Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Www-Authenticate", "X-Forwarded-For", "X-Forwarded-Host",
	"X-Forwarded-Port", "X-Forwarded-Proto",
}

// appendChunkSize appends the line that starts a chunk of n bytes.
func appendChunkSize(b []byte, n int) []byte {
	return append(strconv.AppendUint(b, uint64(n), 16), "\r\n"...)
}
