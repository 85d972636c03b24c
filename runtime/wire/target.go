package wire

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A target is a request target in the head s: s[start:end].
type target struct {
	s          string
	start, end int
	query      int  // of the first question mark, or end
	encoded    bool // there is a percent sign before it
}

// readTarget finds the target that starts at s[start], and the space behind it.
func readTarget(s string, start int) (target, *Fault) {
	t := target{s: s, start: start, query: -1}
	i := start
	for {
		for class[s[i]]&inTarget != 0 {
			i++
		}
		switch s[i] {
		case '%':
			t.encoded = t.encoded || t.query < 0
		case '?':
			if t.query < 0 {
				t.query = i
			}
		case ' ':
			if i == start {
				return t, &rules[requestLine]
			}
			if t.end = i; t.query < 0 {
				t.query = i
			}
			return t, nil
		default:
			return t, targetFault(s, i)
		}
		i++
	}
}

// targetFault tells what is wrong with s[i] in the request target.
func targetFault(s string, i int) *Fault {
	switch {
	case s[i] == '#':
		return &rules[fragment]
	case s[i] == '\r' && s[i+1] == '\n': // HTTP/0.9 has no version
		return &rules[requestLine]
	}
	return lineFault(s, i, badTarget)
}

// fill sets what the target says in q, by its form (RFC 9112, section 3.2).
func (t *target) fill(q *gateway.Request) *Fault {
	q.Host, q.RawQuery = "", ""
	if t.query < t.end {
		q.RawQuery = t.s[t.query+1 : t.end]
	}
	path := t.s[t.start:t.query]
	switch {
	case q.Method == "CONNECT":
		q.Path, q.RawPath, q.Host = "", "", q.Target
		if i := strings.IndexByte(q.Target, '/'); i == 0 || q.Target == "*" {
			return &rules[targetForm]
		}
		if !isAuthority(q.Target) || !hasPort(q.Target) {
			return &rules[badAuthority]
		}
		return nil
	case t.s[t.start] == '/':
	case q.Target == "*":
		if q.Method != "OPTIONS" {
			return &rules[targetForm]
		}
	default:
		scheme, rest, _ := strings.Cut(path, "://")
		if !gateway.EqualName(scheme, "http") && !gateway.EqualName(scheme, "https") {
			return &rules[targetForm]
		}
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			slash = len(rest)
		}
		q.Host, path = rest[:slash], rest[slash:]
		if !isAuthority(q.Host) {
			return &rules[badAuthority]
		}
		if path == "" {
			path = "/" // the same (RFC 9110, section 4.2.3)
		}
	}
	q.Path, q.RawPath = path, path
	if t.encoded {
		var ok bool
		if q.Path, ok = decode(path); !ok {
			return &rules[badEscape]
		}
	}
	return nil
}

// decode takes the percent-encoding off a path (RFC 3986, section 2.1).
func decode(path string) (string, bool) {
	var b strings.Builder
	b.Grow(len(path))
	for {
		i := strings.IndexByte(path, '%')
		if i < 0 {
			b.WriteString(path)
			return b.String(), true
		}
		if len(path)-i < 3 || unhex[path[i+1]] < 0 || unhex[path[i+2]] < 0 {
			return "", false
		}
		b.WriteString(path[:i])
		b.WriteByte(byte(unhex[path[i+1]]<<4 | unhex[path[i+2]]))
		path = path[i+3:]
	}
}

// isAuthority reports whether s is a host with or without a port (RFC 9110, section 7.2). The host may not be
// empty, nor have a comma or percent-encoding, which a name has in RFC 3986, but not in the DNS.
func isAuthority(s string) bool {
	i := 0
	if s != "" && s[0] == '[' {
		i = strings.IndexByte(s, ']') + 1
		if i == 0 || !isIPv6(s[1:i-1]) {
			return false
		}
	} else {
		for i < len(s) && class[s[i]]&inHost != 0 {
			i++
		}
	}
	if i == 0 || i < len(s) && s[i] != ':' {
		return false
	}
	for i++; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// isIPv6 reports whether s is an address of IPv6. A zone has a meaning only where the client is.
func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

// hasPort reports whether an authority ends in a port that one can connect to (RFC 9110, section 9.3.6).
func hasPort(authority string) bool {
	port, err := strconv.ParseUint(authority[strings.LastIndexByte(authority, ':')+1:], 10, 16)
	return err == nil && port > 0 && !strings.HasSuffix(authority, "]")
}
