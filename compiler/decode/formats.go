package decode

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/compiler/diag"
)

// A format is a check of what a string means.
type format struct {
	code  diag.Code
	check func(s string) error
}

// formats are the values of the format tag.
var formats = map[string]format{
	"name":         {diag.BadName, resourceName},
	"header-name":  {diag.BadHeaderName, headerName},
	"header-value": {diag.BadValue, headerValue},
	"regexp":       {diag.BadRegexp, func(s string) error { _, err := regexp.Compile(s); return regexpError(err) }},
	"glob":         {diag.BadPattern, func(s string) error { _, err := path.Match(s, ""); return err }},
	"url":          {diag.BadURL, upstreamURL},
	"cidr":         {diag.BadValue, cidr},
	"timezone":     {diag.BadValue, func(s string) error { _, err := time.LoadLocation(s); return err }},
}

func resourceName(s string) error {
	for _, c := range s {
		if c != '-' && c != '.' && (c >= 0x80 || !isToken(byte(c)) || strings.ContainsRune("!#$%&'*+^_`|~", c)) {
			return fmt.Errorf("%q can't be in a name; letters, digits, hyphens and dots can", c)
		}
	}
	return nil
}

func headerName(s string) error {
	if s == "" {
		return fmt.Errorf("a header name can't be empty")
	}
	for i := range len(s) {
		if !isToken(s[i]) {
			return fmt.Errorf("%q can't be in a header name", s[i])
		}
	}
	return nil
}

// isToken reports whether c may be in a token (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func headerValue(s string) error {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("control character %q in a header value", c)
		}
	}
	return nil
}

func regexpError(err error) error {
	if e, ok := err.(*syntax.Error); ok {
		return fmt.Errorf("%s: %q", e.Code, e.Expr)
	}
	return err
}

func upstreamURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		if e, ok := err.(*url.Error); ok {
			err = e.Err
		}
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("the scheme must be http or https")
	case u.Hostname() == "":
		return fmt.Errorf("there is no host in it")
	}
	return nil
}

func cidr(s string) error {
	if _, err := netip.ParsePrefix(s); err != nil {
		return fmt.Errorf("it must be an address with a prefix length, like 192.0.2.0/24")
	}
	return nil
}
