// Package echo answers with a description of the request, as plain text.
//
// It's for trying out a gateway: clients see what arrived behind its middleware.
package echo

import (
	"errors"
	"io"
	"net/url"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// maxBody is how much of a body is sent back.
const maxBody = 16 << 20

// New returns the handler.
func New() gateway.Handler { return gateway.HandlerFunc(serve) }

func serve(x *gateway.Exchange) error {
	q, r := &x.Request, &x.Response
	query, err := url.QueryUnescape(q.RawQuery)
	if err != nil {
		r.Status = 500
		r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		r.Header.Set("X-Content-Type-Options", "nosniff")
		r.Bytes = []byte(err.Error() + "\n")
		return nil
	}
	b := make([]byte, 0, 1024)
	b = append(b, "---------- Request ----------\n"...)
	b = line(b, "Proto   : ", q.Proto)
	b = line(b, "Host   : ", q.Host)
	b = line(b, "Method : ", q.Method)
	b = line(b, "URI    : ", q.Target)
	b = line(b, "Path   : ", q.Path)
	b = line(b, "Query  : ", query)
	b = line(b, "Remote : ", q.RemoteAddr)
	b = append(b, "---------- Header ----------\n"...)
	b = appendHeader(b, q.Header)
	b = append(b, "---------- Body ----------\n"...)
	if b, err = appendBody(b, q); err != nil {
		return err
	}
	r.Bytes = append(b, "\n--------------------------\n"...)
	r.Status = 200
	r.Header.Set("Content-Type", "text/plain;charset=utf-8")
	r.Header.Set("X-Content-Type-Options", "nosniff")
	return nil
}

func line(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, value...)
	return append(b, '\n')
}

// appendBody appends the body of q, or a note in its place if it is too large.
func appendBody(b []byte, q *gateway.Request) ([]byte, error) {
	if q.Body == nil {
		return b, nil
	}
	start := len(b)
	if q.ContentLength > maxBody {
		return append(b, "REQUEST BODY TOO LARGE\n"...), nil
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := q.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case len(b)-start > maxBody:
			return append(b[:start], "REQUEST BODY TOO LARGE\n"...), nil
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, readError(err)
		}
	}
}

// readError is the refusal of a request whose body can't be read.
func readError(err error) error {
	switch {
	case errors.Is(err, gateway.ErrTooLarge):
		return &gateway.Error{
			Status: 413, Code: "E3205", Kind: "AppMiddleBodyTooLarge",
			Message: "request body too large", Cause: err,
		}
	case gateway.IsTimeout(err):
		return &gateway.Error{Status: 408, Message: "request body not received in time", Cause: err}
	}
	return &gateway.Error{Status: 400, Message: "request body not readable", Cause: err}
}
