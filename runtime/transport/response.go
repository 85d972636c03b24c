package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var errStatus = errors.New("a status that is none")

var errSwitch = errors.New("101 (Switching Protocols) without an upgrade")

// fill makes resp the response of leg.
func fill(leg *gateway.Exchange, resp *http.Response) error {
	if resp.StatusCode < 100 { // RFC 9110, section 15
		resp.Body.Close()
		return fmt.Errorf("%w: %d", errStatus, resp.StatusCode)
	}
	r := &leg.Response
	r.Status = resp.StatusCode
	r.Bytes, r.Body, r.Trailer, r.Conn = nil, nil, nil, nil
	length := resp.ContentLength
	if resp.StatusCode == http.StatusNotModified {
		length = statedLength(resp.Header) // net/http knows of no length where there is no body
	}
	r.Header = flatten(r.Header[:0], resp.Header)
	r.ContentLength = length
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		conn, ok := resp.Body.(io.ReadWriteCloser)
		if !ok {
			resp.Body.Close()
			return errSwitch
		}
		r.Conn = conn
	case leg.Request.Method == http.MethodHead, resp.StatusCode == http.StatusNotModified:
		resp.Body.Close()
		r.Body = gateway.NoBody // so that ContentLength counts
	case length == 0, resp.StatusCode == http.StatusNoContent:
		resp.Body.Close()
		r.ContentLength = 0
	default:
		r.Body = &responseBody{resp.Body, leg}
		setTrailer(r, resp)
	}
	return nil
}

// setTrailer makes the trailers of resp known to r. Some come unannounced, those of gRPC
// for one.
func setTrailer(r *gateway.Response, resp *http.Response) {
	if len(resp.Trailer) > 0 {
		names := make([]string, 0, len(resp.Trailer))
		for name := range resp.Trailer {
			names = append(names, name)
		}
		slices.Sort(names)
		r.Header.Set("Trailer", strings.Join(names, ", "))
	}
	if resp.ProtoMajor >= 2 || len(resp.TransferEncoding) > 0 {
		r.Trailer = func() gateway.Header { return flatten(nil, resp.Trailer) }
	}
}

// statedLength is the value of Content-Length, or -1.
func statedLength(h http.Header) int64 {
	if v := h["Content-Length"]; len(v) == 1 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// flatten appends the fields of h to list, sorted by name: the order in a map is
// another one each time.
func flatten(list gateway.Header, h http.Header) gateway.Header {
	for name, values := range h {
		if name == "Content-Length" {
			continue
		}
		for _, v := range values {
			list = append(list, gateway.Field{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(list, func(a, b gateway.Field) int { return strings.Compare(a.Name, b.Name) })
	return list
}
