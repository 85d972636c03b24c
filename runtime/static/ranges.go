package static

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// maxSpans is how many ranges a request may ask for before it gets the whole file.
const maxSpans = 100

var (
	errMalformedRange = errors.New("invalid range")
	errNoOverlap      = errors.New("invalid range: failed to overlap")
)

// A span is a part of a file.
type span struct{ start, length int64 }

func (s span) contentRange(size int64) string {
	var some [64]byte
	b := append(some[:0], "bytes "...)
	b = strconv.AppendInt(b, s.start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, s.start+s.length-1, 10)
	b = append(b, '/')
	b = strconv.AppendInt(b, size, 10)
	return string(b)
}

// requestedSpans returns the parts of f that are asked for, none for all of it.
// Spans are appended to buf.
func requestedSpans(r *gateway.Request, buf []span, f *representation) ([]span, error) {
	field := r.Header.Get("Range")
	// Only GET knows ranges (RFC 9110, section 14.2). An empty file is sent as it is: some
	// clients put a Range into each request.
	if field == "" || r.Method != "GET" || f.size == 0 || !rangeHolds(r, f.etag, f.modified) {
		return nil, nil
	}
	spans, err := parseRange(field, buf, f.size)
	if err != nil {
		return nil, err
	}
	// Parts that are together longer than the file, or a great many of them, are an attack
	// or a mistake (RFC 9110, section 17.15).
	var sum int64
	for _, s := range spans {
		sum += s.length
	}
	if sum > f.size || len(spans) > maxSpans {
		return nil, nil
	}
	if len(spans) > 1 && f.coding != "" {
		return nil, nil // a Content-Encoding of a multipart body would be that of all of it
	}
	return spans, nil
}

// parseRange reads a Range field (RFC 9110, section 14.1.2). Of the ranges, those that
// lie behind the end are left out. A unit other than bytes is refused, too.
func parseRange(field string, buf []span, size int64) ([]span, error) {
	unit, set, ok := strings.Cut(field, "=")
	if !ok || !gateway.EqualName(strings.TrimSpace(unit), "bytes") {
		return nil, errMalformedRange
	}
	seen := false
	for item := range gateway.SplitList(set) {
		seen = true
		first, last, ok := strings.Cut(item, "-")
		if !ok {
			return nil, errMalformedRange
		}
		s, err := parseSpan(strings.TrimRight(first, " \t"), strings.TrimLeft(last, " \t"), size)
		if err != nil {
			return nil, err
		}
		// One more than is served will do to know that there are too many.
		if s.length > 0 && len(buf) <= maxSpans {
			buf = append(buf, s)
		}
	}
	switch {
	case !seen:
		return nil, errMalformedRange
	case len(buf) == 0:
		return nil, errNoOverlap
	}
	return buf, nil
}

// parseSpan reads one range. One that lies behind the end is empty.
func parseSpan(first, last string, size int64) (span, error) {
	if first == "" { // the last bytes
		n, ok := parseNumber(last)
		if !ok {
			return span{}, errMalformedRange
		}
		n = min(n, size)
		return span{size - n, n}, nil
	}
	start, ok := parseNumber(first)
	if !ok {
		return span{}, errMalformedRange
	}
	end := int64(math.MaxInt64)
	if last != "" {
		if end, ok = parseNumber(last); !ok || end < start {
			return span{}, errMalformedRange
		}
	}
	if start >= size {
		return span{}, nil
	}
	return span{start, min(end, size-1) - start + 1}, nil
}

// parseNumber reads digits; a number that is too large becomes the largest.
func parseNumber(s string) (int64, bool) {
	var n int64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(c-'0')
	}
	return n, s != ""
}

// sendSpans makes p a partial response (RFC 9110, section 15.3.7). The file is closed if that fails.
func (s *site) sendSpans(p *gateway.Response, r *representation, spans []span) error {
	p.Status = 206
	if len(spans) > 1 {
		sendMultipart(p, r, spans)
		return nil
	}
	part := spans[0]
	if r.file == nil {
		p.Bytes = r.data[part.start : part.start+part.length]
	} else {
		if _, err := r.file.Seek(part.start, io.SeekStart); err != nil {
			_ = r.file.Close()
			return s.refuse(500, "500 Internal Server Error", err)
		}
		p.Body = &gateway.FileBody{File: r.file, Left: part.length}
	}
	p.Header.Set("Content-Range", part.contentRange(r.size))
	p.ContentLength = part.length
	return nil
}

// sendMultipart makes p a multipart/byteranges response (RFC 9110, section 14.6).
func sendMultipart(p *gateway.Response, r *representation, spans []span) {
	boundary := rand.Text()
	contentType, from := p.Header.Get("Content-Type"), r.readerAt()
	readers := make([]io.Reader, 0, 2*len(spans)+1)
	var length int64
	text := func(s string) {
		readers = append(readers, strings.NewReader(s))
		length += int64(len(s))
	}
	delimiter := "--" + boundary
	for _, s := range spans {
		text(delimiter + "\r\nContent-Type: " + contentType + "\r\nContent-Range: " + s.contentRange(r.size) + "\r\n\r\n")
		readers = append(readers, io.NewSectionReader(from, s.start, s.length))
		length += s.length
		delimiter = "\r\n--" + boundary
	}
	text(delimiter + "--\r\n")
	p.Header.Set("Content-Type", "multipart/byteranges; boundary="+boundary)
	p.Body, p.ContentLength = &multipart{io.MultiReader(readers...), r.file}, length
}

// multipart is the body of several ranges.
type multipart struct {
	io.Reader
	file *os.File // nil if there's nothing to close
}

func (m *multipart) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
