package throttle

import (
	"strconv"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// headers makes the fields RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10.
type headers struct {
	policy string
	name   string // as it begins a RateLimit: `"default";r=`
	timed  bool   // there is a time at which all is as if there had been no request
}

func newHeaders(name string, l Limit) *headers {
	if name == "" {
		name = "default"
	}
	quoted := quote(name)
	quota, window, unit := l.policy()
	p := quoted + ";q=" + strconv.FormatInt(quota, 10)
	if unit != "" {
		p += ";qu=" + quote(unit)
	}
	if window > 0 {
		p += ";w=" + seconds(window)
	}
	return &headers{policy: p, name: quoted + ";r=", timed: window > 0}
}

// quote makes a string of structured fields (RFC 9651, section 3.3.3). What can't be in one becomes "?".
func quote(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f:
			b = append(b, '?')
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

func (h *headers) add(to *gateway.Header, v verdict) {
	to.Add("RateLimit-Policy", h.policy)
	var room [96]byte
	b := append(room[:0], h.name...)
	b = strconv.AppendInt(b, v.left, 10)
	if h.timed {
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, wholeSeconds(v.reset), 10)
	}
	to.Add("RateLimit", string(b))
}

// seconds is d in seconds, rounded up.
func seconds(d time.Duration) string { return strconv.FormatInt(wholeSeconds(d), 10) }

func wholeSeconds(d time.Duration) int64 {
	return int64(d/time.Second) + int64(min(d%time.Second, 1))
}
