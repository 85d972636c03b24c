package static

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// serveFile answers with a file, which it closes or leaves to the engine.
func (h *Handler) serveFile(x *gateway.Exchange, f *os.File, info fs.FileInfo) error {
	sending := false
	defer func() {
		if !sending {
			_ = f.Close()
		}
	}()
	modified := info.ModTime()
	if modified.Unix() <= 0 {
		modified = time.Time{} // unknown: file systems of images and archives say 1970
	}
	switch evaluate(&x.Request, h.etag, modified) {
	case conditionFails:
		return h.refuse(412, "412 Precondition Failed", nil)
	case notModified:
		h.answerNotModified(x, modified)
		return nil
	}
	size := info.Size()
	var few [4]span
	spans, err := h.requestedSpans(&x.Request, few[:0], size, modified)
	if err != nil {
		return h.refuse(416, err.Error(), nil, gateway.Field{Name: "Content-Range", Value: fmt.Sprintf("bytes */%d", size)})
	}
	contentType := h.contentType
	if contentType == "" {
		if contentType, err = typeOf(info.Name(), f); err != nil {
			return h.fail(err)
		}
	}
	r := &x.Response
	for _, field := range h.header {
		r.Header.Set(field.Name, field.Value)
	}
	r.Header.Set("Accept-Ranges", "bytes")
	if !modified.IsZero() {
		r.Header.Set("Last-Modified", formatTime(modified))
	}
	r.Header.Set("Content-Type", contentType)
	r.Status, r.ContentLength = 200, size
	if x.Request.Method == "HEAD" {
		return nil
	}
	var body io.ReadCloser = f
	if len(spans) > 0 {
		if body, err = sendSpans(r, f, spans, size); err != nil {
			return h.fail(err)
		}
	}
	r.Body, sending = body, true
	return nil
}

// answerNotModified sends what a cache needs to go on using its copy (RFC 9110,
// section 15.4.5).
func (h *Handler) answerNotModified(x *gateway.Exchange, modified time.Time) {
	r := &x.Response
	h.setGeneral(x)
	if h.etag != "" {
		r.Header.Set("ETag", h.header.Get("ETag"))
	} else if !modified.IsZero() {
		r.Header.Set("Last-Modified", formatTime(modified))
	}
	r.Status, r.ContentLength = 304, -1
}

// formatTime prints a date as HTTP has it (RFC 9110, section 5.6.7).
func formatTime(t time.Time) string {
	return t.UTC().Format(httpTime)
}

const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

// typeOf returns the content type of a file by its name, or else by its first bytes.
func typeOf(name string, f io.ReaderAt) (string, error) {
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if t := typeByExtension(name[dot:]); t != "" {
			return t, nil
		}
	}
	var head [512]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	return sniff(head[:n]), nil
}
