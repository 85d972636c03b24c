// Package pbkdf2 verifies passwords by PBKDF2 (RFC 8018, section 5.2).
package pbkdf2

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"hash"

	"github.com/aileron-gateway/aileronc/runtime/password"
)

// A Scheme reads hashes that are a salt and a key, without the parameters, and those that have them:
// $pbkdf2-sha256$i=600000$salt$key, with sha1, sha256 or sha512.
type Scheme struct {
	SaltLen int // bytes; 0 is 32
	Iter    int // rounds; 0 is 4096
	KeyLen  int // bytes; 0 is 32
	// Hash is one of the algorithms in package replace/digest but SHAKE128 and SHAKE256; nil is SHA256.
	Hash func() hash.Hash
}

type stored struct {
	salt, key []byte
	iter      int
	hash      func() hash.Hash
}

// Parse reads a hash.
func (s Scheme) Parse(text []byte) (password.Hash, error) {
	h := &stored{iter: cmp.Or(s.Iter, 4096), hash: s.Hash}
	if h.hash == nil {
		h.hash = sha256.New
	}
	phc, ok, err := password.ParsePHC(text, "pbkdf2-")
	switch {
	case err != nil:
		return nil, err
	case ok:
		h.iter, h.salt, h.key, h.hash = phc.Params["i"], phc.Salt, phc.Key, named(phc.ID)
	default:
		if h.salt, h.key, err = password.Split(text, cmp.Or(s.SaltLen, 32), cmp.Or(s.KeyLen, 32)); err != nil {
			return nil, err
		}
	}
	if h.iter < 1 || h.hash == nil {
		return nil, errors.New("the parameters of PBKDF2 can't be used: there must be at least one round, and the hash must be known")
	}
	return h, nil
}

func named(id string) func() hash.Hash {
	switch id {
	case "pbkdf2-sha1":
		return sha1.New
	case "pbkdf2-sha256":
		return sha256.New
	case "pbkdf2-sha512":
		return sha512.New
	}
	return nil
}

// Verify compares in constant time.
func (h *stored) Verify(password []byte) bool {
	key, err := pbkdf2.Key(h.hash, string(password), h.salt, h.iter, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
