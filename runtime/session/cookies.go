package session

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
)

// cookies keeps sessions in the cookies of the client: NAME0, NAME1 and so on.
type cookies struct{ *manager }

// chunk is how long the value of a cookie may be, so that browsers take it with its name and attributes: they
// have at least 4096 bytes for it (RFC 6265, section 6.1).
const chunk = 3968

func (c *cookies) load(s *Session) ([]byte, error) {
	parts := make([]string, c.MaxCookies)
	total := 0
	for name, value := range cookie.All(s.x.Request.Header) {
		if i, ok := c.index(name); ok {
			s.received = append(s.received, i)
			if i < len(parts) && parts[i] == "" {
				parts[i] = value
				total += len(value)
			}
		}
	}
	if total == 0 {
		return nil, nil
	}
	text := make([]byte, 0, total)
	for _, p := range parts {
		if p == "" {
			break
		}
		text = append(text, p...)
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return nil, nil // it isn't ours
	}
	return data[:n], nil
}

// index is the number of a cookie of ours, 99 at most.
func (c *cookies) index(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, c.CookieName)
	if !ok || digits == "" || len(digits) > 2 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	i := 0
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return 0, false
		}
		i = 10*i + int(d-'0')
	}
	return i, true
}

func (c *cookies) save(s *Session, data []byte) error {
	text := base64.StdEncoding.EncodeToString(data)
	n := (len(text) + chunk - 1) / chunk
	if n > c.MaxCookies {
		return errTooLarge
	}
	size := (len(text) + n - 1) / n
	s.setCookies = s.setCookies[:0]
	for i := range n {
		part := text[:min(size, len(text))]
		text = text[len(part):]
		s.setCookies = append(s.setCookies, cookie.Set(c.CookieName+strconv.Itoa(i), part, c.Cookie))
	}
	c.deleteFrom(s, n)
	return nil
}

func (c *cookies) remove(s *Session) error {
	s.setCookies = s.setCookies[:0]
	c.deleteFrom(s, 0)
	return nil
}

// deleteFrom deletes the cookies from number n on.
func (c *cookies) deleteFrom(s *Session, n int) {
	slices.Sort(s.received)
	for _, i := range slices.Compact(s.received) {
		if i >= n {
			s.setCookies = append(s.setCookies, cookie.Delete(c.CookieName+strconv.Itoa(i), c.Cookie))
		}
	}
}
