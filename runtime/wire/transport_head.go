package wire

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

var (
	errMethod = errors.New("malformed or unsupported method")
	errTarget = errors.New("control character in the request target")
	errName   = errors.New("malformed field name")
	errValue  = errors.New("control character in a field value")
)

// appendHead appends the head of the request. What would make another message of it is refused: that can
// only come from within, and to mend it might do harm.
func (c *call) appendHead(b []byte) ([]byte, error) {
	r := &c.leg.Request
	if !isToken(r.Method) || r.Method == "CONNECT" { // whose response would be followed by no HTTP
		return b, fmt.Errorf("%w %q", errMethod, r.Method)
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, c.up.absolute...)
	b, err := appendTarget(b, r)
	if err != nil {
		return b, err
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.up.field...)
	b = append(b, "\r\n"...)
	start, lines := len(b), 0
	for i := range r.Header {
		f := &r.Header[i]
		switch len(f.Name) { // tells nearly all apart
		case 2, 4, 6, 7, 10, 14, 16, 17, 19:
			if c.keepsBack(f) {
				continue
			}
		}
		if !isToken(f.Name) {
			return b, fmt.Errorf("%w %q", errName, f.Name)
		}
		b = appendLine(b, f.Name, f.Value)
		lines++
	}
	if c.upgrade {
		for i := range r.Header {
			if f := &r.Header[i]; gateway.EqualName(f.Name, "Upgrade") {
				b = appendLine(b, "Upgrade", f.Value)
				lines++
			}
		}
	}
	if !areLines(b[start:], lines) {
		return b, errValue
	}
	return append(c.appendFraming(b), "\r\n"...), nil
}

// keepsBack notes what a field says that matters to the engine, and reports whether it isn't sent on as
// it is.
func (c *call) keepsBack(f *gateway.Field) bool {
	switch len(f.Name) {
	case len("Te"):
		c.te = c.te || gateway.EqualName(f.Name, "Te")
		return false
	case len("Host"):
		return gateway.EqualName(f.Name, "Host")
	case len("Expect"):
		if !gateway.EqualName(f.Name, "Expect") {
			return false
		}
		c.expect = c.expect || gateway.EqualName(f.Value, "100-continue")
		return !c.hasBody // there is nothing to be expected (RFC 9110, section 10.1.1)
	case len("Upgrade"):
		return gateway.EqualName(f.Name, "Upgrade") || gateway.EqualName(f.Name, "Trailer")
	case len("Connection"):
		if gateway.EqualName(f.Name, "Connection") {
			c.noteOptions(f.Value)
		}
	case len("Proxy-Authorization"):
		return c.up.auth != "" && gateway.EqualName(f.Name, "Proxy-Authorization")
	}
	return isFraming(f.Name)
}

func (c *call) noteOptions(list string) {
	for option := range gateway.SplitList(list) {
		switch {
		case gateway.EqualName(option, "close"):
			c.close = true
		case gateway.EqualName(option, "upgrade"):
			c.upgrade = c.leg.Request.Header.Has("Upgrade")
		}
	}
}

// appendFraming appends the fields about content and connection.
func (c *call) appendFraming(b []byte) []byte {
	r := &c.leg.Request
	if c.up.auth != "" {
		b = appendField(b, "Proxy-Authorization", c.up.auth)
	}
	if c.close || c.upgrade || c.te {
		b = c.appendConnection(b)
	}
	switch {
	case c.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if r.Trailer != nil {
			b = appendTrailerNames(b, r.Header)
		}
	case c.hasBody:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.ContentLength, 10)
		b = append(b, "\r\n"...)
	case r.Method == "POST", r.Method == "PUT", r.Method == "PATCH": // RFC 9110, section 8.6
		b = append(b, "Content-Length: 0\r\n"...)
	}
	return b
}

// appendConnection appends the Connection field: those of the options that concern this connection. TE is one of
// them (RFC 9110, section 10.1.4).
func (c *call) appendConnection(b []byte) []byte {
	sep := "Connection: "
	if c.close {
		b = append(append(b, sep...), "close"...)
		sep = ", "
	}
	if c.upgrade {
		b = append(append(b, sep...), "Upgrade"...)
		sep = ", "
	}
	if c.te {
		b = append(append(b, sep...), "TE"...)
	}
	return append(b, "\r\n"...)
}

// appendTrailerNames appends the announcement of the trailers (RFC 9110, section 6.6.2).
func appendTrailerNames(b []byte, h gateway.Header) []byte {
	sep := "Trailer: "
	for name := range h.Tokens("Trailer") {
		if mayTrail(name) && isToken(name) {
			b = append(append(b, sep...), name...)
			sep = ", "
		}
	}
	if sep == ", " {
		b = append(b, "\r\n"...)
	}
	return b
}

// appendTarget appends the request target: the path and the query as they came.
func appendTarget(b []byte, r *gateway.Request) ([]byte, error) {
	if r.RawPath != "" && plainPath(r.RawPath) {
		b = append(b, r.RawPath...)
	} else {
		b = appendEscaped(b, r.Path)
	}
	if r.RawQuery == "" {
		return b, nil
	}
	b = append(b, '?')
	for i := range len(r.RawQuery) {
		switch q := r.RawQuery[i]; {
		case q > ' ' && q != 0x7f:
			b = append(b, q)
		case q == ' ': // it would end the target
			b = append(b, "%20"...)
		default:
			return b, errTarget
		}
	}
	return b, nil
}

// appendEscaped appends a decoded path.
func appendEscaped(b []byte, path string) []byte {
	if path == "*" { // RFC 9112, section 3.2.4
		return append(b, '*')
	}
	if path == "" || path[0] != '/' {
		b = append(b, '/')
	}
	u := url.URL{Path: path}
	return append(b, u.EscapedPath()...)
}

// plainPath reports whether path can be sent without breaking the request line.
func plainPath(path string) bool {
	if path[0] != '/' {
		return path == "*"
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c == '?' || c == '#' || c == 0x7f {
			return false
		}
	}
	return true
}
