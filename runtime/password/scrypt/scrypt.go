// Package scrypt verifies passwords by scrypt (RFC 7914).
package scrypt

import (
	"cmp"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/scrypt"

	"github.com/aileron-gateway/aileronc/runtime/password"
)

// A Scheme reads hashes that are a salt and a key, without the parameters, and those that have them:
// $scrypt$ln=15,r=8,p=1$salt$key, where n is the power of two with the exponent ln.
type Scheme struct {
	SaltLen int // bytes; 0 is 32
	N       int // 0 is 32768
	R       int // 0 is 8
	P       int // 0 is 1
	KeyLen  int // bytes; 0 is 32
}

type hash struct {
	salt, key []byte
	n, r, p   int
}

// Parse reads a hash.
func (s Scheme) Parse(stored []byte) (password.Hash, error) {
	h := &hash{n: cmp.Or(s.N, 32768), r: cmp.Or(s.R, 8), p: cmp.Or(s.P, 1)}
	phc, ok, err := password.ParsePHC(stored, "scrypt$")
	switch {
	case err != nil:
		return nil, err
	case ok && phc.Params["ln"] > 30:
		return nil, errParams
	case ok:
		h.n, h.r, h.p, h.salt, h.key = 1<<phc.Params["ln"], phc.Params["r"], phc.Params["p"], phc.Salt, phc.Key
	default:
		if h.salt, h.key, err = password.Split(stored, cmp.Or(s.SaltLen, 32), cmp.Or(s.KeyLen, 32)); err != nil {
			return nil, err
		}
	}
	if h.n <= 1 || h.n&(h.n-1) != 0 || h.r < 1 || h.p < 1 || int64(h.r)*int64(h.p) >= 1<<30 || h.r > 1<<24 || int64(h.n)*int64(h.r) > 1<<31 {
		return nil, errParams
	}
	return h, nil
}

var errParams = errors.New("the parameters of scrypt can't be used: n must be a power of two, r and p at least 1, and n·r at most 2147483648")

// Verify compares in constant time.
func (h *hash) Verify(password []byte) bool {
	key, err := scrypt.Key(password, h.salt, h.n, h.r, h.p, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}
