package session

import (
	"context"
	"crypto/rand"
	"encoding/base32"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// external keeps sessions in a Store. A cookie holds the id.
type external struct{ *manager }

// Of an id all 30 bytes are random. In AILERON Gateway 14 are, and the others tell the time and the host.
const (
	idBytes = 30
	idChars = 48
)

func newID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base32.HexEncoding.EncodeToString(b[:])
}

// isID tells if a value may be one of our ids, so that no other text becomes part of a key.
func isID(s string) bool {
	if len(s) != idChars {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'V') {
			return false
		}
	}
	return true
}

func (e *external) load(s *Session) ([]byte, error) {
	id, ok := cookie.Get(s.x.Request.Header, e.CookieName)
	if !ok {
		return nil, nil
	}
	s.received = append(s.received, 0)
	if !isID(id) {
		return nil, nil
	}
	end := e.trace(s, "GET")
	data, err := e.Store.Get(s.x.Context(), e.Prefix+id)
	end(err)
	if data != nil {
		s.id = id // or it would be the client who has chosen it
	}
	return data, err
}

func (e *external) save(s *Session, data []byte) error {
	known := s.id != ""
	if !known {
		s.id = newID()
	}
	end := e.trace(s, "SET")
	err := e.Store.Set(s.lasting(), e.Prefix+s.id, data, s.ttl())
	if end(err); err != nil {
		return err
	}
	s.kept = true
	if !known || e.Cookie.MaxAge > 0 || e.Cookie.ExpiresIn > 0 {
		s.setCookies = append(s.setCookies[:0], cookie.Set(e.CookieName, s.id, e.Cookie))
	}
	return e.removeStale(s)
}

func (e *external) remove(s *Session) error {
	if s.id != "" {
		s.stale, s.id = s.id, ""
	}
	s.setCookies = s.setCookies[:0]
	if len(s.received) > 0 {
		s.setCookies = append(s.setCookies, cookie.Delete(e.CookieName, e.Cookie))
	}
	return e.removeStale(s)
}

func (e *external) removeStale(s *Session) error {
	if s.stale == "" {
		return nil
	}
	end := e.trace(s, "DELETE")
	err := e.Store.Delete(s.lasting(), e.Prefix+s.stale)
	if end(err); err == nil {
		s.stale = ""
	}
	return err
}

// trace begins the span of an operation.
func (e *external) trace(s *Session, operation string) (end func(error)) {
	if e.Tracer == nil {
		return func(error) {}
	}
	return e.Tracer.Trace(s.x, "session", gateway.Field{Name: "operation", Value: operation})
}

// lasting is a context that doesn't end when the client goes away: a session that was to end must end. The Store has
// a timeout of its own.
func (s *Session) lasting() context.Context { return context.WithoutCancel(s.x.Context()) }
