// Package soaprest lets clients that speak SOAP use services that speak JSON: it turns the XML of requests into
// JSON, and the JSON of responses into XML.
package soaprest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/soaprest/xmljson"
)

// Options are the settings of the middleware.
type Options struct {
	// Rules say how XML and JSON stand for each other.
	Rules xmljson.Rules
	// MaxSize is the size, in bytes, of the largest body that is converted, either way; 0 is 4 MiB. A body and what becomes
	// of it are held in memory.
	MaxSize int64
}

// New returns the middleware. It refuses what isn't SOAP 1.1 (text/xml with a SOAPAction field) or 1.2 (application/soap+xml). The
// next handler finds the action in X-SOAP-Action and the media type in X-Content-Type, and must answer with JSON.
// Responses without a body pass as they are.
func New(o Options) gateway.Middleware {
	if o.MaxSize == 0 {
		o.MaxSize = 4 << 20
	}
	c := xmljson.New(o.Rules)
	return func(next gateway.Handler) gateway.Handler {
		return &handler{next: next, converter: c, maxSize: o.MaxSize}
	}
}

type handler struct {
	next      gateway.Handler
	converter *xmljson.Converter
	maxSize   int64
}

// The media types of SOAP (the note on SOAP 1.1, section 6, and RFC 3902).
const (
	soap11 = "text/xml"
	soap12 = "application/soap+xml"
)

// Serve converts the request of x, and the response.
func (h *handler) Serve(x *gateway.Exchange) error {
	mediaType, action, ok := version(x.Request.Header)
	if !ok {
		return &gateway.Error{Status: 403, Code: "E3216", Kind: "AppMiddleSOAPRESTVersionMismatch",
			Message: "the request is neither SOAP 1.1 nor SOAP 1.2"}
	}
	asked := x.Request.Header
	if err := h.request(x, mediaType, action); err != nil {
		return err
	}
	err := h.next.Serve(x)
	x.Request.Header = asked // errors are answered as the client wants it
	if err != nil {
		return err
	}
	if err = h.response(x, mediaType); err != nil {
		discard(&x.Response)
	}
	return err
}

// version finds out which SOAP a request is.
func version(h gateway.Header) (mediaType, action string, ok bool) {
	contentType := h.Get("Content-Type")
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil && mediaType == "" {
		return "", "", false
	}
	switch mediaType {
	case soap12:
		return mediaType, parameters["action"], true
	case soap11:
		return mediaType, h.Get("SOAPAction"), h.Has("SOAPAction")
	}
	return "", "", false
}

// request makes the request one of JSON.
func (h *handler) request(x *gateway.Exchange, mediaType, action string) error {
	q := &x.Request
	doc, err := h.readAll(q.Body, q.ContentLength)
	switch {
	case errors.Is(err, errTooLarge):
		return &gateway.Error{Status: 413, Code: "E3217", Kind: "AppMiddleSOAPRESTReadXMLBody", Message: "the XML of the request is too large"}
	case errors.Is(err, gateway.ErrTooLarge):
		return err // whoever limits bodies says so
	case gateway.IsTimeout(err):
		return &gateway.Error{Status: 408, Code: "E3217", Kind: "AppMiddleSOAPRESTReadXMLBody", Message: "the request comes too slowly", Cause: err}
	case err != nil:
		return &gateway.Error{Status: 400, Code: "E3217", Kind: "AppMiddleSOAPRESTReadXMLBody", Message: "the request can't be read", Cause: err}
	}
	text, err := h.converter.ToJSON(doc)
	if err != nil {
		return &gateway.Error{Status: 400, Code: "E3218", Kind: "AppMiddleSOAPRESTConvertXMLtoJSON", Message: "the XML of the request can't be converted", Cause: err}
	}
	fields := make(gateway.Header, 0, len(q.Header)+4)
	for _, f := range q.Header {
		if !isAboutXML(f.Name) {
			fields = append(fields, f)
		}
	}
	q.Header = append(fields,
		gateway.Field{Name: "Accept", Value: "application/json"},
		gateway.Field{Name: "Content-Type", Value: "application/json"},
		gateway.Field{Name: "X-SOAP-Action", Value: action},
		gateway.Field{Name: "X-Content-Type", Value: mediaType})
	q.Body, q.ContentLength, q.Trailer = io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	return nil
}

// isAboutXML reports whether a field of the request isn't true of the one in JSON, or would get an answer that can't be converted.
func isAboutXML(name string) bool {
	for _, n := range [...]string{
		"Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest",
		"Range", "If-Range", "X-SOAP-Action", "X-Content-Type",
	} {
		if gateway.EqualName(name, n) {
			return true
		}
	}
	return false
}

// response makes the response one of XML.
func (h *handler) response(x *gateway.Exchange, mediaType string) error {
	p := &x.Response
	switch {
	case p.Conn != nil, p.Status < 200, p.Status == 204, p.Status == 205, p.Status == 304, x.Request.Method == "HEAD":
		return nil
	}
	got, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	coding := p.Header.Get("Content-Encoding")
	if err != nil && got == "" || got != "application/json" || coding != "" && !gateway.EqualName(coding, "identity") {
		return &gateway.Error{Status: 500, Code: "E3219", Kind: "AppMiddleSOAPRESTInvalidContentType",
			Message: "the response isn't JSON that can be converted", Cause: err}
	}
	text := p.Bytes
	if p.Body != nil {
		text, err = h.readAll(p.Body, p.ContentLength)
	}
	if err != nil {
		status := 502
		if gateway.IsTimeout(err) {
			status = 504
		}
		return &gateway.Error{Status: status, Code: "E3220", Kind: "AppMiddleSOAPRESTConvertJSONtoXML",
			Message: "the JSON of the response can't be read", Cause: err}
	}
	doc, err := h.converter.ToXML(text)
	if err != nil {
		return &gateway.Error{Status: 500, Code: "E3220", Kind: "AppMiddleSOAPRESTConvertJSONtoXML",
			Message: "the JSON of the response can't be converted", Cause: err}
	}
	if p.Body != nil {
		_ = p.Body.Close()
	}
	p.Body, p.Trailer, p.Bytes = nil, nil, doc
	p.Header.DelFunc(func(f gateway.Field) bool { return isAboutJSON(f.Name) })
	p.Header.Add("Content-Type", mediaType+"; charset=utf-8")
	return nil
}

// isAboutJSON reports whether a field of the response isn't true of the one in XML.
func isAboutJSON(name string) bool {
	for _, n := range [...]string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest", "ETag", "Accept-Ranges", "Trailer",
	} {
		if gateway.EqualName(name, n) {
			return true
		}
	}
	return false
}

// discard gives up a response that an error takes the place of.
func discard(p *gateway.Response) {
	if p.Body != nil {
		_ = p.Body.Close()
	}
	p.Body, p.Bytes, p.Trailer = nil, nil, nil
	p.Header.DelFunc(func(f gateway.Field) bool {
		return isAboutJSON(f.Name) || strings.EqualFold(f.Name, "Last-Modified") || strings.EqualFold(f.Name, "Content-Disposition")
	})
}

var errTooLarge = errors.New("it is larger than maxSize")

// readAll reads a body, which may be nil.
func (h *handler) readAll(body io.Reader, length int64) ([]byte, error) {
	switch {
	case body == nil:
		return nil, nil
	case length > h.maxSize:
		return nil, errTooLarge
	}
	var b bytes.Buffer
	if length > 0 {
		b.Grow(int(min(length, 64<<10)) + bytes.MinRead) // memory is taken as the bytes come, not as they are announced
	}
	if _, err := b.ReadFrom(io.LimitReader(body, h.maxSize+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > h.maxSize {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}
