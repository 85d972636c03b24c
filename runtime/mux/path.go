package mux

import (
	"path"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// plain reports whether p is clean and has no escapes. It takes some clean paths for
// others, like /.well-known/.
func plain(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	last := byte(0)
	for i := range len(p) {
		c := p[i]
		if c == '%' || last == '/' && (c == '/' || c == '.') {
			return false
		}
		last = c
	}
	return true
}

// Clean removes empty segments, "." and ".." from a percent-encoded path, and keeps a
// slash at its end. Segments are not decoded: "%2e" is not a dot.
func Clean(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	clean := path.Clean(p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		if len(p) == len(clean)+1 && strings.HasPrefix(p, clean) {
			return p
		}
		clean += "/"
	}
	return clean
}

// IsSegment reports whether rest is one segment of a path: not empty, and without a
// slash.
func IsSegment(rest string) bool {
	return rest != "" && strings.IndexByte(rest, '/') < 0
}

// canonical decodes the segments of a path, but for the slashes and percent signs in
// them. What isn't a valid escape is a percent sign that stands for itself.
func canonical(p string) string {
	if strings.IndexByte(p, '%') < 0 {
		return p
	}
	var b strings.Builder
	b.Grow(len(p) + 4)
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '%' {
			if isEscape(p, i) {
				c = unhex(p[i+1])<<4 | unhex(p[i+2])
				i += 2
			}
			switch c {
			case '%':
				b.WriteString("%25")
				continue
			case '/':
				b.WriteString("%2F")
				continue
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// unescape decodes what canonical left escaped.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && isEscape(s, i) {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String()
}

func isEscape(s string, i int) bool {
	return i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
}

const upperHex = "0123456789ABCDEF"

// escapePath percent-encodes what a path must not have in it (RFC 3986, section 3.3),
// among it the backslash, which browsers take for a slash.
func escapePath(p string) string {
	for i := range len(p) {
		if !pathByte(p, i) {
			return escapeRest(p, i, pathByte)
		}
	}
	return p
}

// escapeQuery does the same for a query (RFC 3986, section 3.4), but leaves characters
// alone that are common in queries though the RFC doesn't have them, like brackets.
func escapeQuery(q string) string {
	for i := range len(q) {
		if !queryByte(q, i) {
			return escapeRest(q, i, queryByte)
		}
	}
	return q
}

func escapeRest(s string, i int, valid func(string, int) bool) string {
	b := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if valid(s, i) {
			b = append(b, s[i])
		} else {
			b = append(b, '%', upperHex[s[i]>>4], upperHex[s[i]&15])
		}
	}
	return string(b)
}

func pathByte(p string, i int) bool {
	switch c := p[i]; c {
	case '-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@', '/':
		return true
	case '%':
		return isEscape(p, i)
	default:
		return isAlphanumeric(c)
	}
}

func queryByte(q string, i int) bool {
	return q[i] > ' ' && q[i] < 0x7f && strings.IndexByte(`"#<>\`, q[i]) < 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// Host returns the host that x asks for: in lower case, without a port, the brackets
// of an IPv6 address and a final dot.
func Host(x *gateway.Exchange) string {
	host := x.Request.Host
	for i := range len(host) {
		switch c := host[i]; {
		case c == ':' || c == '[' || c == '.' && i == len(host)-1, 'A' <= c && c <= 'Z':
			return normalHost(host)
		}
	}
	return host
}

func normalHost(host string) string {
	if end := strings.IndexByte(host, ']'); host[0] == '[' && end > 0 && (end == len(host)-1 || host[end+1] == ':') {
		host = host[1:end]
	} else if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if 'A' <= host[i] && host[i] <= 'Z' {
			return lower(host, i)
		}
	}
	return host
}

// lower is for ASCII alone: names in other letters come in their ASCII form.
func lower(host string, i int) string {
	b := []byte(host)
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
