package static

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

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

// requestedSpans returns the parts of the file that are asked for, none for all of it.
// Spans are appended to buf.
func (h *Handler) requestedSpans(r *gateway.Request, buf []span, size int64, modified time.Time) ([]span, error) {
	field := r.Header.Get("Range")
	// Only GET knows ranges (RFC 9110, section 14.2). An empty file is sent as it is: some
	// clients put a Range into each request.
	if field == "" || r.Method != "GET" || size == 0 || !rangeHolds(r, h.etag, modified) {
		return nil, nil
	}
	spans, err := parseRange(field, buf, size)
	if err != nil {
		return nil, err
	}
	// Parts that are together longer than the file, or a great many of them, are an attack
	// or a mistake (RFC 9110, section 17.15).
	var sum int64
	for _, s := range spans {
		sum += s.length
	}
	if sum > size || len(spans) > maxSpans {
		return nil, nil
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

// sendSpans makes r a partial response (RFC 9110, section 15.3.7) and returns its body.
func sendSpans(r *gateway.Response, f *os.File, spans []span, size int64) (io.ReadCloser, error) {
	r.Status = 206
	if len(spans) > 1 {
		return sendMultipart(r, f, spans, size), nil
	}
	s := spans[0]
	if _, err := f.Seek(s.start, io.SeekStart); err != nil {
		return nil, err
	}
	r.Header.Set("Content-Range", s.contentRange(size))
	r.ContentLength = s.length
	return &section{io.LimitedReader{R: f, N: s.length}, f}, nil
}

// A section is the body of one range.
type section struct {
	io.LimitedReader
	file *os.File
}

// WriteTo lets a connection take the bytes from the file by itself: it knows files
// with a limit.
func (s *section) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, &s.LimitedReader) }

func (s *section) Close() error { return s.file.Close() }

// sendMultipart makes r a multipart/byteranges response (RFC 9110, section 14.6).
func sendMultipart(r *gateway.Response, f *os.File, spans []span, size int64) io.ReadCloser {
	boundary := rand.Text()
	contentType := r.Header.Get("Content-Type")
	readers := make([]io.Reader, 0, 2*len(spans)+1)
	var length int64
	text := func(s string) {
		readers = append(readers, strings.NewReader(s))
		length += int64(len(s))
	}
	delimiter := "--" + boundary
	for _, s := range spans {
		text(delimiter + "\r\nContent-Type: " + contentType + "\r\nContent-Range: " + s.contentRange(size) + "\r\n\r\n")
		readers = append(readers, io.NewSectionReader(f, s.start, s.length))
		length += s.length
		delimiter = "\r\n--" + boundary
	}
	text(delimiter + "--\r\n")
	r.Header.Set("Content-Type", "multipart/byteranges; boundary="+boundary)
	r.ContentLength = length
	return &multipart{io.MultiReader(readers...), f}
}

// multipart is the body of several ranges.
type multipart struct {
	io.Reader
	file *os.File
}

func (m *multipart) Close() error { return m.file.Close() }
