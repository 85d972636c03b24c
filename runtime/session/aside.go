package session

import (
	"encoding/base64"
	"iter"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
)

// An aside is a value beside the session, in a cookie of its own. It's for what several requests of a client set at the same time: of what they set in the session,
// only that of one is left, since each has read the session before the others have kept theirs.

// SetAside has the client keep value under name beside the session, for so long. name is of letters, digits, "-" and "_". Nobody but this
// gateway can read or make it, as with the session. It has to be small.
func (s *Session) SetAside(name string, value []byte, life time.Duration) error {
	data, err := s.codec.encode(map[string][]byte{asideKey(name): value})
	if err != nil {
		return failure("a value beside the session can't be kept", err)
	}
	text := base64.StdEncoding.EncodeToString(data)
	if len(text) > chunk {
		return failure("a value beside the session can't be kept", errTooLarge)
	}
	attributes := *s.Cookie
	attributes.MaxAge, attributes.ExpiresIn = life, 0
	s.asides = append(s.asides, cookie.Set(s.asideCookie(name), text, &attributes))
	return nil
}

// DropAside removes the value of name beside the session.
func (s *Session) DropAside(name string) {
	s.asides = append(s.asides, cookie.Delete(s.asideCookie(name), s.Cookie))
}

// Asides yields the names and values beside the session that begin with prefix, as they came with the request. Those that can't be read, because somebody has changed
// them or the keys are others, have the value nil.
func (s *Session) Asides(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(name string, value []byte) bool) {
		before := s.asideCookie("")
		for name, text := range cookie.All(s.x.Request.Header) {
			name, ok := strings.CutPrefix(name, before)
			if !ok || !strings.HasPrefix(name, prefix) {
				continue
			}
			if !yield(name, s.aside(name, text)) {
				return
			}
		}
	}
}

func (s *Session) aside(name, text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	values, _, ok := s.codec.decode(data)
	if !ok {
		return nil
	}
	return values[asideKey(name)]
}

func (s *Session) asideCookie(name string) string { return s.CookieName + "-" + name }

// asideKey is what the value of such a cookie is known by, so that it can be taken neither for a session nor for one of another name.
func asideKey(name string) string { return "__aside__" + name }
