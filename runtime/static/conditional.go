package static

import (
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A verdict is what the conditions of a request come to.
type verdict int

const (
	proceed verdict = iota
	notModified
	conditionFails
)

// evaluate looks at the conditions of a request in the order of RFC 9110, section
// 13.2.2. The etag is that of the file, or ""; modified is zero if it isn't known.
func evaluate(r *gateway.Request, etag string, modified time.Time) verdict {
	if list, ok := r.Header.Joined("If-Match", ","); ok {
		if !matchesETag(list, etag, sameStrong) {
			return conditionFails
		}
	} else if since, ok := dateField(r, "If-Unmodified-Since"); ok && !modified.IsZero() && newer(modified, since) {
		return conditionFails
	}
	if list, ok := r.Header.Joined("If-None-Match", ","); ok {
		if matchesETag(list, etag, sameWeak) {
			return notModified // the methods are GET and HEAD
		}
	} else if since, ok := dateField(r, "If-Modified-Since"); ok && !modified.IsZero() && !newer(modified, since) {
		return notModified
	}
	return proceed
}

// rangeHolds evaluates If-Range (RFC 9110, section 13.1.5): if the client's part is
// of another version, it gets the whole file.
func rangeHolds(r *gateway.Request, etag string, modified time.Time) bool {
	condition := r.Header.Get("If-Range")
	if condition == "" {
		return true
	}
	if tag, _ := scanETag(condition); tag != "" {
		return sameStrong(tag, etag)
	}
	date, ok := parseTime(condition)
	return ok && !modified.IsZero() && date.Unix() == modified.Unix()
}

// newer compares in seconds: dates in HTTP have no more.
func newer(a, b time.Time) bool { return a.Unix() > b.Unix() }

// dateField returns a date; a malformed one is as good as none.
func dateField(r *gateway.Request, name string) (time.Time, bool) {
	value := r.Header.Get(name)
	if value == "" {
		return time.Time{}, false
	}
	return parseTime(value)
}

// parseTime reads the three formats of RFC 9110, section 5.6.7.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range [...]string{httpTime, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// matchesETag reports whether one of a list of entity tags is that of the file. "*" is
// any version: the file exists.
func matchesETag(list, etag string, same func(a, b string) bool) bool {
	for {
		list = strings.TrimLeft(list, ", \t")
		if list == "" {
			return false
		}
		if list[0] == '*' {
			return true
		}
		tag, rest := scanETag(list)
		if tag == "" {
			return false
		}
		if etag != "" && same(tag, etag) {
			return true
		}
		list = rest
	}
}

// scanETag splits s after the entity tag that it begins with. The tag is "" if there is none.
func scanETag(s string) (tag, rest string) {
	s = strings.TrimLeft(s, " \t")
	start := 0
	if strings.HasPrefix(s, "W/") {
		start = 2
	}
	if len(s) < start+2 || s[start] != '"' {
		return "", s
	}
	for i := start + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[:i+1], strings.TrimLeft(s[i+1:], " \t")
		case c <= ' ' || c == 0x7f:
			return "", s
		}
	}
	return "", s
}

// sameStrong and sameWeak are the comparisons of RFC 9110, section 8.8.3.2.
func sameStrong(a, b string) bool { return a == b && !strings.HasPrefix(a, "W/") }

func sameWeak(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}
