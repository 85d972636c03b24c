// Package backchannel sends requests of the gateway's own: to the servers that issue tokens, for example.
package backchannel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// MaxBody is how many bytes of an answer are read; what has more is refused.
const MaxBody = 1 << 20

// A Request is what is sent.
type Request struct {
	Method string
	URL    string
	Header gateway.Header
	Body   []byte // nil is none
}

// A Response is what was answered.
type Response struct {
	Status int
	Header gateway.Header
	Body   []byte
}

var (
	errTooLong = errors.New("the answer is longer than 1 MiB")
	errURL     = errors.New("the URL of the request isn't one of http or https with a host")
	errNoWay   = errors.New("there is nothing to send requests by")
)

// Do sends r by transport. Errors don't quote the body, nor the query of the URL.
func Do(ctx context.Context, transport gateway.Handler, r Request) (*Response, error) {
	if transport == nil {
		return nil, errNoWay
	}
	var x, leg gateway.Exchange
	x.SetContext(ctx)
	x.Leg(&leg)
	defer x.Finish()
	if err := prepare(&leg.Request, r); err != nil {
		return nil, err
	}
	if err := transport.Serve(&leg); err != nil {
		return nil, err
	}
	resp := &leg.Response
	if resp.Conn != nil {
		_ = resp.Conn.Close() // it wasn't asked for
	}
	answer := &Response{Status: resp.Status, Header: resp.Header, Body: resp.Bytes}
	if resp.Body == nil {
		return answer, nil
	}
	var err error
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	_ = resp.Body.Close()
	if err == nil && len(answer.Body) > MaxBody {
		err = errTooLong
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", leg.Request.Host, err)
	}
	return answer, nil
}

func prepare(to *gateway.Request, r Request) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errURL
	}
	*to = gateway.Request{
		Method: r.Method, Scheme: u.Scheme, Host: u.Host,
		Path: cmp.Or(u.Path, "/"), RawPath: cmp.Or(u.EscapedPath(), "/"), RawQuery: u.RawQuery,
		Header: r.Header, ContentLength: int64(len(r.Body)),
	}
	if r.Body != nil {
		to.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	return nil
}
