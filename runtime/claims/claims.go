// Package claims holds what an authentication has established about the client of an exchange, for
// those who decide by it: authorization, limits for each user, and the like.
package claims

import (
	"strings"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// DefaultKey is the key of claims whose authentication names no other one.
const DefaultKey = "AuthnClaims"

// A Source knows the claims about a client. They are asked for only where something decides by them, so
// that an authentication needn't make a map for each request.
type Source interface {
	// Claims returns the claims as encoding/json would decode them: strings, float64, bool, nil, []any
	// and map[string]any. Nobody changes them.
	Claims() map[string]any
}

// A Map is a Source of claims that are there already, those of a token, for example.
type Map map[string]any

// Claims returns m.
func (m Map) Claims() map[string]any { return m }

// entry is a list, since a request is rarely authenticated more than once.
type entry struct {
	key    string
	source Source // nil if there is no entry
	next   *entry
}

var entries gateway.Slot[entry]

// Put keeps the claims about the client of x under key. They replace those that were there.
func Put(x *gateway.Exchange, key string, source Source) {
	head := entries.Ref(x)
	for e := head; e != nil; e = e.next {
		if e.key == key || e.source == nil {
			e.key, e.source = key, source
			return
		}
	}
	head.next = &entry{key, source, head.next}
}

// Get returns the claims under key, nil if there are none.
func Get(x *gateway.Exchange, key string) map[string]any {
	head, _ := entries.Get(x)
	for e := &head; e != nil; e = e.next {
		if e.key == key && e.source != nil {
			return e.source.Claims()
		}
	}
	return nil
}

// Find returns the claim at path, the names of nested objects with dots between them: "sub", "realm_access.tenant".
// A name that holds dots itself is found, too, at the outermost level.
func Find(claims map[string]any, path string) (value any, ok bool) {
	for {
		if value, ok = claims[path]; ok {
			return value, true
		}
		name, rest, more := strings.Cut(path, ".")
		if !more {
			return nil, false
		}
		if claims, ok = claims[name].(map[string]any); !ok {
			return nil, false
		}
		path = rest
	}
}
