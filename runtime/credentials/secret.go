package credentials

import (
	"crypto/sha256"
	"crypto/subtle"
)

// A Secret can be compared with what a client presents, in a time that depends on the length of that alone.
// It doesn't hold the secret itself but its hash, and there is no other way to compare it.
type Secret struct {
	_   [0]func() // not comparable by ==
	sum [sha256.Size]byte
}

// NewSecret returns the Secret for b.
func NewSecret(b []byte) Secret { return Secret{sum: sha256.Sum256(b)} }

// Equal reports whether b is the secret.
func (s *Secret) Equal(b []byte) bool {
	sum := sha256.Sum256(b)
	return subtle.ConstantTimeCompare(s.sum[:], sum[:]) == 1
}
