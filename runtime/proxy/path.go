package proxy

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/lb"
)

// A rule is a Path made ready.
type rule struct {
	Path
	rawAppend string // AppendPrefix, percent-encoded
}

// A way is the path to forward, in two parts, so that it's put together only once. The
// raw parts are percent-encoded.
type way struct{ prefix, rawPrefix, rest, rawRest string }

// apply tests the path of r, and returns what to forward.
func (p *rule) apply(r *gateway.Request) (way, bool) {
	rest, cut := r.Path, 0
	if p.TrimPrefix != "" && strings.HasPrefix(rest, p.TrimPrefix) {
		cut = len(p.TrimPrefix)
		rest = rest[cut:]
	}
	if p.Rewrite != nil {
		rewritten, ok := p.Rewrite(rest)
		if !ok || climbs(p.AppendPrefix, rewritten) {
			return way{}, false
		}
		return way{p.AppendPrefix, p.rawAppend, rewritten, escape(rewritten)}, true
	}
	if !p.Match.Match(rest) || (cut > 0 || strings.Contains(rest, "/.")) && climbs(p.AppendPrefix, rest) {
		return way{}, false
	}
	return way{p.AppendPrefix, p.rawAppend, rest, rawFrom(r, cut)}, true
}

// climbs reports whether a path put together of prefix and rest has a segment "." or
// "..", which would lead the upstream out of where it's meant to look: "/pre../x" with "/pre" cut
// off has one, and so has "/a/%2e%2e/x", whose encoded dots a router leaves alone, while for the
// upstream they are the same as dots (RFC 3986, section 6.2.2.2).
func climbs(prefix, rest string) bool {
	last := prefix[strings.LastIndexByte(prefix, '/')+1:]
	segment, rest, more := strings.Cut(rest, "/")
	if joint := last + segment; joint == "." || joint == ".." {
		return true
	}
	for more {
		if segment, rest, more = strings.Cut(rest, "/"); segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// target puts the path of the upstream before w.
func (w *way) target(to *lb.Target) (path, rawPath string) {
	base, rawBase := to.Path, to.RawPath
	first := w.rawRest
	if w.rawPrefix != "" {
		first = w.rawPrefix
	}
	slash := ""
	switch {
	case first != "" && first[0] == '/':
		base, rawBase = strings.TrimSuffix(base, "/"), strings.TrimSuffix(rawBase, "/")
	case first == "" && base != "":
		// Nothing is forwarded: it's the base itself, which ends as it's written.
	case !strings.HasSuffix(rawBase, "/"):
		slash = "/" // an absolute path begins with one (RFC 9112, section 3.2.1)
	}
	if w.prefix == "" && base == "" && slash == "" {
		return w.rest, w.rawRest
	}
	path = base + slash + w.prefix + w.rest
	if len(rawBase) == len(base) && len(w.rawPrefix) == len(w.prefix) && len(w.rawRest) == len(w.rest) {
		return path, path // nothing is encoded
	}
	return path, rawBase + slash + w.rawPrefix + w.rawRest
}

// joinQuery puts the query of the upstream before that of the request.
func joinQuery(first, second string) string {
	switch {
	case first == "":
		return second
	case second == "":
		return first
	}
	return first + "&" + second
}

// rawFrom is the path of r as it came, without what makes up its first cut bytes when
// decoded. So what was encoded stays encoded: "%2F" is not "/" (RFC 3986, section 2.2).
func rawFrom(r *gateway.Request, cut int) string {
	path, raw := r.Path, r.RawPath
	if raw == path && plain(raw) {
		return raw[cut:]
	}
	// Is path what raw is when decoded? Middleware may have changed only the former.
	i, at := 0, -1
	clean := true
	for j := range len(path) {
		if j == cut {
			at = i
		}
		c, n := decodeByte(raw, i)
		if n == 0 || c != path[j] {
			return escape(path[cut:])
		}
		clean = clean && (n == 3 || onWire[c])
		i += n
	}
	if i != len(raw) {
		return escape(path[cut:])
	}
	if cut == len(path) {
		return ""
	}
	if !clean {
		return encode(raw[at:], func(c byte) bool { return onWire[c] || c == '%' })
	}
	return raw[at:]
}

// decodeByte returns the byte that raw has at i, and how long it is there: 1, or 3 if
// it's encoded; 0 if it's neither.
func decodeByte(raw string, i int) (c byte, n int) {
	if i >= len(raw) {
		return 0, 0
	}
	if raw[i] != '%' {
		return raw[i], 1
	}
	if i+2 >= len(raw) {
		return 0, 0
	}
	high, low := unhex(raw[i+1]), unhex(raw[i+2])
	if high < 0 || low < 0 {
		return 0, 0
	}
	return byte(high<<4 | low), 3
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// plain reports whether s can be sent as it is, with nothing encoded.
func plain(s string) bool {
	for i := range len(s) {
		if !onWire[s[i]] {
			return false
		}
	}
	return true
}

// onWire are the bytes that are left as they came. That's more than RFC 3986 has in a
// path, as clients differ, but nothing that ends a path or breaks a line.
var onWire = func() (t [256]bool) {
	for c := byte('!'); c <= '~'; c++ {
		t[c] = c != '%' && c != '?' && c != '#'
	}
	return
}()

// escape encodes a path for the wire, leaving alone what RFC 3986, section 3.3, has in one.
func escape(path string) string {
	return encode(path, func(c byte) bool { return inPath[c] })
}

var inPath = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/") {
		t[c] = true
	}
	return
}()

// encode percent-encodes the bytes that may not stay.
func encode(s string, stay func(byte) bool) string {
	n := 0
	for i := range len(s) {
		if !stay(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; stay(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}
