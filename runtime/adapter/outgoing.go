package adapter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var errForeignRequest = errors.New("adapter: tripperware called the next round tripper with a request that does not descend from its own")

// NewOutgoingRequest returns the request of leg as an http.RoundTripper takes it.
func NewOutgoingRequest(ctx context.Context, leg *gateway.Exchange) *http.Request {
	q := &leg.Request
	u := &url.URL{Scheme: q.Scheme, Host: q.Host, Path: q.Path, RawQuery: q.RawQuery}
	setRawPath(u, q.RawPath)
	r := (&http.Request{
		Method:     q.Method,
		URL:        u,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     Header(q.Header),
		Host:       q.Host,
	}).WithContext(ctx)
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // or net/http would add its own
	}
	delete(r.Header, "Content-Length")
	if q.Body != nil {
		r.ContentLength = q.ContentLength
		setRequestBody(r, q)
	}
	return r
}

// setOutgoingRequest makes r the request q of a leg.
func setOutgoingRequest(q *gateway.Request, r *http.Request) {
	q.Method, q.Scheme, q.Host = r.Method, r.URL.Scheme, r.URL.Host
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	setPath(q, r.URL)
	setFields(q, r)
	q.ContentLength = r.ContentLength
	if q.Body == nil {
		q.ContentLength = 0
	} else if r.ContentLength == 0 {
		q.ContentLength = -1 // a Body with 0 is one of unknown length, says http.Request
	}
}

// response makes a gateway.Response of resp. Fields that are in like keep its order.
func response(resp *http.Response, like gateway.Header) gateway.Response {
	r := gateway.Response{
		Status:        resp.StatusCode,
		Header:        responseFields(resp.Header, like),
		ContentLength: resp.ContentLength,
		Body:          resp.Body,
	}
	for _, f := range Fields(emptied(resp.Trailer), nil) {
		r.Header.Add("Trailer", f.Name)
	}
	if resp.Trailer != nil || resp.ContentLength < 0 {
		r.Trailer = func() gateway.Header { return Fields(resp.Trailer, nil) }
	}
	if conn, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		r.Body, r.Conn, r.Trailer = nil, conn, nil
	}
	return r
}

// emptied has the names of m, each once.
func emptied(m http.Header) http.Header {
	names := make(http.Header, len(m))
	for name := range m {
		names[name] = []string{""}
	}
	return names
}

// httpResponse makes an http.Response of r.
func httpResponse(r *gateway.Response, req *http.Request) *http.Response {
	resp := &http.Response{
		Status:        strconv.Itoa(r.Status) + " " + http.StatusText(r.Status),
		StatusCode:    r.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        Header(r.Header),
		ContentLength: r.ContentLength,
		Request:       req,
	}
	if r.NoDate && !r.Header.Has("Date") {
		resp.Header["Date"] = nil
	}
	switch {
	case r.Conn != nil:
		resp.Body = r.Conn
	case r.Body == nil:
		resp.ContentLength = int64(len(r.Bytes))
		resp.Body = io.NopCloser(bytes.NewReader(r.Bytes))
	case r.Trailer != nil:
		for _, name := range announced(resp.Header) {
			if resp.Trailer == nil {
				resp.Trailer = make(http.Header)
			}
			resp.Trailer[name] = nil
		}
		delete(resp.Header, "Trailer")
		resp.Body = &responseBody{r.Body, resp, r.Trailer}
	default:
		resp.Body = r.Body
	}
	if resp.ContentLength < 0 {
		resp.TransferEncoding = []string{"chunked"}
	}
	return resp
}

// A responseBody fills in the trailer of an http.Response at the end of the body.
type responseBody struct {
	io.ReadCloser
	resp   *http.Response
	fields func() gateway.Header
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.fields != nil {
		if list := b.fields(); len(list) > 0 {
			trailer := Header(list)
			for name, values := range b.resp.Trailer {
				if _, ok := trailer[name]; !ok {
					trailer[name] = values
				}
			}
			b.resp.Trailer = trailer
		}
		b.fields = nil
	}
	return n, err
}
