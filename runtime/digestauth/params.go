package digestauth

import (
	"net/url"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// params are the parameters of an Authorization field (RFC 7616, section 3.4), unquoted.
type params struct {
	username, usernameExt, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc, userhash string
}

// names are the names of the parameters that matter, in lower case, and fields are where they are kept.
var names = [...]string{"username", "username*", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "opaque", "qop", "nc", "userhash"}

func (p *params) fields() [len(names)]*string {
	return [...]*string{
		&p.username, &p.usernameExt, &p.realm, &p.nonce, &p.uri, &p.response, &p.algorithm, &p.cnonce, &p.opaque, &p.qop, &p.nc, &p.userhash,
	}
}

// parse reads a list of parameters (RFC 9110, section 11.2). It reports whether it is well formed and has none
// twice.
func (p *params) parse(s string) bool {
	seen, fields := 0, p.fields()
	for {
		for s = skipBlanks(s); s != "" && s[0] == ','; { // elements may be empty
			s = skipBlanks(s[1:])
		}
		if s == "" {
			return true
		}
		n := tokenLen(s)
		if n == 0 {
			return false
		}
		name := s[:n]
		s = skipBlanks(s[n:])
		if s == "" || s[0] != '=' {
			return false
		}
		value, rest, ok := parseValue(skipBlanks(s[1:]))
		if !ok {
			return false
		}
		for i := range names {
			if !gateway.EqualName(names[i], name) {
				continue
			}
			if *fields[i] != "" {
				return false
			}
			*fields[i] = value
			break
		}
		if s = skipBlanks(rest); s != "" && s[0] != ',' {
			return false
		}
		if seen++; seen > 32 {
			return false
		}
	}
}

// parseValue reads a token or a quoted string.
func parseValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		n := tokenLen(s)
		return s[:n], s[n:], n > 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return s[1:i], s[i+1:], true
		case '\\':
			return unescape(s, i)
		}
	}
	return "", "", false
}

// unescape reads the rest of a quoted string, whose first backslash is at i.
func unescape(s string, i int) (value, rest string, ok bool) {
	b := []byte(s[1:i])
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			return string(b), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b = append(b, s[i])
	}
	return "", "", false
}

// tokenLen returns the length of the token that s begins with. Some clients send a value without quotes that is
// none, so it is all but what ends one.
func tokenLen(s string) int {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' || c == '=' {
			return i
		}
	}
	return len(s)
}

func skipBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// user returns the name of the user, or of its hash.
func (p *params) user() (name string, hashed, ok bool) {
	hashed = gateway.EqualName(p.userhash, "true")
	if p.usernameExt == "" {
		return p.username, hashed, true
	}
	const charset = "UTF-8''"
	if p.username != "" || hashed || len(p.usernameExt) < len(charset) || !gateway.EqualName(p.usernameExt[:len(charset)], charset) {
		return "", false, false
	}
	name, err := url.PathUnescape(p.usernameExt[len(charset):]) // RFC 8187
	return name, false, err == nil
}
