package authn

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Header returns the field that holds credentials, whether there is one, and whether it is the only one: of
// several, who reads them next may take another.
func Header(x *gateway.Exchange, name string) (value string, ok, single bool) {
	for i := range x.Request.Header {
		f := &x.Request.Header[i]
		switch {
		case !gateway.EqualName(f.Name, name):
		case ok:
			return value, true, false
		default:
			value, ok = f.Value, true
		}
	}
	return value, ok, ok
}

// CutScheme returns what follows the scheme in the value of an Authorization field, and whether it is that
// scheme (RFC 9110, section 11.4).
func CutScheme(value, scheme string) (rest string, ok bool) {
	n := len(scheme)
	if len(value) < n || !gateway.EqualName(value[:n], scheme) || len(value) > n && value[n] != ' ' {
		return "", false
	}
	return strings.TrimLeft(value[n:], " "), true
}

// Quote writes s as a quoted string (RFC 9110, section 5.6.4).
func Quote(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(append(b, '"'))
}
