// Package bcrypt verifies passwords by bcrypt.
package bcrypt

import (
	"errors"

	"golang.org/x/crypto/bcrypt"

	"github.com/aileron-gateway/aileronc/runtime/password"
)

// A Scheme reads hashes in the form that all implementations have: $2a$10$… Their parameters are in
// them.
type Scheme struct{}

// Parse reads a hash.
func (Scheme) Parse(stored []byte) (password.Hash, error) {
	if _, err := bcrypt.Cost(stored); err != nil || len(stored) != length(stored) {
		return nil, errors.New("the hash isn't one of bcrypt, 60 characters that begin with $2")
	}
	return hash(stored), nil
}

// length is how long a hash must be. The first version has no letter.
func length(stored []byte) int {
	if stored[2] == '$' {
		return 59
	}
	return 60
}

type hash []byte

// Verify compares by bcrypt.
func (h hash) Verify(password []byte) bool { return bcrypt.CompareHashAndPassword(h, password) == nil }
