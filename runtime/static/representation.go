package static

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A representation is a file as it's sent: as it is, or in a coding (RFC 9110, section 3.2).
type representation struct {
	coding      string // empty for as it is
	varies      bool   // there are others
	etag        string
	contentType string    // of the file, whatever the coding
	modified    time.Time // zero if it isn't known
	date        string    // modified, as Last-Modified has it
	size        int64
	file        *os.File // nil if it's data
	data        []byte
}

// send answers with r, as the conditions and ranges of the request have it. The file is closed, or the
// engine's from then on.
func (s *site) send(x *gateway.Exchange, r *representation) error {
	sending := false
	if r.file != nil {
		defer func() {
			if !sending {
				_ = r.file.Close()
			}
		}()
	}
	switch evaluate(&x.Request, r.etag, r.modified) {
	case conditionFails:
		return s.refuse(412, "412 Precondition Failed", nil)
	case notModified:
		s.answerNotModified(x, r)
		return nil
	}
	var few [4]span
	spans, err := requestedSpans(&x.Request, few[:0], r)
	if err != nil {
		return s.refuse(416, err.Error(), nil, gateway.Field{Name: "Content-Range", Value: "bytes */" + strconv.FormatInt(r.size, 10)})
	}
	p := &x.Response
	for _, field := range s.header {
		p.Header.Set(field.Name, field.Value)
	}
	p.Header.Set("Accept-Ranges", "bytes")
	if r.date != "" {
		p.Header.Set("Last-Modified", r.date)
	}
	s.setETag(p, r)
	p.Header.Set("Content-Type", r.contentType)
	if r.coding != "" {
		p.Header.Set("Content-Encoding", r.coding)
	}
	r.setVary(p)
	p.Status, p.ContentLength = 200, r.size
	switch {
	case x.Request.Method == "HEAD":
	case len(spans) > 0:
		sending = true // by an error, too
		return s.sendSpans(p, r, spans)
	case r.file == nil:
		p.Bytes = r.data
	default:
		p.Body, sending = r.file, true
	}
	return nil
}

// setETag sets the entity tag. One of the options stands there already, but is that of all representations.
func (s *site) setETag(p *gateway.Response, r *representation) {
	if r.etag != "" && (!s.ownETag || r.coding != "") {
		p.Header.Set("ETag", r.etag)
	}
}

// setVary says that others may get another representation.
func (r *representation) setVary(p *gateway.Response) {
	if r.varies && !p.Header.HasToken("Vary", "Accept-Encoding") && !p.Header.HasToken("Vary", "*") {
		p.Header.Add("Vary", "Accept-Encoding")
	}
}

// answerNotModified sends what a cache needs to go on using its copy (RFC 9110,
// section 15.4.5).
func (s *site) answerNotModified(x *gateway.Exchange, r *representation) {
	p := &x.Response
	s.setGeneral(x)
	if r.etag != "" {
		p.Header.Set("ETag", r.etag)
	} else if r.date != "" {
		p.Header.Set("Last-Modified", r.date)
	}
	r.setVary(p)
	p.Status, p.ContentLength = 304, -1
}

// readerAt is what ranges are read from.
func (r *representation) readerAt() io.ReaderAt {
	if r.file != nil {
		return r.file
	}
	return bytes.NewReader(r.data)
}

// formatTime prints a date as HTTP has it (RFC 9110, section 5.6.7).
func formatTime(t time.Time) string {
	return t.UTC().Format(httpTime)
}

// httpTime is that format, for UTC.
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// tagOf is the entity tag of a representation, by that of the file, if it's the options'.
func (s *site) tagOf(own, coding string) string {
	switch {
	case !s.ownETag:
		return own
	case s.etag == "" || coding == "":
		return s.etag
	}
	return s.etag[:len(s.etag)-1] + "-" + coding + `"` // the bytes are others, so it's another one
}
